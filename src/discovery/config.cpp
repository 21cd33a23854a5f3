// SPDX-License-Identifier: Apache-2.0
#include "discovery/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <span>

#include "base/text.h"
#include "discovery/engine_kinds.h"
#include "discovery/target_groups.h"
#include "net/url.h"

namespace inferscope::discovery {
namespace {

using yaml::Diagnostics;
using yaml::MapReader;

/// Discoveries of Prometheus that we don't have: a job with one of them is left out.
constexpr std::array<std::string_view, 28> kOtherDiscoveries{
    "aws_sd_configs",          "azure_sd_configs",     "consul_sd_configs",
    "digitalocean_sd_configs", "dns_sd_configs",       "docker_sd_configs",
    "dockerswarm_sd_configs",  "ec2_sd_configs",       "eureka_sd_configs",
    "gce_sd_configs",          "hetzner_sd_configs",   "ionos_sd_configs",
    "kubernetes_sd_configs",   "kuma_sd_configs",      "lightsail_sd_configs",
    "linode_sd_configs",       "marathon_sd_configs",  "nerve_sd_configs",
    "nomad_sd_configs",        "openstack_sd_configs", "ovhcloud_sd_configs",
    "puppetdb_sd_configs",     "scaleway_sd_configs",  "serverset_sd_configs",
    "stackit_sd_configs",      "triton_sd_configs",    "uyuni_sd_configs",
    "vultr_sd_configs"};

struct OtherKey {
    std::string_view key;
    std::string_view why;
};

/// Keys of Prometheus, old and new, without effect here.
constexpr OtherKey kOtherJobKeys[] = {
    {"always_scrape_classic_histograms", "native histograms are not read"},
    {"convert_classic_histograms_to_nhcb", "native histograms are not read"},
    {"enable_compression", "gzip is asked for by distance: not on loopback"},
    {"extra_scrape_metrics", ""},
    {"keep_dropped_targets", "the list of dropped targets has its own bound"},
    {"metric_name_escaping_scheme", "names are taken as they come"},
    {"metric_name_validation_scheme", "names are taken as they come"},
    {"native_histogram_bucket_limit", "native histograms are not read"},
    {"native_histogram_min_bucket_factor", "native histograms are not read"},
    {"scrape_classic_histograms", "native histograms are not read"},
    {"scrape_failure_log_file", "failures are shown at /api/v1/targets"},
    {"scrape_fallback_protocol", "what isn't OpenMetrics is read as text"},
    {"scrape_native_histograms", "native histograms are not read"},
    {"scrape_protocols", "text and OpenMetrics are asked for"},
    {"track_timestamps_staleness", ""},
};
constexpr OtherKey kOtherHttpKeys[] = {
    {"http_headers", ""},
    {"no_proxy", "connections are direct"},
    {"oauth2", "use authorization or basic_auth"},
    {"proxy_connect_header", "connections are direct"},
    {"proxy_from_environment", "connections are direct"},
    {"proxy_url", "connections are direct"},
};
constexpr OtherKey kOtherGlobalKeys[] = {
    {"always_scrape_classic_histograms", "native histograms are not read"},
    {"body_size_limit", "set it in each job"},
    {"convert_classic_histograms_to_nhcb", "native histograms are not read"},
    {"extra_scrape_metrics", ""},
    {"keep_dropped_targets", "the list of dropped targets has its own bound"},
    {"label_limit", "set it in each job"},
    {"label_name_length_limit", "set it in each job"},
    {"label_value_length_limit", "set it in each job"},
    {"metric_name_escaping_scheme", "names are taken as they come"},
    {"metric_name_validation_scheme", "names are taken as they come"},
    {"query_log_file", ""},
    {"rule_query_offset", ""},
    {"sample_limit", "set it in each job"},
    {"scrape_failure_log_file", "failures are shown at /api/v1/targets"},
    {"scrape_native_histograms", "native histograms are not read"},
    {"scrape_protocols", "text and OpenMetrics are asked for"},
    {"target_limit", "set it in each job"},
};

void warn_of(std::span<const OtherKey> keys, MapReader& reader) {
    for (const auto& [key, why] : keys) reader.unsupported(key, why);
}

/// The spellings that Prometheus's YAML reader takes for a boolean: YAML 1.1's.
void read_flag(MapReader& reader, std::string_view what, std::string_view key, bool& out,
               Diagnostics& diagnostics) {
    reader.read(key, [&](const YAML::Node& node) {
        static constexpr std::array<std::string_view, 11> kTrue{
            "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"};
        static constexpr std::array<std::string_view, 11> kFalse{
            "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"};
        const std::string text = node.IsScalar() ? node.Scalar() : "";
        const bool yes = std::ranges::find(kTrue, text) != kTrue.end();
        if (!yes && std::ranges::find(kFalse, text) == kFalse.end()) {
            diagnostics.fail(node, fmt::format("{}: {} must be true or false, not '{}'", what, key,
                                               quote_for_message(text)));
            return;
        }
        out = yes;
    });
}

void read_secret(MapReader& reader, std::string_view key, Secret& out) {
    std::string text;
    reader.read(key, text);
    if (!text.empty()) out = Secret(std::move(text));
}

BasicAuth read_basic_auth(const YAML::Node& node, std::string_view directory,
                          Diagnostics& diagnostics) {
    BasicAuth auth;
    MapReader reader(node, "basic_auth", diagnostics);
    reader.read("username", auth.username);
    read_secret(reader, "password", auth.password);
    reader.read_path("password_file", auth.password_file, directory);
    reader.unsupported("username_file", "write username");
    reader.finish();
    if (!auth.password.empty() && !auth.password_file.empty()) {
        diagnostics.fail(node, "basic_auth: only one of password and password_file may be set");
    }
    return auth;
}

Authorization read_authorization(const YAML::Node& node, std::string_view directory,
                                 Diagnostics& diagnostics) {
    Authorization authorization;
    MapReader reader(node, "authorization", diagnostics);
    reader.read("type", authorization.type);
    read_secret(reader, "credentials", authorization.credentials);
    reader.read_path("credentials_file", authorization.credentials_file, directory);
    reader.finish();
    const auto first = authorization.type.find_first_not_of(" \t");
    const auto last = authorization.type.find_last_not_of(" \t");
    authorization.type =
        first == std::string::npos ? "Bearer" : authorization.type.substr(first, last - first + 1);
    if (RE2::FullMatch(authorization.type, "(?i)basic")) {
        diagnostics.fail(node, "authorization: type can't be basic, use basic_auth");
    }
    if (!authorization.credentials.empty() && !authorization.credentials_file.empty()) {
        diagnostics.fail(node,
                         "authorization: only one of credentials and credentials_file may be set");
    }
    return authorization;
}

net::TlsSettings read_tls(const YAML::Node& node, std::string_view directory,
                          Diagnostics& diagnostics) {
    net::TlsSettings tls;
    MapReader reader(node, "tls_config", diagnostics);
    reader.read_path("ca_file", tls.ca_file, directory);
    reader.read_path("cert_file", tls.cert_file, directory);
    reader.read_path("key_file", tls.key_file, directory);
    reader.read("server_name", tls.server_name);
    read_flag(reader, "tls_config", "insecure_skip_verify", tls.insecure_skip_verify, diagnostics);
    reader.unsupported("min_version", "TLS 1.2 and above is spoken");
    reader.unsupported("max_version", "TLS 1.2 and above is spoken");
    for (const auto* const key : {"ca", "cert", "key"}) reader.unsupported(key, "name a file");
    reader.finish();
    if (tls.cert_file.empty() != tls.key_file.empty()) {
        diagnostics.fail(node,
                         "tls_config: cert_file and key_file must both be set or both be absent");
    }
    return tls;
}

/// The keys that Prometheus calls http_config: they stand among those of the section.
HttpSettings read_http(MapReader& reader, const YAML::Node& section, std::string_view what,
                       std::string_view directory, Diagnostics& diagnostics) {
    HttpSettings http;
    reader.read("basic_auth", [&](const YAML::Node& node) {
        http.basic_auth = read_basic_auth(node, directory, diagnostics);
    });
    reader.read("authorization", [&](const YAML::Node& node) {
        http.authorization = read_authorization(node, directory, diagnostics);
    });
    Authorization bearer;
    read_secret(reader, "bearer_token", bearer.credentials);
    reader.read_path("bearer_token_file", bearer.credentials_file, directory);
    reader.read("tls_config",
                [&](const YAML::Node& node) { http.tls = read_tls(node, directory, diagnostics); });
    read_flag(reader, what, "follow_redirects", http.follow_redirects, diagnostics);
    bool enable_http2 = true;  // no effect: HTTP/1.1 is what every server speaks
    read_flag(reader, what, "enable_http2", enable_http2, diagnostics);
    warn_of(kOtherHttpKeys, reader);

    const int ways = (http.basic_auth ? 1 : 0) + (http.authorization ? 1 : 0) +
                     (bearer.credentials.empty() ? 0 : 1) +
                     (bearer.credentials_file.empty() ? 0 : 1);
    if (ways > 1) {
        diagnostics.fail(section,
                         fmt::format("{}: only one of basic_auth, authorization, bearer_token and "
                                     "bearer_token_file may be set",
                                     what));
    }
    if (!bearer.credentials.empty() || !bearer.credentials_file.empty()) {
        http.authorization = std::move(bearer);
    }
    return http;
}

void check_label_names(const YAML::Node& node, std::string_view what,
                       const std::vector<std::pair<std::string, std::string>>& labels,
                       Diagnostics& diagnostics) {
    for (const auto& [name, value] : labels) {
        if (is_legacy_label_name(name)) continue;
        diagnostics.fail(yaml::find_text(node, name), fmt::format("{}: '{}' is not a label name",
                                                                  what, quote_for_message(name)));
    }
}

/// All 64 bits, which MapReader's whole numbers, read by way of a double, don't have.
void read_modulus(const YAML::Node& node, std::string_view what, std::uint64_t& out,
                  Diagnostics& diagnostics) {
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec == std::errc() && end == text.data() + text.size()) return;
    diagnostics.fail(node, fmt::format("{}: modulus must be a whole number >= 0, not '{}'", what,
                                       quote_for_message(text)));
}

std::optional<RelabelRule> read_relabel_rule(const YAML::Node& node, std::string_view what,
                                             Diagnostics& diagnostics) {
    const std::string section = fmt::format("{} entry", what);
    MapReader reader(node, section, diagnostics);
    RelabelFields fields;
    std::string action(to_string(fields.action));
    reader.read("source_labels", [&](const YAML::Node&) {
        fields.source_labels.emplace();
        reader.read("source_labels", *fields.source_labels);
    });
    reader.read("separator", fields.separator);
    reader.read("regex", fields.regex);
    reader.read("modulus", [&](const YAML::Node& modulus) {
        read_modulus(modulus, section, fields.modulus, diagnostics);
    });
    reader.read("target_label", fields.target_label);
    reader.read("replacement", fields.replacement);
    reader.read("action", action);
    reader.finish();
    const auto known = relabel_action_from(action);
    if (!known) {
        const auto nearest = nearest_word(action, relabel_actions());
        diagnostics.fail(
            yaml::find_text(node, action),
            fmt::format("{}: unknown action '{}'{}", section, quote_for_message(action),
                        nearest ? fmt::format(": did you mean '{}'?", *nearest) : ""));
        return std::nullopt;
    }
    fields.action = *known;
    auto rule = RelabelRule::make(std::move(fields));
    if (rule) return std::move(*rule);
    diagnostics.fail(node, rule.error().with(section).text);
    return std::nullopt;
}

FileSdConfig read_file_sd(const YAML::Node& node, std::string_view directory,
                          Diagnostics& diagnostics) {
    FileSdConfig config;
    MapReader reader(node, "file_sd_configs entry", diagnostics);
    reader.read("files", config.files);
    reader.read("refresh_interval", config.refresh_interval);
    reader.finish();
    if (config.files.empty()) {
        diagnostics.fail(node, "file_sd_configs entry: files must name at least one path");
    }
    static const RE2 kPattern(R"([^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML))");
    for (auto& path : config.files) {
        const auto place = yaml::find_text(node, path);
        if (!RE2::FullMatch(path, kPattern)) {
            diagnostics.fail(
                place, fmt::format("file_sd_configs entry: '{}' must end in .json, .yml or .yaml, "
                                   "and only its last part may hold '*'",
                                   quote_for_message(path)));
        }
        path = yaml::below_folder(directory, path);
        diagnostics.note_pattern(place, "file_sd_configs entry: files", path);
    }
    return config;
}

HttpSdConfig read_http_sd(const YAML::Node& node, std::string_view directory,
                          Diagnostics& diagnostics) {
    static constexpr std::string_view kWhat = "http_sd_configs entry";
    HttpSdConfig config;
    MapReader reader(node, kWhat, diagnostics);
    reader.read("url", config.url);
    reader.read("refresh_interval", config.refresh_interval);
    config.http = read_http(reader, node, kWhat, directory, diagnostics);
    reader.finish();
    if (config.url.empty()) {
        diagnostics.fail(node, fmt::format("{}: url is missing", kWhat));
    } else if (const auto url = net::Url::parse(config.url); !url) {
        diagnostics.fail(yaml::find_text(node, config.url),
                         url.error().with(fmt::format("{}: url", kWhat)).text);
    }
    return config;
}

void read_params(MapReader& reader, std::string_view what, ScrapeConfig& job,
                 Diagnostics& diagnostics) {
    reader.read("params", [&](const YAML::Node& node) {
        if (!node.IsMap()) {
            diagnostics.fail(node,
                             fmt::format("{}: params must be a mapping of names to lists", what));
            return;
        }
        for (const auto& entry : node) {
            auto name = yaml::scalar_text(entry.first, "a name in params", diagnostics);
            std::vector<std::string> values;
            if (!entry.second.IsSequence()) {
                diagnostics.fail(entry.second,
                                 fmt::format("{}: a value in params must be a list", what));
                continue;
            }
            for (const auto& value : entry.second) {
                auto text = yaml::scalar_text(value, "a value in params", diagnostics);
                if (text) values.push_back(std::move(*text));
            }
            if (name) job.params.emplace_back(std::move(*name), std::move(values));
        }
    });
}

/// As Prometheus: zero and absent mean "as global"; the time-out is cut to the interval only when
/// it wasn't set.
void settle_times(const YAML::Node& node, std::string_view what, const GlobalConfig& global,
                  ScrapeConfig& job, Diagnostics& diagnostics) {
    if (job.scrape_interval == Millis(0)) job.scrape_interval = global.scrape_interval;
    if (job.scrape_timeout > job.scrape_interval) {
        diagnostics.fail(yaml::find_text(node, "scrape_timeout"),
                         fmt::format("{}: scrape_timeout is greater than scrape_interval", what));
    }
    if (job.scrape_timeout == Millis(0)) {
        job.scrape_timeout = std::min(global.scrape_timeout, job.scrape_interval);
    }
}

ScrapeSettings read_settings(MapReader& reader, const YAML::Node& node, std::string_view what,
                             std::string_view directory, Diagnostics& diagnostics) {
    ScrapeSettings settings;
    read_flag(reader, what, "honor_labels", settings.honor_labels, diagnostics);
    read_flag(reader, what, "honor_timestamps", settings.honor_timestamps, diagnostics);
    reader.read("sample_limit", settings.sample_limit);
    reader.read("label_limit", settings.label_limit);
    reader.read("label_name_length_limit", settings.label_name_length_limit);
    reader.read("label_value_length_limit", settings.label_value_length_limit);
    reader.read_bytes("body_size_limit", settings.body_size_limit);
    settings.http = read_http(reader, node, what, directory, diagnostics);
    reader.read("metric_relabel_configs", [&](const YAML::Node& list) {
        settings.metric_relabel_configs =
            read_relabel_configs(list, "metric_relabel_configs", diagnostics);
    });
    return settings;
}

void read_discoveries(MapReader& reader, std::string_view directory, ScrapeConfig& job,
                      Diagnostics& diagnostics) {
    reader.read_list("static_configs", [&](const YAML::Node& entry) {
        auto group = read_target_group(entry, "static_configs entry", diagnostics);
        for (const auto& target : group.targets) {
            if (target.find('/') == std::string::npos) continue;
            diagnostics.fail(
                yaml::find_text(entry, target),
                fmt::format("static_configs entry: '{}' is not host:port; scheme and path "
                            "are set by scheme and metrics_path",
                            quote_for_message(target)));
        }
        job.static_configs.push_back(std::move(group));
    });
    reader.read_list("file_sd_configs", [&](const YAML::Node& entry) {
        job.file_sd_configs.push_back(read_file_sd(entry, directory, diagnostics));
    });
    reader.read_list("http_sd_configs", [&](const YAML::Node& entry) {
        job.http_sd_configs.push_back(read_http_sd(entry, directory, diagnostics));
    });
}

ScrapeConfig read_job(const YAML::Node& node, std::string_view what, const GlobalConfig& global,
                      std::string_view directory, Diagnostics& diagnostics) {
    ScrapeConfig job;
    MapReader reader(node, what, diagnostics);
    reader.read("job_name", job.job_name);
    reader.read("scrape_interval", job.scrape_interval, true);
    reader.read("scrape_timeout", job.scrape_timeout, true);
    reader.read("metrics_path", job.metrics_path);
    reader.read("scheme", job.scheme);
    reader.read("target_limit", job.target_limit);
    read_params(reader, what, job, diagnostics);
    job.settings = std::make_shared<const ScrapeSettings>(
        read_settings(reader, node, what, directory, diagnostics));
    read_discoveries(reader, directory, job, diagnostics);
    reader.read("relabel_configs", [&](const YAML::Node& list) {
        job.relabel_configs = read_relabel_configs(list, "relabel_configs", diagnostics);
    });
    warn_of(kOtherJobKeys, reader);
    reader.finish();
    if (job.job_name.empty()) diagnostics.fail(node, fmt::format("{}: job_name is missing", what));
    settle_times(node, what, global, job, diagnostics);
    return job;
}

/// The first discovery of the job that we don't have.
std::optional<std::string> foreign_discovery(const YAML::Node& job) {
    for (const auto& entry : job) {
        if (!entry.first.IsScalar()) continue;
        if (std::ranges::find(kOtherDiscoveries, entry.first.Scalar()) != kOtherDiscoveries.end()) {
            return entry.first.Scalar();
        }
    }
    return std::nullopt;
}

std::string job_name_of(const YAML::Node& job) {
    for (const auto& entry : job) {
        if (entry.first.IsScalar() && entry.first.Scalar() == "job_name" &&
            entry.second.IsScalar()) {
            return entry.second.Scalar();
        }
    }
    return {};
}

/// A mapping may know more engines than we do: a warning, not an error.
void check_kind(const YAML::Node& node, std::string_view kind, Diagnostics& diagnostics) {
    if (kind.empty() || find_engine_kind(kind) != nullptr) return;
    std::vector<std::string_view> known;
    for (const auto& one : engine_kinds()) known.push_back(one.kind);
    const auto nearest = nearest_word(kind, known);
    diagnostics.warn(yaml::find_text(node, kind),
                     fmt::format("engines entry: kind '{}' is none of {}{}",
                                 quote_for_message(kind), fmt::join(known, ", "),
                                 nearest ? fmt::format(": did you mean '{}'?", *nearest)
                                         : ": only a mapping of your own can know it"));
}

EngineConfig read_engine(const YAML::Node& node, std::string_view directory,
                         Diagnostics& diagnostics) {
    static constexpr std::string_view kWhat = "engines entry";
    EngineConfig engine;
    MapReader reader(node, kWhat, diagnostics);
    reader.read("url", engine.url);
    reader.read("metrics_url", engine.metrics_url);
    reader.read("kind", engine.kind);
    reader.read("version", engine.version);
    reader.read("labels", engine.labels);
    engine.http = read_http(reader, node, kWhat, directory, diagnostics);
    reader.finish();
    check_label_names(node, kWhat, engine.labels, diagnostics);
    check_kind(node, engine.kind, diagnostics);
    if (engine.url.empty()) diagnostics.fail(node, fmt::format("{}: url is missing", kWhat));
    for (const auto& [key, text] :
         {std::pair("url", engine.url), {"metrics_url", engine.metrics_url}}) {
        if (text.empty()) continue;
        const auto url = net::Url::parse(text);
        const auto place = yaml::find_text(node, text);
        if (!url) diagnostics.fail(place, url.error().with(fmt::format("{}: {}", kWhat, key)).text);
        if (url && (!url->user.empty() || !url->password.empty())) {
            diagnostics.fail(
                place,
                fmt::format("{}: {} holds credentials: write them as basic_auth", kWhat, key));
        }
    }
    return engine;
}

}  // namespace

