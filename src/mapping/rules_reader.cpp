// SPDX-License-Identifier: Apache-2.0
// Reads a mapping file: checks every name, range and selector, and turns it into rules in the order
// in which they win.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/numbers.h"
#include "base/text.h"
#include "mapping/rules.h"

namespace inferscope::mapping {
namespace {

constexpr std::string_view kUnifiedPrefix = "gpustack:";

/// Unified names are known without their prefix; GPUStack's own file writes it, shorter ones leave
/// it out.
std::string_view bare(std::string_view unified) {
    if (unified.starts_with(kUnifiedPrefix)) unified.remove_prefix(kUnifiedPrefix.size());
    return unified;
}

// Above these a file is no mapping any more; the shipped one has 28 families, 20 runtimes, some
// hundred rules.
constexpr std::size_t kMaxPublished = 2000;
constexpr std::size_t kMaxRuntimes = 200;
constexpr std::size_t kMaxRulesOfRuntime = 2000;
constexpr Millis kDefaultWindow{5 * 60 * 1000};

using Entries = std::vector<std::pair<std::string, YAML::Node>>;

/// Reads one file. Confined to read_rules().
class RulesReader {
public:
    RulesReader(std::string_view file, Mapping::Rules& rules) : diagnostics_(file), rules_(rules) {}

    /// Before anything that costs time.
    void check_keys(const YAML::Node& root) {
        const auto known = [](const YAML::Node&) {};
        yaml::MapReader file(root, "the mapping file", diagnostics_);
        file.read("gpustack_metrics", known);
        file.read("runtime_mapping", known);
        file.read("inferscope", known);
        file.finish();
        if (root.IsNull()) {
            diagnostics_.fail(
                root,
                "the mapping is empty: begin with the built-in one (GET /metrics/default-config)");
        }
        if (!file.has("gpustack_metrics")) {
            diagnostics_.fail(
                root, "gpustack_metrics is missing: it says which unified families there are");
        }
    }

    /// `inherited`: `inferscope` is the built-in one.
    void read_file(const YAML::Node& root, const YAML::Node& inferscope, bool inherited) {
        inherited_ = inherited;
        yaml::MapReader file(root, "the mapping file", diagnostics_);
        file.read("gpustack_metrics", [&](const YAML::Node& node) { read_published(node); });
        read_inferscope(inferscope);
        file.read("runtime_mapping", [&](const YAML::Node& node) { read_runtime_mapping(node); });
        apply_treatments();
        check_use(root);
    }

    yaml::Diagnostics& diagnostics() { return diagnostics_; }

private:
    /// The entries of a mapping whose keys are names that the file's author chose.
    Entries entries(const YAML::Node& node, std::string_view what) {
        Entries found;
        if (node.IsNull()) return found;
        if (!node.IsMap()) {
            diagnostics_.fail(node, fmt::format("{} must be a mapping (key: value)", what));
            return found;
        }
        std::set<std::string> seen;
        for (const auto& entry : node) {
            auto key =
                yaml::scalar_text(entry.first, fmt::format("a key of {}", what), diagnostics_);
            if (!key) continue;
            if (!seen.insert(*key).second) {
                diagnostics_.fail(entry.first, fmt::format("{}: '{}' stands twice", what,
                                                           quote_for_message(*key)));
            }
            found.emplace_back(std::move(*key), entry.second);
        }
        return found;
    }

    void check_bound(const YAML::Node& where, std::size_t count, std::size_t bound,
                     std::string_view what) {
        if (count > bound)
            diagnostics_.fail(where, fmt::format("more than {} {}: a fixed bound", bound, what));
    }

    void read_published(const YAML::Node& node) {
        for (const auto& [name, body] : entries(node, "gpustack_metrics")) {
            check_bound(node, rules_.published.size(), kMaxPublished,
                        "families in gpustack_metrics");
            if (!diagnostics_.ok()) return;
            if (!is_legacy_metric_name(name)) {
                diagnostics_.fail(body, fmt::format("gpustack_metrics: '{}' is not a metric's name",
                                                    quote_for_message(name)));
            }
            std::string type;
            std::string description;
            yaml::MapReader reader(body, name, diagnostics_);
            reader.read("type", type);
            reader.read("description", description);
            reader.finish();
            publish(body, std::string(bare(name)),
                    std::string(kUnifiedPrefix) + std::string(bare(name)), type, description);
        }
    }

