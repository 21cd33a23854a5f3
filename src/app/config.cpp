// SPDX-License-Identifier: Apache-2.0
#include "app/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/config_page.h"
#include "base/text.h"
#include "base/yaml.h"
#include "promql/selector.h"
#include "telemetry/labels.h"

namespace inferscope::app {
namespace {

using yaml::Diagnostics;
using yaml::MapReader;

std::string directory_of(std::string_view file) {
    const auto slash = file.rfind('/');
    if (slash == std::string_view::npos) return {};
    return std::string(file.substr(0, slash == 0 ? 1 : slash));
}

void read_ratio(MapReader& reader, const YAML::Node& node, std::string_view key, double& out,
                Diagnostics& diagnostics) {
    reader.read(key, out);
    if (out < 0 || out > 1) {
        diagnostics.fail(node, fmt::format("slos: {} must be from 0 to 1, not {}", key, out));
    }
}

NotifyConfig read_notify(const YAML::Node& node, std::string_view directory,
                         Diagnostics& diagnostics) {
    NotifyConfig notify;
    MapReader reader(node, "notify", diagnostics);
    reader.read("config_file", notify.config_file);
    reader.finish();
    notify.config_file = yaml::below_folder(directory, notify.config_file);
    return notify;
}

SloConfig read_slos(const YAML::Node& node, Diagnostics& diagnostics) {
    SloConfig slos;
    MapReader reader(node, "slos", diagnostics);
    reader.read("ttft_p95_seconds", slos.ttft_p95_seconds);
    read_ratio(reader, node, "success_ratio", slos.success_ratio, diagnostics);
    read_ratio(reader, node, "gpu_memory_ratio", slos.gpu_memory_ratio, diagnostics);
    reader.read("output_tokens_per_second", slos.output_tokens_per_second);
    reader.finish();
    if (slos.ttft_p95_seconds < 0 || slos.output_tokens_per_second < 0) {
        diagnostics.fail(node, "slos: a bound must not be negative");
    }
    return slos;
}

ClusterConfig read_cluster(const YAML::Node& node, Diagnostics& diagnostics) {
    ClusterConfig cluster;
    MapReader reader(node, "cluster", diagnostics);
    reader.read("id", cluster.id);
    reader.read("name", cluster.name);
    reader.finish();
    return cluster;
}

WorkerConfig read_worker(const YAML::Node& node, Diagnostics& diagnostics) {
    WorkerConfig worker;
    MapReader reader(node, "worker", diagnostics);
    reader.read("id", worker.id);
    reader.read("name", worker.name);
    reader.read("labels", worker.labels);
    reader.finish();
    for (const auto& [name, value] : worker.labels) {
        if (is_legacy_label_name(name)) continue;
        diagnostics.fail(yaml::find_text(node, name),
                         fmt::format("worker: '{}' is not a label name", quote_for_message(name)));
    }
    return worker;
}

void read_model(const YAML::Node& node, engines::DesiredInstances& desired,
                Diagnostics& diagnostics) {
    std::string name;
    std::uint64_t instances = 1;
    MapReader reader(node, "models entry", diagnostics);
    reader.read("name", name);
    reader.read("instances", instances);
    reader.finish();
    if (name.empty()) diagnostics.fail(node, "models entry: name is missing");
    if (!desired.try_emplace(name, instances).second)
        diagnostics.fail(node, fmt::format("models: '{}' stands twice", quote_for_message(name)));
}

MappingConfig read_mapping(const YAML::Node& node, std::string_view directory,
                           Diagnostics& diagnostics) {
    MappingConfig mapping;
    MapReader reader(node, "mapping", diagnostics);
    reader.read_path("file", mapping.file, directory);
    reader.finish();
    return mapping;
}

tsdb::KeepLonger read_keep(const YAML::Node& node, Diagnostics& diagnostics) {
    tsdb::KeepLonger keep;
    std::string selector;
    MapReader reader(node, "storage.retention.keep entry", diagnostics);
    reader.read("match", selector);
    reader.read("time", keep.keep);
    reader.finish();
    auto parsed = promql::parse_selector(selector);
    if (!parsed) {
        diagnostics.fail(
            yaml::find_text(node, selector),
            fmt::format("storage.retention.keep: match: {}", promql::to_api_text(parsed.error())));
    } else if (parsed->range) {
        diagnostics.fail(node, "storage.retention.keep: match is a selector without a range");
    } else {
        keep.matchers = std::move(parsed->matchers);
    }
    return keep;
}

void read_retention(const YAML::Node& node, tsdb::BlocksConfig& blocks, Diagnostics& diagnostics) {
    MapReader reader(node, "storage.retention", diagnostics);
    reader.read("time", blocks.retention, true);
    reader.read_bytes("size", blocks.retention_bytes);
    reader.read_list("keep", [&](const YAML::Node& entry) {
        blocks.keep_longer.push_back(read_keep(entry, diagnostics));
    });
    reader.finish();
}

void read_fsync(MapReader& reader, const YAML::Node& node, tsdb::WalSettings& wal,
                Diagnostics& diagnostics) {
    using Fsync = tsdb::WalSettings::Fsync;
    std::string word = "interval";
    reader.read("fsync", word);
    if (word != "interval" && word != "always") {
        diagnostics.fail(yaml::find_text(node, word),
                         "storage.fsync is interval (each second) or always");
    }
    wal.fsync = word == "always" ? Fsync::always : Fsync::interval;
}

void read_bound(MapReader& reader, const YAML::Node& node, std::string_view key, std::uint64_t most,
                auto& out, Diagnostics& diagnostics) {
    std::uint64_t value = out;
    reader.read(key, value);
    if (value > most)
        diagnostics.fail(node, fmt::format("{} may be {} at most, not {}", key, most, value));
    out = static_cast<std::remove_reference_t<decltype(out)>>(value);
}

/// Keys of Prometheus's `storage` section are understood, too.
tsdb::StoreConfig read_storage(const YAML::Node& node, Diagnostics& diagnostics) {
    tsdb::StoreConfig storage;
    auto& head = storage.head;
    MapReader reader(node, "storage", diagnostics);
    reader.read("out_of_order_window", head.out_of_order_window, true);
    reader.read("tsdb", [&](const YAML::Node& tsdb) {
        MapReader its(tsdb, "storage.tsdb", diagnostics);
        its.read("out_of_order_time_window", head.out_of_order_window, true);
        its.read("retention", [&](const YAML::Node& retention) {
            read_retention(retention, storage.blocks, diagnostics);
        });
        its.finish();
    });
    reader.read("exemplars", [&](const YAML::Node& exemplars) {
        MapReader its(exemplars, "storage.exemplars", diagnostics);
        read_bound(its, exemplars, "max_exemplars", 100'000'000, head.max_exemplars, diagnostics);
        its.finish();
    });
    reader.read("retention", [&](const YAML::Node& retention) {
        read_retention(retention, storage.blocks, diagnostics);
    });
    const auto bound = [&](std::string_view key, std::uint64_t most, auto& out) {
        read_bound(reader, node, key, most, out, diagnostics);
    };
    bound("max_groups", UINT32_MAX, head.max_groups);
    bound("max_columns", 100'000, head.max_columns);
    bound("max_series", UINT32_MAX - 1, head.max_series);
    bound("max_label_set_bytes", 1u << 30, head.max_label_set_bytes);
    bound("max_families", 10'000'000, head.max_families);
    bound("max_help_bytes", 1u << 20, head.max_help_bytes);
    reader.read("block_range", storage.blocks.range);
    reader.read_bytes("head_bytes", storage.head_bytes);
    reader.read_bytes("wal_bytes", storage.wal_bytes);
    reader.read_bytes("index_cache_bytes", storage.blocks.cache_bytes);
    reader.read_bytes("chunk_cache_bytes", storage.blocks.chunk_cache_bytes);
    storage.head.chunk_cache_bytes = storage.blocks.chunk_cache_bytes;
    read_fsync(reader, node, storage.wal, diagnostics);
    reader.finish();
    return storage;
}

remote::WriteConfig read_receiver(const YAML::Node& node, Diagnostics& diagnostics) {
    remote::WriteConfig receiver;
    MapReader reader(node, "remote_write_receiver", diagnostics);
    const auto bound = [&](std::string_view key, std::uint64_t most, auto& out) {
        read_bound(reader, node, key, most, out, diagnostics);
    };
    bound("max_body_bytes", 1u << 30, receiver.max_body_bytes);
    bound("max_requests_in_flight", 10'000, receiver.max_requests_in_flight);
    bound("max_bytes_in_flight", std::uint64_t{1} << 40, receiver.max_bytes_in_flight);
    bound("max_items_per_request", 100'000'000, receiver.max_items_per_request);
    bound("max_labels_per_series", 10'000, receiver.max_labels_per_series);
    bound("max_label_name_bytes", 1u << 20, receiver.max_label_name_bytes);
    bound("max_label_value_bytes", 1u << 20, receiver.max_label_value_bytes);
    bound("max_series", UINT32_MAX - 1, receiver.max_series);
    reader.read("idle_after", receiver.idle_after);
    reader.finish();
    return receiver;
}

void read_prometheus_sections(MapReader& reader, std::string_view directory, Config& config,
                              Diagnostics& diagnostics) {
    reader.read("global", [&](const YAML::Node& node) {
        config.global = discovery::read_global(node, discovery::GlobalConfig(), diagnostics);
        Millis written{};
        MapReader(node, "global", diagnostics).read("scrape_interval", written, true);
        if (written > Millis(0)) config.engine_interval = written;
    });
    reader.read("scrape_configs", [&](const YAML::Node& node) {
        config.scrape_configs =
            discovery::read_scrape_configs(node, config.global, directory, diagnostics);
    });
    for (const auto* const key : {"alerting", "otlp", "remote_read", "remote_write", "rule_files",
                                  "runtime", "scrape_config_files", "tracing"}) {
        reader.unsupported(key, "it has no effect");
    }
}

void read_own_sections(MapReader& reader, std::string_view directory, Config& config,
                       Diagnostics& diagnostics) {
    reader.read("engines", [&](const YAML::Node& node) {
        config.engines = discovery::read_engines(node, directory, diagnostics);
    });
    reader.read("storage",
                [&](const YAML::Node& node) { config.storage = read_storage(node, diagnostics); });
    reader.read("remote_write_receiver", [&](const YAML::Node& node) {
        config.remote_write_receiver = read_receiver(node, diagnostics);
    });
    reader.read("notify", [&](const YAML::Node& node) {
        config.notify = read_notify(node, directory, diagnostics);
        diagnostics.warn(node, "notify: no alerts are sent: it has no effect");
    });
    reader.read("slos", [&](const YAML::Node& node) {
        config.slos = read_slos(node, diagnostics);
        diagnostics.warn(node, "slos: objectives are not evaluated: it has no effect");
    });
    reader.read("cluster",
                [&](const YAML::Node& node) { config.cluster = read_cluster(node, diagnostics); });
    reader.read("worker",
                [&](const YAML::Node& node) { config.worker = read_worker(node, diagnostics); });
    reader.read_list("models", [&](const YAML::Node& node) {
        read_model(node, config.desired_instances, diagnostics);
    });
    reader.read("discovery", [&](const YAML::Node& node) {
        MapReader section(node, "discovery", diagnostics);
        section.read("processes", config.discover_processes);
        section.finish();
    });
    reader.read("probe", [&](const YAML::Node& node) {
        config.probe = probe::ProbeConfig::read(node, diagnostics);
    });
    reader.read("mapping", [&](const YAML::Node& node) {
        config.mapping = read_mapping(node, directory, diagnostics);
    });
    reader.read("web", [&](const YAML::Node& node) {
        MapReader section(node, "web", diagnostics);
        section.read("allowed_hosts", config.web.allowed_hosts);
        section.finish();
    });
}

}  // namespace

Config Config::defaults() {
    Config config;
    config.global.scrape_interval = Millis(5'000);
    config.global.scrape_timeout = Millis(5'000);
    config.global.evaluation_interval = Millis(15'000);
    return config;
}

discovery::DiscoveryConfig Config::discovery() const {
    return {engine_interval, scrape_configs, engines, discover_processes};
}

Result<Config, ParseError> parse_config(std::string_view text, std::string_view file) {
    const auto root = yaml::parse(text, file);
    if (!root) return root.error();
    Config config;
    config.file = file;
    if (root->IsNull()) return config;
    config.page = config_page(*root);
    Diagnostics diagnostics(file);
    const std::string directory = directory_of(file);
    MapReader reader(*root, "configuration", diagnostics);
    read_prometheus_sections(reader, directory, config, diagnostics);
    read_own_sections(reader, directory, config, diagnostics);
    reader.finish();
    if (!diagnostics.ok()) return *diagnostics.error();
    config.warnings = diagnostics.warnings();
    config.named_files = diagnostics.named_files();
    return config;
}

Result<Config, ParseError> load_config(const std::string& path) {
    const auto text = yaml::read_file(path);
    if (!text) return ParseError{"", 0, 0, text.error().text};
    return parse_config(*text, path);
}

}  // namespace inferscope::app