bool ScrapeConfig::operator==(const ScrapeConfig& other) const {
    return job_name == other.job_name && scrape_interval == other.scrape_interval &&
           scrape_timeout == other.scrape_timeout && metrics_path == other.metrics_path &&
           scheme == other.scheme && params == other.params && target_limit == other.target_limit &&
           *settings == *other.settings && static_configs == other.static_configs &&
           file_sd_configs == other.file_sd_configs && http_sd_configs == other.http_sd_configs &&
           relabel_configs == other.relabel_configs;
}

std::vector<RelabelRule> read_relabel_configs(const YAML::Node& list, std::string_view what,
                                              Diagnostics& diagnostics) {
    std::vector<RelabelRule> rules;
    if (!list.IsSequence()) {
        diagnostics.fail(list, fmt::format("{} must be a list", what));
        return rules;
    }
    for (const auto& entry : list) {
        if (entry.IsNull()) {
            diagnostics.fail(entry, fmt::format("{}: empty entry", what));
            continue;
        }
        if (auto rule = read_relabel_rule(entry, what, diagnostics))
            rules.push_back(std::move(*rule));
    }
    return rules;
}

GlobalConfig read_global(const YAML::Node& node, GlobalConfig defaults, Diagnostics& diagnostics) {
    GlobalConfig global = defaults;
    MapReader reader(node, "global", diagnostics);
    Millis interval{};
    Millis timeout{};
    Millis evaluation{};
    std::vector<std::pair<std::string, std::string>> external;
    reader.read("scrape_interval", interval, true);
    reader.read("scrape_timeout", timeout, true);
    reader.read("evaluation_interval", evaluation, true);
    reader.read("external_labels", external);
    warn_of(kOtherGlobalKeys, reader);
    reader.finish();
    check_label_names(node, "external_labels", external, diagnostics);
    if (!external.empty())
        diagnostics.warn(node, "global: external_labels: nothing is sent on yet: it has no effect");
    if (interval > Millis(0)) global.scrape_interval = interval;
    if (evaluation > Millis(0)) global.evaluation_interval = evaluation;
    global.scrape_timeout =
        timeout > Millis(0) ? timeout : std::min(defaults.scrape_timeout, global.scrape_interval);
    if (global.scrape_timeout > global.scrape_interval) {
        diagnostics.fail(node, "global: scrape_timeout is greater than scrape_interval");
    }
    std::vector<Label> labels;
    for (const auto& [name, value] : external) labels.push_back({name, value});
    global.external_labels = Labels::from(labels);
    return global;
}

