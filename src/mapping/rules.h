// SPDX-License-Identifier: Apache-2.0
// What a mapping file says, checked and ready for use. Filled by rules_reader.cpp, read by
// mapping.cpp (recognition) and target_mapping.cpp; nobody else includes it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "mapping/mapping.h"
#include "mapping/selector.h"
#include "mapping/version.h"
#include "telemetry/metadata.h"

namespace inferscope::mapping {

/// A name that we publish. Its address is its identity.
struct Published {
    std::string name;  ///< as the file has it: `num_requests_running`, `prompt_tokens`
    FamilyPtr family;  ///< as scraped: `gpustack:prompt_tokens_total`; an exporter's has no prefix
};

/// How the series of an engine's family become published ones. Sources: `families`, `rules`,
/// `renamed`.
struct Treatment {
    Selector select;                       ///< series that don't match are left alone
    std::vector<std::string> drop_labels;  ///< left out of the published label set
    std::vector<std::string>
        same_across;  ///< of series that differ only in these labels the first is published
    std::vector<double> drop_values;  ///< stand for "no value"
    double scale = 1;                 ///< published = engine's × scale
};

/// One engine family -> one published family.
struct Rule {
    std::string
        family;  ///< the engine's, without `_total` on counters; or one sample of it (`x_sum`)
    const Published* to = nullptr;
    VersionRange versions;
    Treatment treatment;
    bool from_schema = false;  ///< stands in runtime_mapping: there, one range's rule for a family
                               ///< replaces another's
};

/// hits / queries from the increases of counters over a window.
struct Ratio {
    const Published* to = nullptr;
    std::vector<Selector> hits;
    std::vector<Selector> queries;
    std::vector<std::string> by;  ///< labels that both sides have; all others are added up
    Millis window{};
};

/// A sum of series, times a factor, under one name.
struct Derived {
    const Published* to = nullptr;  ///< a unified family, or null:
    std::string as;  ///< a sample's name that others expect of the engine, shown with the raw ones
    std::vector<Selector> from;
    std::vector<std::string> without;  ///< labels that are added over
    double scale = 1;
};

struct Alias {
    std::string family;  ///< the engine's, as the mapping spells it
    std::vector<std::string> names;
};

/// A family that the engine must have: `family` from version `since` on, `before` (where given) in
/// older ones.
struct Expected {
    std::string family;
    VersionRange versions;       ///< which engines this is about
    std::string since;           ///< the version that brought the name; empty: all have it
    std::string before;          ///< its name before that; empty: none
    bool after_request = false;  ///< appears with the first request
};

/// A page fits if it has one of `any` (where given), all of `all`, none of `none`; likewise label
/// names. Families are spelt as the mapping spells them; a `*` at the end stands for any rest.
struct Recognition {
    std::vector<std::string> any, all, none;
    std::vector<std::string> any_label;
};

struct Runtime {
    std::string name;
    std::vector<std::string> names;  ///< other spellings, compared without case
    Kind kind = Kind::engine;
    std::vector<std::string>
        prefixes;  ///< of the engine's names: the first is the mapping's, the others are read as it
    std::vector<Recognition> recognise;
    std::vector<std::pair<std::string, std::string>> rename_labels;
    std::vector<Rule>
        rules;  ///< best first: `*`, then ranges in file order, then `inferscope` rules
    std::vector<Ratio> ratios;
    std::vector<Derived> derived;
    std::vector<Alias> aliases;
    std::vector<Expected> expected;
    Signals signals;
    std::vector<double> drop_values;  ///< exporters: in all of its families

    /// The family's name with the mapping's own prefix instead of another one of `prefixes`.
    [[nodiscard]] std::string canonical(std::string_view family) const;
};

struct Mapping::Rules {
    std::deque<Published> published;
    std::deque<Runtime> runtimes;  ///< in file order: the first that fits a page is it
    std::string json;

    [[nodiscard]] const Runtime* find_runtime(std::string_view name) const;
};

/// "_bucket", "_sum", "_count" or "_created" if `sample` ends so; else empty.
std::string_view sample_suffix(std::string_view sample);
/// Without `_total`.
std::string_view without_total(std::string_view name);

/// Reads a file's text into `rules`; in rules_reader.cpp. `built_in` is the shipped text, whose
/// `inferscope` key stands in for a missing one.
Result<void, ParseError> read_rules(std::string_view text, std::string_view file,
                                    const yaml::Limits& limits, std::string_view built_in,
                                    Mapping::Rules& rules, std::vector<ParseError>* warnings);

}  // namespace inferscope::mapping
