// SPDX-License-Identifier: Apache-2.0
// Engine versions as Python packages write them, and the ranges that mapping rules carry.
// Source of the order: PEP 440 ("Version specifiers", "Summary of permitted suffixes and relative
// ordering").
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace inferscope::mapping {

/// One version, `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]`, with PEP 440's other spellings of
/// it ("v1.0-RC.1", "1.0-1" = post-release 1). Ordered as PEP 440 orders: dev < pre-release <
/// release < post-release, a local version behind the same one without.
class Version {
public:
    /// Nothing for a text that isn't a PEP 440 version ("nightly", "b10573-3f545bec"), or with
    /// numbers above 10^18.
    static std::optional<Version> parse(std::string_view text);

    std::strong_ordering operator<=>(const Version& other) const = default;
    bool operator==(const Version& other) const = default;

private:
    /// One segment of a local version: a number is newer than a text.
    using LocalSegment = std::variant<std::string, std::uint64_t>;

    // In the order of comparison.
    std::uint64_t epoch_ = 0;
    std::vector<std::uint64_t> release_;  ///< without zeros at the end, so that 1.0 == 1
    /// a = 0, b = 1, rc = 2; -1 for a dev release of a final one, 3 where there is none.
    int pre_kind_ = 3;
    std::uint64_t pre_ = 0;
    std::int64_t post_ = -1;          ///< -1: none
    std::uint64_t dev_ = UINT64_MAX;  ///< UINT64_MAX: none
    std::vector<LocalSegment> local_;

    friend class VersionReader;
};

/// `*`, or conditions joined by commas, all of which must hold: `>=0.9.2,<0.11`. Operators: `>=`,
/// `<=`, `>`, `<`, `==`; a version alone is `==`. The order is PEP 440's plain one: `<0.11.0` holds
/// for 0.11.0rc2. A text that isn't a PEP 440 version (on either side) matches only by equality of
/// the texts.
class VersionRange {
public:
    /// Matches every version: `*`.
    VersionRange() = default;
    /// Fails with invalid_argument for an empty condition and for an operator without a PEP 440
    /// version.
    static Result<VersionRange> parse(std::string_view text);

    /// True for `*`, and for every range when `version` is empty (unknown).
    [[nodiscard]] bool contains(std::string_view version) const;
    [[nodiscard]] bool is_any() const { return conditions_.empty(); }

private:
    enum class Operator { less, less_equal, greater, greater_equal, equal };
    struct Condition {
        Operator op = Operator::equal;
        std::string text;
        std::optional<Version> version;
    };

    std::vector<Condition> conditions_;
};

}  // namespace inferscope::mapping
