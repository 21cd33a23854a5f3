// SPDX-License-Identifier: Apache-2.0
#include "mapping/mapping.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "mapping/names.h"
#include "mapping/rules.h"

namespace inferscope::mapping {

extern const std::string_view
    kBuiltInText;  // written by the build from deploy/mapping/metrics_config.yaml

namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

/// The families of one page in one runtime's spelling, asked by name or by `prefix*`.
class PageFamilies {
public:
    PageFamilies(const Runtime& runtime,
                 const absl::flat_hash_set<std::string_view, NameHash>& sample_names) {
        for (const auto name : sample_names) {
            auto family = runtime.canonical(name);
            const auto suffix = sample_suffix(family);
            families_.insert(std::string(
                without_total(std::string_view(family).substr(0, family.size() - suffix.size()))));
            families_.insert(std::move(family));
        }
    }

    [[nodiscard]] bool has(std::string_view pattern) const {
        if (!pattern.ends_with('*')) return families_.contains(pattern);
        pattern.remove_suffix(1);
        return std::any_of(families_.begin(), families_.end(),
                           [&](const std::string& family) { return family.starts_with(pattern); });
    }

private:
    NameSet families_;
};

bool fits(const Recognition& recognition, const PageFamilies& page,
          std::span<const std::string_view> label_names) {
    const auto on_page = [&](const std::string& pattern) { return page.has(pattern); };
    const auto is_label = [&](const std::string& label) {
        return std::find(label_names.begin(), label_names.end(), label) != label_names.end();
    };
    const auto& [any, all, none, any_label] = recognition;
    return (any.empty() || std::any_of(any.begin(), any.end(), on_page)) &&
           std::all_of(all.begin(), all.end(), on_page) &&
           std::none_of(none.begin(), none.end(), on_page) &&
           (any_label.empty() || std::any_of(any_label.begin(), any_label.end(), is_label));
}

}  // namespace

std::string_view sample_suffix(std::string_view sample) {
    constexpr std::array<std::string_view, 4> kSuffixes{"_bucket", "_sum", "_count", "_created"};
    for (const auto suffix : kSuffixes) {
        if (sample.ends_with(suffix)) return sample.substr(sample.size() - suffix.size());
    }
    return {};
}

std::string_view without_total(std::string_view name) {
    if (name.ends_with("_total")) name.remove_suffix(6);
    return name;
}

std::string Runtime::canonical(std::string_view family) const {
    for (const std::string_view prefix : prefixes) {
        if (family.starts_with(prefix))
            return prefixes.front() + std::string(family.substr(prefix.size()));
    }
    return std::string(family);
}

const Runtime* Mapping::Rules::find_runtime(std::string_view name) const {
    const auto is_it = [&](std::string_view spelling) {
        return equal_without_case(spelling, name);
    };
    for (const auto& runtime : runtimes) {
        if (is_it(runtime.name) || std::any_of(runtime.names.begin(), runtime.names.end(), is_it))
            return &runtime;
    }
    return nullptr;
}

Mapping::Mapping() : rules_(std::make_unique<Rules>()) {}
Mapping::~Mapping() = default;

Result<std::shared_ptr<const Mapping>, ParseError> Mapping::parse(
    std::string_view text, std::string_view file, const yaml::Limits& limits,
    std::vector<ParseError>* warnings) {
    auto mapping = std::make_shared<Mapping>();
    const auto read = read_rules(text, file, limits, kBuiltInText, *mapping->rules_, warnings);
    if (!read) return read.error();
    return mapping;
}

std::shared_ptr<const Mapping> Mapping::built_in() {
    static const auto mapping = [] {
        auto parsed = parse(kBuiltInText, "deploy/mapping/metrics_config.yaml");
        CHECK(parsed, "the built-in mapping is valid: " + parsed.error().message());
        return *parsed;
    }();
    return mapping;
}

std::string_view Mapping::built_in_text() { return kBuiltInText; }

const std::string& Mapping::to_json() const { return rules_->json; }

Identity Mapping::recognise(std::span<const std::string_view> sample_names,
                            std::span<const std::string_view> label_names) const {
    const absl::flat_hash_set<std::string_view, NameHash> names(sample_names.begin(),
                                                                sample_names.end());
    for (const auto& runtime : rules_->runtimes) {
        if (runtime.recognise.empty()) continue;
        const PageFamilies page(runtime, names);
        for (const auto& recognition : runtime.recognise) {
            if (fits(recognition, page, label_names)) return {runtime.name, "", runtime.kind};
        }
    }
    return {};
}

std::string Mapping::canonical_runtime(std::string_view name) const {
    const auto* runtime = rules_->find_runtime(name);
    return runtime != nullptr ? runtime->name : std::string();
}

Identity Mapping::identity(std::string_view name, std::string_view version) const {
    const auto* runtime = rules_->find_runtime(name);
    return runtime != nullptr ? Identity{runtime->name, std::string(version), runtime->kind}
                              : Identity{};
}

const Signals& Mapping::signals(std::string_view name) const {
    static const Signals kNone;
    const auto* runtime = rules_->find_runtime(name);
    return runtime != nullptr ? runtime->signals : kNone;
}

}  // namespace inferscope::mapping