std::vector<ScrapeConfig> read_scrape_configs(const YAML::Node& list, const GlobalConfig& global,
                                              std::string_view directory,
                                              Diagnostics& diagnostics) {
    std::vector<ScrapeConfig> jobs;
    std::set<std::string> names;
    if (!list.IsSequence()) {
        diagnostics.fail(list, "scrape_configs must be a list");
        return jobs;
    }
    for (const auto& entry : list) {
        if (!entry.IsMap()) {
            diagnostics.fail(entry, "scrape_configs: an entry must be a mapping with a job_name");
            continue;
        }
        const std::string name = job_name_of(entry);
        if (!name.empty() && !names.insert(name).second) {
            diagnostics.fail(entry, fmt::format("scrape_configs: job_name '{}' stands twice",
                                                quote_for_message(name)));
        }
        if (const auto foreign = foreign_discovery(entry)) {
            diagnostics.warn(
                entry, fmt::format("scrape_configs: job '{}' is left out: {} is not supported",
                                   quote_for_message(name), *foreign));
            continue;
        }
        const std::string what = name.empty() ? std::string("scrape_configs entry")
                                              : fmt::format("job '{}'", quote_for_message(name));
        jobs.push_back(read_job(entry, what, global, directory, diagnostics));
    }
    return jobs;
}

std::vector<EngineConfig> read_engines(const YAML::Node& list, std::string_view directory,
                                       Diagnostics& diagnostics) {
    std::vector<EngineConfig> engines;
    if (!list.IsSequence()) {
        diagnostics.fail(list, "engines must be a list");
        return engines;
    }
    for (const auto& entry : list) engines.push_back(read_engine(entry, directory, diagnostics));
    return engines;
}

}  // namespace inferscope::discovery
