// SPDX-License-Identifier: Apache-2.0
// What one scrape tells about an engine's doing, reduced to the few numbers by which its state is
// judged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/http_client.h"

namespace inferscope::engines {

/// One scheduler of an engine: engines with data parallelism have several, and one may hang alone.
struct Lane {
    std::string
        name;  ///< its value of the labels `engine` or `dp_rank`; empty: the page tells none apart
    std::optional<double> running{};   ///< requests in the batch
    std::optional<double> waiting{};   ///< requests queued
    std::optional<double> kv_usage{};  ///< in any unit: only its movement counts
    std::optional<double> progress{};  ///< the sum of counters that move when the engine gets on
    /// The counters move only when a request, or its prefill, ends.
    bool is_coarse = false;

    [[nodiscard]] double work() const { return running.value_or(0) + waiting.value_or(0); }
    [[nodiscard]] bool shows_work() const { return running.has_value() || waiting.has_value(); }
};

struct Page {
    std::vector<Lane> lanes;  ///< empty: none of the families that tell the state is on the page
    bool is_asleep = false;
};

/// How a scrape ended.
enum class ScrapeOutcome {
    page,         ///< read whole
    silent,       ///< no answer in time
    refused,      ///< nobody listens, or can't be reached
    not_ready,    ///< HTTP 503
    needs_key,    ///< HTTP 401, 403
    metrics_off,  ///< HTTP 404, 501: the page isn't there
    failed,       ///< another answer, or an unreadable page
};

/// What a status means; 200 is a page until it proves unreadable.
ScrapeOutcome outcome_of_status(int http_status);
/// What it means that no whole answer came.
ScrapeOutcome outcome_of_error(const net::FetchError& error);

struct Observation {
    Timestamp time = 0;
    Nanos took{};
    ScrapeOutcome outcome = ScrapeOutcome::page;
    std::string why;  ///< for people, when there is no page; redacted
    Page page;
};

}  // namespace inferscope::engines
