// SPDX-License-Identifier: Apache-2.0
// The functions of PromQL: one row each.
// Source: Prometheus 3.14 and 2.42, "Query functions" and the parser's list of signatures.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "promql/language.h"

namespace inferscope::promql {

enum class ValueType : std::uint8_t { scalar, string, instant_vector, range_vector };

/// As messages write it: "scalar", "string", "instant vector", "range vector".
std::string_view to_string(ValueType type);
/// As Prometheus's JSON writes it: "scalar", "string", "vector", "matrix".
std::string_view to_json_name(ValueType type);

/// Which of the dialects know a function.
enum class Versions : std::uint8_t {
    both,
    only_prometheus2,  ///< 3.0 took its name away
    only_prometheus3,
};

struct Function {
    static constexpr int kAnyNumber = -1;

    std::string_view name;
    std::span<const ValueType> arguments;  ///< their types; further ones are like the last
    int variadic;  ///< how many may stand in the last one's place; 0: exactly it, as usual
    ValueType result;
    Versions versions;
    Feature feature;  ///< that must be enabled

    [[nodiscard]] constexpr std::size_t fewest() const {
        return arguments.size() - (variadic == 0 ? 0 : 1);
    }
    /// Nothing if there may be any number.
    [[nodiscard]] constexpr std::optional<std::size_t> most() const {
        if (variadic == kAnyNumber) return std::nullopt;
        return fewest() + static_cast<std::size_t>(variadic);
    }
    /// What argument `index`, counted from 0, must be.
    [[nodiscard]] constexpr ValueType argument(std::size_t index) const {
        return arguments[std::min(index, arguments.size() - 1)];
    }
};

/// All of them, by name.
std::span<const Function> functions();

/// Nothing if the dialect has no function of that name. Its feature isn't looked at.
const Function* find_function(std::string_view name, Dialect dialect);

}  // namespace inferscope::promql
