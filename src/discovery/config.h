// SPDX-License-Identifier: Apache-2.0
// Which targets there are and how they are scraped: Prometheus's `global` and `scrape_configs`, and
// our `engines`. Defaults are Prometheus 2.42's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/yaml.h"
#include "discovery/http_settings.h"
#include "discovery/relabel.h"
#include "telemetry/labels.h"

namespace inferscope::discovery {

struct GlobalConfig {
    Millis scrape_interval{60'000};
    Millis scrape_timeout{10'000};
    Millis evaluation_interval{60'000};
    Labels external_labels;
    bool operator==(const GlobalConfig&) const = default;
};

/// What the scrape of a target obeys besides its address. Shared by all targets of a job. Limits: 0
/// = none.
struct ScrapeSettings {
    bool honor_labels = false;
    bool honor_timestamps = true;
    std::uint64_t sample_limit = 0;  ///< samples after metric relabelling
    std::uint64_t label_limit = 0;   ///< labels of one sample
    std::uint64_t label_name_length_limit = 0;
    std::uint64_t label_value_length_limit = 0;
    std::uint64_t body_size_limit = 0;  ///< bytes, decompressed
    HttpSettings http;
    std::vector<RelabelRule> metric_relabel_configs;
    bool operator==(const ScrapeSettings&) const = default;
};

/// Targets with labels in common: an entry of static_configs, of a file, of an HTTP answer.
struct TargetGroup {
    std::vector<std::string> targets;  ///< "host:port" or "host"
    std::vector<std::pair<std::string, std::string>> labels;
    bool operator==(const TargetGroup&) const = default;
};

struct FileSdConfig {
    std::vector<std::string> files;  ///< the last path segment may hold *; .json, .yml, .yaml
    Millis refresh_interval{5 * 60'000};
    bool operator==(const FileSdConfig&) const = default;
};

struct HttpSdConfig {
    std::string url;
    Millis refresh_interval{60'000};
    HttpSettings http;
    bool operator==(const HttpSdConfig&) const = default;
};

struct ScrapeConfig {
    std::string job_name;
    Millis scrape_interval{};  ///< read_scrape_configs() fills in the global one
    Millis scrape_timeout{};
    std::string metrics_path = "/metrics";
    std::string scheme = "http";
    std::vector<std::pair<std::string, std::vector<std::string>>> params;
    std::uint64_t target_limit =
        0;  ///< a job with more targets has none of them, with the reason; 0 = none
    std::shared_ptr<const ScrapeSettings> settings = std::make_shared<const ScrapeSettings>();
    std::vector<TargetGroup> static_configs;
    std::vector<FileSdConfig> file_sd_configs;
    std::vector<HttpSdConfig> http_sd_configs;
    std::vector<RelabelRule> relabel_configs;

    bool operator==(const ScrapeConfig& other) const;
};

/// An engine that was named by the user: `engines:`.
struct EngineConfig {
    std::string url;          ///< base of its API, e.g. "http://10.0.0.7:8000"
    std::string metrics_url;  ///< where its metrics are; empty: by the kind, else URL/metrics
    std::string kind;         ///< "vllm", "sglang", ...; empty: recognised from what answers
    std::string version;
    std::vector<std::pair<std::string, std::string>> labels;
    HttpSettings http;
    bool operator==(const EngineConfig&) const = default;
};

/// All that discovery needs to know.
struct DiscoveryConfig {
    Millis engine_interval{5'000};  ///< for engines that no scrape job names
    std::vector<ScrapeConfig> scrape_configs;
    std::vector<EngineConfig> engines;
    bool processes = true;  ///< look for engines among this machine's processes
};

/// Readers of sections. `directory` is where relative paths start: the configuration file's. What
/// is wrong goes to `diagnostics`; read_scrape_configs leaves out (with a warning that names it) a
/// job that needs a discovery that we don't have.
GlobalConfig read_global(const YAML::Node& node, GlobalConfig defaults,
                         yaml::Diagnostics& diagnostics);
std::vector<ScrapeConfig> read_scrape_configs(const YAML::Node& list, const GlobalConfig& global,
                                              std::string_view directory,
                                              yaml::Diagnostics& diagnostics);
std::vector<EngineConfig> read_engines(const YAML::Node& list, std::string_view directory,
                                       yaml::Diagnostics& diagnostics);
std::vector<RelabelRule> read_relabel_configs(const YAML::Node& list, std::string_view what,
                                              yaml::Diagnostics& diagnostics);

}  // namespace inferscope::discovery
