// SPDX-License-Identifier: Apache-2.0
// The whole configuration file: prometheus.yml and our own sections (docs: architecture,
// "Configuration").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/yaml.h"
#include "discovery/config.h"
#include "engines/metrics.h"
#include "probe/config.h"
#include "remote/config.h"
#include "tsdb/store.h"

namespace inferscope::app {

/// Alertmanager's configuration for the embedded notifier.
struct NotifyConfig {
    std::string config_file;
};

/// Service level objectives; 0 = none.
struct SloConfig {
    double ttft_p95_seconds = 1.0;
    double success_ratio = 0.99;
    double gpu_memory_ratio = 0.9;
    double output_tokens_per_second = 0;  ///< floor
};

/// Labels cluster_id and cluster_name of unified series.
struct ClusterConfig {
    std::string id = "1";
    std::string name = "default";
};

/// Labels worker_id and worker_name of unified series, and further ones on worker_info.
struct WorkerConfig {
    std::string id = "1";
    std::string name;  ///< empty: the host's name
    std::vector<std::pair<std::string, std::string>> labels;
};

struct MappingConfig {
    std::string file;  ///< empty: the built-in one, or one that was posted
};

struct WebSettings {
    std::vector<std::string>
        allowed_hosts;  ///< Host names besides loopback's and the listen address
};

struct Config {
    discovery::GlobalConfig global;
    std::vector<discovery::ScrapeConfig> scrape_configs;
    std::vector<discovery::EngineConfig> engines;
    /// For engines that no scrape job names: 5 s, or global's scrape_interval where the file says
    /// one.
    Millis engine_interval{5'000};
    bool discover_processes = true;
    NotifyConfig notify;
    SloConfig slos;
    ClusterConfig cluster;
    WorkerConfig worker;
    engines::DesiredInstances desired_instances;  ///< from `models:`
    probe::ProbeConfig probe;
    MappingConfig mapping;
    WebSettings web;
    tsdb::StoreConfig storage;
    remote::WriteConfig remote_write_receiver;

    std::string file;                          ///< where it was read; empty: no file
    std::string page;                          ///< for people: YAML without secrets
    std::vector<ParseError> warnings;          ///< harmless, but the user should know
    std::vector<yaml::NamedFile> named_files;  ///< whether they are there, nobody has looked

    /// Without a file: everything that is found on this machine, every 5 s.
    static Config defaults();
    [[nodiscard]] discovery::DiscoveryConfig discovery() const;
};

/// Fails with file, line and column. Relative paths in `text` start at the directory of `file`. A
/// key of Prometheus that has no effect here is a warning, every other unknown key an error with
/// the nearest known one.
Result<Config, ParseError> parse_config(std::string_view text, std::string_view file);
Result<Config, ParseError> load_config(const std::string& path);

}  // namespace inferscope::app
