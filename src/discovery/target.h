// SPDX-License-Identifier: Apache-2.0
// One thing to scrape: where it is, what labels its series get, by which rules it is scraped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "discovery/config.h"
#include "net/url.h"
#include "telemetry/labels.h"

namespace inferscope::discovery {

/// What is known of the engine behind a target before it was asked.
struct EngineHint {
    bool expected =
        false;  ///< named in `engines:` or found as a process: worth probing whatever it answers
    std::string kind;     ///< "vllm", "sglang", "llamacpp", ...; empty: unknown
    std::string version;  ///< empty: unknown
    std::string api_url;  ///< base of its API; empty: the target's own origin
    /// Its command line leaves its metrics off: the flag to restart it with ("--enable-metrics"),
    /// or what to leave out ("without --disable-log-stats"). Empty: they should be on.
    std::string metrics_advice;
    int pid = 0;  ///< 0: not on this machine, or unknown
    bool operator==(const EngineHint&) const = default;
};

/// Immutable. The same target keeps the same object over reloads for as long as nothing of it
/// changes, so that pointers may be compared.
struct Target {
    net::Url url;              ///< with path and parameters
    Labels labels;             ///< public: after relabelling, with job and instance, without __*
    Labels discovered_labels;  ///< before relabelling
    std::string job;           ///< job_name of the configuration (the label may differ)
    Millis interval{};
    Millis timeout{};
    std::shared_ptr<const ScrapeSettings> settings;
    /// Found by process discovery or told by http_sd: a stranger may be behind it. Link-local
    /// addresses are refused, and it gets no credentials but those that its own job's configuration
    /// names (`settings->http`).
    bool discovered_by_us = false;
    EngineHint engine;

    /// Of URL, labels and job: the same for the same target in every run. A target whose identity
    /// stays but whose other fields change (interval, settings, hint) goes on with its connection
    /// and layout.
    [[nodiscard]] std::uint64_t identity() const;
    bool operator==(const Target& other) const;
};
using TargetPtr = std::shared_ptr<const Target>;

/// Relabelling dropped it, or (with a reason) its labels make no target.
struct DroppedTarget {
    std::string job;
    Labels discovered_labels;
    std::string error;  ///< empty: dropped by a rule, as it should be
};

/// Makes a target of a discovered label set exactly as Prometheus 2.42 does: defaults from the job,
/// parameters, relabelling, default port, instance, interval and time-out by label, __* removed.
std::variant<Target, DroppedTarget> populate(const ScrapeConfig& config, const Labels& discovered);

/// The job label of engines that no scrape job names.
inline constexpr std::string_view kEnginesJob = "engines";

/// The target of an `engines:` entry; its time-out is the interval, at most 10 s. Fails for a bad
/// URL.
Result<Target> engine_target(const EngineConfig& engine, Millis interval);

/// As Prometheus writes it: "1m30s", "1d", "0s".
std::string format_duration(Millis duration);

}  // namespace inferscope::discovery
