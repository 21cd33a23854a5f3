// SPDX-License-Identifier: Apache-2.0
// The functions of PromQL: one row each.
// Source: Prometheus 3.14 and 2.42, "Query functions" and the parser's list of signatures.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "promql/language.h"

namespace inferscope::promql {

enum class ValueType : std::uint8_t { scalar, string, instant_vector, range_vector };

/// As messages write it: "scalar", "string", "instant vector", "range vector".
std::string_view to_string(ValueType type);
/// As Prometheus's JSON writes it: "scalar", "string", "vector", "matrix".
std::string_view to_json_name(ValueType type);

/// In which dialects a function is known.
enum class Since : std::uint8_t {
    prometheus2,       ///< in both
    prometheus3,       ///< not in 2.42
    only_prometheus2,  ///< 3.0 took its name away
};

struct Function {
    static constexpr int kAnyNumber = -1;

    std::string_view name;
    std::span<const ValueType> arguments;  ///< types; further ones have the last one's
    int variadic;  ///< 0: as many as `arguments`; n: one less to n - 1 more; kAnyNumber: one less
                   ///< on
    ValueType result;
    Since since;
    Feature feature;  ///< that must be enabled

    /// Of how many arguments the call must have the least.
    [[nodiscard]] std::size_t fewest() const {
        return variadic == 0 ? arguments.size() : arguments.size() - 1;
    }
};

/// All of them, by name.
std::span<const Function> functions();

/// Nothing if the dialect has no function of that name. Its feature isn't looked at.
const Function* find_function(std::string_view name, Dialect dialect);

}  // namespace inferscope::promql
