// SPDX-License-Identifier: Apache-2.0
#include "discovery/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "discovery/engine_kinds.h"

namespace inferscope::discovery {
namespace {

constexpr std::string_view kAddress = "__address__";
constexpr std::string_view kScheme = "__scheme__";
constexpr std::string_view kMetricsPath = "__metrics_path__";
constexpr std::string_view kScrapeInterval = "__scrape_interval__";
constexpr std::string_view kScrapeTimeout = "__scrape_timeout__";
constexpr std::string_view kParamPrefix = "__param_";
constexpr std::string_view kReservedPrefix = "__";

constexpr Millis kDefaultTimeout{10'000};

struct HostPort {
    std::string_view host;
    std::optional<std::string_view> port;
};

/// "host", "host:port", "[v6]:port", "[v6]"; nothing for what is none of them. Source: Go,
/// net.SplitHostPort.
std::optional<HostPort> split_address(std::string_view address) {
    if (address.starts_with('[')) {
        const auto close = address.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        const auto host = address.substr(1, close - 1);
        const auto rest = address.substr(close + 1);
        if (rest.empty()) return HostPort{host, std::nullopt};
        if (!rest.starts_with(':')) return std::nullopt;
        return HostPort{host, rest.substr(1)};
    }
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos) return HostPort{address, std::nullopt};
    const auto host = address.substr(0, colon);
    if (host.find(':') != std::string_view::npos) return std::nullopt;
    return HostPort{host, address.substr(colon + 1)};
}

/// Go's url.URL escapes these and nothing else in a path.
std::string escape_path(std::string_view path) {
    static constexpr std::string_view kPlain = "-_.~$&+,/:;=@";
    std::string out = path.starts_with('/') ? "" : "/";
    for (const char c : path) {
        const bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (alphanumeric || kPlain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::string escape_query(std::string_view text) {
    std::string out = net::percent_encode(text);
    for (auto at = out.find("%20"); at != std::string::npos; at = out.find("%20", at))
        out.replace(at, 3, "+");
    return out;
}

/// Parameters of the job, their first value replaced by a label __param_NAME; sorted by name.
std::string query_of(const ScrapeConfig& config, const Labels& labels) {
    std::map<std::string, std::vector<std::string>> params(config.params.begin(),
                                                           config.params.end());
    for (const auto& [name, value] : labels) {
        if (!name.starts_with(kParamPrefix)) continue;
        auto& values = params[std::string(name.substr(kParamPrefix.size()))];
        if (values.empty()) values.emplace_back();
        values.front() = value;
    }
    std::string query;
    for (const auto& [name, values] : params) {
        for (const auto& value : values) {
            query += fmt::format("{}{}={}", query.empty() ? "?" : "&", escape_query(name),
                                 escape_query(value));
        }
    }
    return query;
}

Labels with_defaults(const ScrapeConfig& config, const Labels& discovered) {
    LabelsBuilder builder(discovered);
    const auto set_if_absent = [&](std::string_view name, std::string_view value) {
        if (builder.get(name).empty()) builder.set(name, value);
    };
    set_if_absent("job", config.job_name);
    set_if_absent(kScrapeInterval, format_duration(config.scrape_interval));
    set_if_absent(kScrapeTimeout, format_duration(config.scrape_timeout));
    set_if_absent(kMetricsPath, config.metrics_path);
    set_if_absent(kScheme, config.scheme);
    for (const auto& [name, values] : config.params) {
        if (!values.empty()) builder.set(fmt::format("{}{}", kParamPrefix, name), values.front());
    }
    return builder.build();
}

Result<net::Url> url_of(const ScrapeConfig& config, const Labels& labels) {
    const auto address = labels.get(kAddress);
    if (address.empty()) return Error{Errc::invalid_argument, "no address"};
    const auto parts = split_address(address);
    if (address.find_first_of("/?#@") != std::string_view::npos || !parts || parts->host.empty()) {
        return Error{Errc::invalid_argument,
                     fmt::format("'{}' is not host:port", quote_for_message(address))};
    }
    net::Url url;
    url.scheme = labels.get(kScheme).empty() ? "http" : labels.get(kScheme);
    if (url.scheme != "http" && url.scheme != "https") {
        return Error{Errc::invalid_argument, fmt::format("scheme '{}' is neither http nor https",
                                                         quote_for_message(url.scheme))};
    }
    url.port = url.scheme == "https" ? 443 : 80;
    if (parts->port && !parts->port->empty()) {
        const char* const end = parts->port->data() + parts->port->size();
        const auto [stop, ec] = std::from_chars(parts->port->data(), end, url.port);
        if (ec != std::errc() || stop != end || url.port == 0) {
            return Error{Errc::invalid_argument, fmt::format("'{}' is not a port from 1 to 65535",
                                                             quote_for_message(*parts->port))};
        }
    }
    url.host = parts->host;
    url.target = escape_path(labels.get(kMetricsPath)) + query_of(config, labels);
    // What may stand in a host is the URL's to judge.
    auto checked = net::Url::parse(fmt::format("{}://{}/", url.scheme, url.authority()));
    if (!checked) return checked.error();
    return checked->with_target(url.target);
}

std::optional<Error> set_times(const Labels& labels, Target& target) {
    const auto read = [&](std::string_view name) -> std::optional<Millis> {
        const auto millis = parse_duration_millis(labels.get(name));
        if (!millis || *millis <= 0) return std::nullopt;
        return Millis(*millis);
    };
    const auto interval = read(kScrapeInterval);
    const auto timeout = read(kScrapeTimeout);
    if (!interval || !timeout) {
        const auto name = interval ? kScrapeTimeout : kScrapeInterval;
        return Error{Errc::invalid_argument, fmt::format("{} '{}' is not a positive duration", name,
                                                         quote_for_message(labels.get(name)))};
    }
    if (*timeout > *interval) {
        return Error{Errc::invalid_argument,
                     fmt::format("scrape timeout {} is greater than scrape interval {}",
                                 labels.get(kScrapeTimeout), labels.get(kScrapeInterval))};
    }
    target.interval = *interval;
    target.timeout = *timeout;
    return std::nullopt;
}

/// The address with the port that was added: instance when no rule set one.
std::string address_with_port(std::string_view address, const net::Url& url) {
    const auto parts = split_address(address);
    if (parts && parts->port) return std::string(address);
    return fmt::format("{}:{}", address, url.port);
}

Result<Labels> public_labels(const Labels& labels, const net::Url& url) {
    LabelsBuilder builder;
    for (const auto& [name, value] : labels) {
        if (!is_valid_utf8(value)) {
            return Error{Errc::invalid_argument, fmt::format("label {} is not UTF-8: '{}'", name,
                                                             quote_for_message(value))};
        }
        if (!name.starts_with(kReservedPrefix)) builder.set(name, value);
    }
    if (builder.get("instance").empty()) {
        builder.set("instance", address_with_port(labels.get(kAddress), url));
    }
    return builder.build();
}

Result<Target> make_target(const ScrapeConfig& config, const Labels& relabelled,
                           const Labels& before) {
    auto url = url_of(config, relabelled);
    if (!url) return url.error();
    auto labels = public_labels(relabelled, *url);
    if (!labels) return labels.error();
    Target target;
    target.url = std::move(*url);
    target.labels = std::move(*labels);
    target.discovered_labels = before;
    target.job = config.job_name;
    target.settings = config.settings;
    if (auto error = set_times(relabelled, target)) return *error;
    return target;
}

/// Where the metrics of an engine are, if nothing else is said: its URL's origin (or the port that
/// its kind has for them), below the URL's path.
net::Url metrics_url_of(const net::Url& api, std::string_view kind) {
    const std::string_view path = default_metrics_path(kind);
    std::string base = api.target.substr(0, api.target.find('?'));
    while (base.ends_with('/')) base.pop_back();
    net::Url url = api.with_target(base.ends_with(path) ? base : base + std::string(path));
    const auto* const known = find_engine_kind(kind);
    if (known != nullptr && known->metrics_port != 0) url.port = known->metrics_port;
    return url;
}

std::string without_metrics_path(const net::Url& url, std::string_view path) {
    std::string base = fmt::format("{}://{}{}", url.scheme, url.authority(),
                                   std::string_view(url.target).substr(0, url.target.find('?')));
    while (base.ends_with('/')) base.pop_back();
    if (base.ends_with(path)) base.resize(base.size() - path.size());
    return base;
}

}  // namespace

std::string format_duration(Millis duration) {
    struct Unit {
        std::string_view name;
        std::int64_t millis;
        bool only_whole;  ///< years and weeks are written only when nothing is left over
    };
    static constexpr std::array<Unit, 7> kUnits{{{"y", 365LL * 86'400'000, true},
                                                 {"w", 7LL * 86'400'000, true},
                                                 {"d", 86'400'000, false},
                                                 {"h", 3'600'000, false},
                                                 {"m", 60'000, false},
                                                 {"s", 1'000, false},
                                                 {"ms", 1, false}}};
    std::int64_t left = duration.count();
    if (left == 0) return "0s";
    std::string out;
    for (const auto& unit : kUnits) {
        if (unit.only_whole && left % unit.millis != 0) continue;
        if (left / unit.millis == 0) continue;
        out += fmt::format("{}{}", left / unit.millis, unit.name);
        left %= unit.millis;
    }
    return out;
}

std::uint64_t Target::identity() const {
    return stable_hash(fmt::format("{}\n{}://{}{}\n{}", job, url.scheme, url.authority(),
                                   url.target, labels.bytes()));
}

bool Target::operator==(const Target& other) const {
    return url.scheme == other.url.scheme && url.host == other.url.host &&
           url.port == other.url.port && url.target == other.url.target &&
           url.user == other.url.user && url.password == other.url.password &&
           labels == other.labels && discovered_labels == other.discovered_labels &&
           job == other.job && interval == other.interval && timeout == other.timeout &&
           (settings == other.settings || *settings == *other.settings) &&
           discovered_by_us == other.discovered_by_us && engine == other.engine;
}

std::variant<Target, DroppedTarget> populate(const ScrapeConfig& config, const Labels& discovered) {
    const Labels before = with_defaults(config, discovered);
    LabelsBuilder builder(before);
    if (!discovery::apply(config.relabel_configs, builder))
        return DroppedTarget{config.job_name, before, ""};
    auto target = make_target(config, builder.build(), before);
    if (!target) return DroppedTarget{config.job_name, before, target.error().text};
    return std::move(*target);
}

Result<Target> engine_target(const EngineConfig& engine, Millis interval) {
    const auto api = net::Url::parse(engine.url);
    if (!api) return api.error();
    Target target;
    target.url = metrics_url_of(*api, engine.kind);
    if (!engine.metrics_url.empty()) {
        auto metrics = net::Url::parse(engine.metrics_url);
        if (!metrics) return metrics.error();
        target.url = std::move(*metrics);
    }
    LabelsBuilder discovered;
    discovered.set(kAddress, api->authority());
    discovered.set(kScheme, target.url.scheme);
    discovered.set(kMetricsPath, target.url.target);
    LabelsBuilder labels;
    labels.set("job", kEnginesJob);
    labels.set("instance", api->authority());
    for (const auto& [name, value] : engine.labels) {
        labels.set(name, value);
        discovered.set(name, value);
    }
    target.labels = labels.build();
    target.discovered_labels = discovered.build();
    target.job = kEnginesJob;
    target.interval = interval;
    target.timeout = std::min(interval, kDefaultTimeout);
    ScrapeSettings settings;
    settings.http = engine.http;
    target.settings = std::make_shared<const ScrapeSettings>(std::move(settings));
    target.engine.expected = true;
    target.engine.kind = engine.kind;
    target.engine.version = engine.version;
    target.engine.api_url = without_metrics_path(*api, default_metrics_path(engine.kind));
    return target;
}

}  // namespace inferscope::discovery