    const Published* publish(const YAML::Node& where, const std::string& name, std::string family,
                             std::string_view type_word, const std::string& help) {
        std::string word(type_word);
        for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const auto type = metric_type_from(word);
        constexpr std::array kTypes{MetricType::gauge, MetricType::counter, MetricType::histogram,
                                    MetricType::summary, MetricType::info};
        if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
            diagnostics_.fail(
                where,
                fmt::format("{}: type must be Gauge, Counter, Histogram, Summary or Info, not '{}'",
                            quote_for_message(name), quote_for_message(type_word)));
        }
        const bool unified = family.starts_with(kUnifiedPrefix);
        if (unified && type == MetricType::counter) family += "_total";
        if (unified && type == MetricType::info) family += "_info";
        rules_.published.push_back(
            {name, std::make_shared<const Family>(Family{std::move(family), type, help, ""})});
        return &rules_.published.back();
    }

    /// Null if there is none; an error, unless the rule comes from the built-in file and the name
    /// was left out of this one.
    const Published* unified(const YAML::Node& where, std::string_view written) {
        const auto name = bare(written);
        std::vector<std::string_view> known;
        for (const auto& published : rules_.published) {
            if (published.name == name) return &published;
            known.emplace_back(published.name);
        }
        if (inherited_ && in_inferscope_) return nullptr;
        const auto nearest = nearest_word(name, known);
        diagnostics_.fail(
            where, fmt::format("'{}' is not in gpustack_metrics{}", quote_for_message(name),
                               nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
        return nullptr;
    }

    // --- inferscope ---

    void read_inferscope(const YAML::Node& node) {
        in_inferscope_ = true;
        yaml::MapReader reader(node, "inferscope", diagnostics_);
        reader.read("dcgm_names", [&](const YAML::Node& value) {
            const auto text = yaml::scalar_text(value, "dcgm_names", diagnostics_).value_or("old");
            if (text != "old" && text != "new") {
                diagnostics_.fail(value, fmt::format("dcgm_names must be old or new, not '{}'",
                                                     quote_for_message(text)));
            }
            publish_new_names_ = text == "new";
        });
        reader.read("runtimes", [&](const YAML::Node& runtimes) {
            for (const auto& [name, body] : entries(runtimes, "runtimes")) read_runtime(name, body);
        });
        reader.finish();
        in_inferscope_ = false;
    }

    Runtime& add_runtime(const YAML::Node& where, const std::string& name) {
        check_bound(where, rules_.runtimes.size(), kMaxRuntimes, "runtimes");
        rules_.runtimes.emplace_back();
        rules_.runtimes.back().name = name;
        return rules_.runtimes.back();
    }

    void read_runtime(const std::string& name, const YAML::Node& node) {
        if (rules_.find_runtime(name) != nullptr) {
            diagnostics_.fail(node,
                              fmt::format("runtime '{}' stands twice", quote_for_message(name)));
        }
        Runtime& runtime = add_runtime(node, name);
        if (!diagnostics_.ok()) return;
        yaml::MapReader reader(node, name, diagnostics_);
        std::string note;
        reader.read("note", note);
        reader.read("names", runtime.names);
        reader.read("kind", [&](const YAML::Node& value) { read_kind(value, runtime.kind); });
        reader.read("prefixes", runtime.prefixes);
        reader.read_list("recognise",
                         [&](const YAML::Node& entry) { read_recognition(entry, runtime); });
        reader.read("rename_labels", runtime.rename_labels);
        reader.read("families", [&](const YAML::Node& families) {
            for (const auto& [family, body] : entries(families, "families")) {
                treatments_[&runtime].emplace_back(family, read_family(family, body));
            }
        });
        reader.read_list("rules", [&](const YAML::Node& entry) { read_rule(entry, runtime); });
        reader.read_list("ratios", [&](const YAML::Node& entry) { read_ratio(entry, runtime); });
        reader.read_list("derived", [&](const YAML::Node& entry) { read_derived(entry, runtime); });
        reader.read("aliases", [&](const YAML::Node& aliases) {
            for (const auto& [family, names] : entries(aliases, "aliases")) {
                runtime.aliases.push_back({family, read_texts(names, "aliases")});
            }
        });
        reader.read_list("expected",
                         [&](const YAML::Node& entry) { read_expected(entry, runtime); });
        reader.read("signals",
                    [&](const YAML::Node& signals) { read_signals(signals, runtime.signals); });
        reader.read_list("renamed", [&](const YAML::Node& entry) { read_renamed(entry, runtime); });
        read_numbers(reader, "drop_values", runtime.drop_values);
        reader.finish();
        check_bound(node,
                    runtime.rules.size() + runtime.derived.size() + runtime.ratios.size() +
                        runtime.aliases.size(),
                    kMaxRulesOfRuntime, "rules in one runtime");
    }

    void read_kind(const YAML::Node& node, Kind& kind) {
        const auto text = yaml::scalar_text(node, "kind", diagnostics_).value_or("");
        if (text == "engine") {
            kind = Kind::engine;
        } else if (text == "router") {
            kind = Kind::router;
        } else if (text == "exporter") {
            kind = Kind::exporter;
        } else {
            diagnostics_.fail(node, fmt::format("kind must be engine, router or exporter, not '{}'",
                                                quote_for_message(text)));
        }
    }

    void read_recognition(const YAML::Node& node, Runtime& runtime) {
        Recognition recognition;
        yaml::MapReader reader(node, "recognise entry", diagnostics_);
        reader.read("any", recognition.any);
        reader.read("all", recognition.all);
        reader.read("none", recognition.none);
        reader.read("any_label", recognition.any_label);
        reader.finish();
        if (recognition.any.empty() && recognition.all.empty()) {
            diagnostics_.fail(node,
                              "a recognise entry needs 'any' or 'all': else it fits every page");
        }
        runtime.recognise.push_back(std::move(recognition));
    }

    std::vector<std::string> read_texts(const YAML::Node& node, std::string_view what) {
        std::vector<std::string> texts;
        if (!node.IsSequence()) {
            diagnostics_.fail(node, fmt::format("{} must be a list", what));
            return texts;
        }
        for (const auto& entry : node) {
            if (auto text = yaml::scalar_text(entry, what, diagnostics_))
                texts.push_back(std::move(*text));
        }
        return texts;
    }

    void read_numbers(yaml::MapReader& reader, std::string_view key, std::vector<double>& out) {
        reader.read_list(key, [&](const YAML::Node& entry) {
            const auto text = yaml::scalar_text(entry, key, diagnostics_);
            const auto number = text ? parse_number(*text) : std::nullopt;
            if (number) {
                out.push_back(*number);
            } else {
                diagnostics_.fail(entry, fmt::format("{}: a list of numbers must stand here", key));
            }
        });
    }

    std::optional<Selector> read_selector(const YAML::Node& node, std::string_view what,
                                          bool with_family) {
        const auto text = yaml::scalar_text(node, what, diagnostics_);
        if (!text) return std::nullopt;
        auto selector = Selector::parse(*text);
        if (!selector) {
            diagnostics_.fail(node, selector.error().text);
            return std::nullopt;
        }
        if (selector->family.empty() == with_family) {
            diagnostics_.fail(node, fmt::format("{}: '{}' must {}", what, quote_for_message(*text),
                                                with_family ? "begin with a family's name"
                                                            : "be labels only, {l=\"v\"}"));
        }
        return std::move(*selector);
    }

    void read_selectors(yaml::MapReader& reader, std::string_view key, std::vector<Selector>& out) {
        reader.read_list(key, [&](const YAML::Node& entry) {
            if (auto selector = read_selector(entry, key, true))
                out.push_back(std::move(*selector));
        });
    }

    void read_factor(yaml::MapReader& reader, const YAML::Node& where, double& scale) {
        reader.read("scale", scale);
        if (scale < 0) diagnostics_.fail(where, "scale must not be negative");
    }

    void read_treatment(yaml::MapReader& reader, const YAML::Node& where, Treatment& treatment) {
        reader.read("drop_labels", treatment.drop_labels);
        reader.read("same_across", treatment.same_across);
        read_numbers(reader, "drop_values", treatment.drop_values);
        read_factor(reader, where, treatment.scale);
        std::string note;
        reader.read("note", note);
    }

    Treatment read_family(std::string_view family, const YAML::Node& node) {
        Treatment treatment;
        yaml::MapReader reader(node, family, diagnostics_);
        reader.read("select", [&](const YAML::Node& value) {
            if (auto selector = read_selector(value, "select", false))
                treatment.select = std::move(*selector);
        });
        read_treatment(reader, node, treatment);
        reader.finish();
        return treatment;
    }

    VersionRange read_range(const YAML::Node& node, std::string_view text) {
        auto range = VersionRange::parse(text);
        if (range) return std::move(*range);
        diagnostics_.fail(node, range.error().text);
        return {};
    }

    const Published* read_target(yaml::MapReader& reader, const YAML::Node& where,
                                 std::string_view what) {
        const Published* to = nullptr;
        bool named = false;
        reader.read("to", [&](const YAML::Node& value) {
            named = true;
            if (const auto name = yaml::scalar_text(value, "to", diagnostics_))
                to = unified(value, *name);
        });
        if (!named && !what.empty())
            diagnostics_.fail(where,
                              fmt::format("{} needs 'to': a family of gpustack_metrics", what));
        return to;
    }

    void read_rule(const YAML::Node& node, Runtime& runtime) {
        Rule rule;
        yaml::MapReader reader(node, "rules entry", diagnostics_);
        reader.read("from", [&](const YAML::Node& value) {
            if (auto selector = read_selector(value, "from", true)) {
                rule.family = selector->family;
                rule.treatment.select = std::move(*selector);
            }
        });
        rule.to = read_target(reader, node, "a rules entry");
        reader.read("versions", [&](const YAML::Node& value) {
            rule.versions =
                read_range(value, yaml::scalar_text(value, "versions", diagnostics_).value_or("*"));
        });
        read_treatment(reader, node, rule.treatment);
        reader.finish();
        if (rule.family.empty())
            diagnostics_.fail(node, "a rules entry needs 'from': an engine's family");
        if (rule.to != nullptr) runtime.rules.push_back(std::move(rule));
    }

    void read_ratio(const YAML::Node& node, Runtime& runtime) {
        Ratio ratio;
        ratio.by = {"model_name"};
        ratio.window = kDefaultWindow;
        yaml::MapReader reader(node, "ratios entry", diagnostics_);
        ratio.to = read_target(reader, node, "a ratios entry");
        read_selectors(reader, "hits", ratio.hits);
        read_selectors(reader, "queries", ratio.queries);
        reader.read("by", ratio.by);
        reader.read("window", ratio.window);
        std::string note;
        reader.read("note", note);
        reader.finish();
        if (ratio.hits.empty() || ratio.queries.empty()) {
            diagnostics_.fail(node, "a ratios entry needs 'hits' and 'queries': lists of counters");
        }
        if (ratio.to == nullptr) return;
        const bool again = std::any_of(runtime.ratios.begin(), runtime.ratios.end(),
                                       [&](const Ratio& known) { return known.to == ratio.to; });
        if (again) diagnostics_.fail(node, fmt::format("a second ratio gives {}", ratio.to->name));
        runtime.ratios.push_back(std::move(ratio));
    }

    void read_derived(const YAML::Node& node, Runtime& runtime) {
        Derived derived;
        yaml::MapReader reader(node, "derived entry", diagnostics_);
        reader.read("as", derived.as);
        derived.to =
            read_target(reader, node, derived.as.empty() ? "a derived entry without 'as'" : "");
        read_selectors(reader, "from", derived.from);
        reader.read("without", derived.without);
        read_factor(reader, node, derived.scale);
        std::string note;
        reader.read("note", note);
        reader.finish();
        if (derived.from.empty())
            diagnostics_.fail(node, "a derived entry needs 'from': a list of families");
        if (derived.to != nullptr && !derived.as.empty())
            diagnostics_.fail(node, "a derived entry has 'to' or 'as', not both");
        if (derived.to != nullptr || !derived.as.empty())
            runtime.derived.push_back(std::move(derived));
    }

    void read_expected(const YAML::Node& node, Runtime& runtime) {
        Expected expected;
        std::string versions;
        yaml::MapReader reader(node, "expected entry", diagnostics_);
        reader.read("family", expected.family);
        reader.read("versions", versions);
        reader.read("since", expected.since);
        reader.read("before", expected.before);
        reader.read("after_request", expected.after_request);
        reader.finish();
        if (expected.family.empty()) diagnostics_.fail(node, "an expected entry needs 'family'");
        if (!versions.empty()) expected.versions = read_range(node, versions);
        if (!expected.since.empty() && !Version::parse(expected.since)) {
            diagnostics_.fail(node, fmt::format("since: '{}' is not a version",
                                                quote_for_message(expected.since)));
        }
        runtime.expected.push_back(std::move(expected));
    }

    void read_signals(const YAML::Node& node, Signals& signals) {
        yaml::MapReader reader(node, "signals", diagnostics_);
        read_selectors(reader, "running", signals.running);
        read_selectors(reader, "waiting", signals.waiting);
        read_selectors(reader, "kv_usage", signals.kv_usage);
        read_selectors(reader, "progress", signals.progress);
        read_selectors(reader, "sleeping", signals.sleeping);
        reader.read("progress_at_end", signals.progress_at_end);
        reader.finish();
    }

    /// An exporter's family under its two names: old value = new value × scale.
    void read_renamed(const YAML::Node& node, Runtime& runtime) {
        std::string old_name;
        std::string new_name;
        std::string type = "gauge";
        std::string description;
        std::string old_unit;
        std::string new_unit;
        double scale = 1;
        yaml::MapReader reader(node, "renamed entry", diagnostics_);
        reader.read("old", old_name);
        reader.read("new", new_name);
        reader.read("type", type);
        reader.read("description", description);
        reader.read("old_unit", old_unit);
        reader.read("new_unit", new_unit);
        read_factor(reader, node, scale);
        reader.finish();
        if (old_name.empty() || new_name.empty() || scale == 0) {
            diagnostics_.fail(
                node, "a renamed entry needs 'old' and 'new' names and a scale that is not 0");
            return;
        }
        const auto& name = publish_new_names_ ? new_name : old_name;
        const auto& unit = publish_new_names_ ? new_unit : old_unit;
        const std::string help =
            unit.empty() ? description : fmt::format("{} ({})", description, unit);
        Rule rule;
        rule.family = publish_new_names_ ? old_name : new_name;
        rule.to = publish(node, name, name, type, help);
        rule.treatment.scale = publish_new_names_ ? 1 / scale : scale;
        runtime.rules.push_back(std::move(rule));
    }

    /// A mapping that gives no engine's series a name would empty /metrics in silence.
    void check_use(const YAML::Node& root) {
        const auto is_unified = [](const Derived& derived) { return derived.to != nullptr; };
        const auto is_of_use = [&](const Runtime& runtime) {
            return runtime.kind == Kind::engine &&
                   (!runtime.rules.empty() || !runtime.ratios.empty() ||
                    std::ranges::any_of(runtime.derived, is_unified));
        };
        if (std::ranges::any_of(rules_.runtimes, is_of_use)) return;
        diagnostics_.fail(root,
                          "the mapping has no rule for any engine: add some under runtime_mapping, "
                          "or begin with the built-in mapping (GET /metrics/default-config)");
    }

    // --- runtime_mapping ---

    void read_runtime_mapping(const YAML::Node& node) {
        std::set<const Runtime*> seen;
        for (const auto& [key, ranges] : entries(node, "runtime_mapping")) {
            const Runtime* known = rules_.find_runtime(key);
            Runtime& runtime = known != nullptr ? runtime_at(known) : add_runtime(node, key);
            if (!seen.insert(&runtime).second) {
                diagnostics_.fail(ranges, fmt::format("runtime_mapping: '{}' is {} a second time",
                                                      quote_for_message(key), runtime.name));
            }
            std::vector<Rule> of_any;
            std::vector<Rule> of_ranges;
            for (const auto& [range_text, families] :
                 entries(ranges, fmt::format("runtime_mapping of {}", key))) {
                const auto range = read_range(families, range_text);
                for (const auto& [family, target] :
                     entries(families, fmt::format("{} '{}'", key, range_text))) {
                    const auto name = yaml::scalar_text(
                        target, fmt::format("the unified name of {}", family), diagnostics_);
                    const auto* to = name ? unified(target, *name) : nullptr;
                    if (to == nullptr) continue;
                    Rule rule{.family = family,
                              .to = to,
                              .versions = range,
                              .treatment = {},
                              .from_schema = true};
                    (range.is_any() ? of_any : of_ranges).push_back(std::move(rule));
                }
            }
            check_bound(ranges, of_any.size() + of_ranges.size(), kMaxRulesOfRuntime,
                        "rules in one runtime");
            of_any.insert(of_any.end(), of_ranges.begin(), of_ranges.end());
            runtime.rules.insert(runtime.rules.begin(), of_any.begin(), of_any.end());
        }
    }

    Runtime& runtime_at(const Runtime* known) {
        return *std::find_if(rules_.runtimes.begin(), rules_.runtimes.end(),
                             [&](const Runtime& runtime) { return &runtime == known; });
    }

    /// `families` says how the rules of runtime_mapping treat a family; the schema has no place for
    /// it.
    void apply_treatments() {
        for (auto& runtime : rules_.runtimes) {
            for (const auto& [family, treatment] : treatments_[&runtime]) {
                for (auto& rule : runtime.rules) {
                    if (rule.from_schema && rule.family == family) rule.treatment = treatment;
                }
            }
        }
    }

    yaml::Diagnostics diagnostics_;
    Mapping::Rules& rules_;
    bool inherited_ = false;
    bool in_inferscope_ = false;
    bool publish_new_names_ = false;
    std::map<const Runtime*, std::vector<std::pair<std::string, Treatment>>> treatments_;
};

/// Scalars that JSON knows as numbers or truth values keep their kind where that changes no digit
/// of them.
nlohmann::ordered_json to_json(const YAML::Node& node) {
    using Json = nlohmann::ordered_json;
    if (node.IsMap()) {
        Json object = Json::object();
        for (const auto& entry : node) {
            object[entry.first.IsScalar() ? entry.first.Scalar() : std::string("?")] =
                to_json(entry.second);
        }
        return object;
    }
    if (node.IsSequence()) {
        Json list = Json::array();
        for (const auto& entry : node) list.push_back(to_json(entry));
        return list;
    }
    if (!node.IsScalar()) return nullptr;
    const auto& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text == "true" || text == "false") return text == "true";
    const auto number = parse_number(text);
    if (!number || !std::isfinite(*number)) return text;
    const bool whole = std::fabs(*number) < 1e15 && std::nearbyint(*number) == *number;
    Json json = whole ? Json(static_cast<std::int64_t>(*number)) : Json(*number);
    return json.dump() == text ? json : Json(text);
}

}  // namespace

Result<void, ParseError> read_rules(std::string_view text, std::string_view file,
                                    const yaml::Limits& limits, std::string_view built_in,
                                    Mapping::Rules& rules, std::vector<ParseError>* warnings) {
    auto root = yaml::parse(text, file, limits);
    if (!root) return root.error();
    RulesReader reader(file, rules);
    reader.check_keys(*root);
    if (reader.diagnostics().error()) return *reader.diagnostics().error();
    auto inferscope = (*root)["inferscope"];
    const bool inherited = !inferscope || inferscope.IsNull();
    if (inherited) {
        auto shipped = yaml::parse(built_in, "built-in mapping");
        if (!shipped) return shipped.error();
        inferscope.reset((*shipped)["inferscope"]);
    }
    reader.read_file(*root, inferscope, inherited);
    if (warnings != nullptr) {
        warnings->insert(warnings->end(), reader.diagnostics().warnings().begin(),
                         reader.diagnostics().warnings().end());
    }
    if (reader.diagnostics().error()) return *reader.diagnostics().error();
    const auto json = to_json(*root);
    rules.json = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    return {};
}

}  // namespace inferscope::mapping
