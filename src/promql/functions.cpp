// SPDX-License-Identifier: Apache-2.0
#include "promql/functions.h"

#include <algorithm>
#include <array>

namespace inferscope::promql {
namespace {

using Types = std::span<const ValueType>;

constexpr Types kNone;
constexpr std::array kRange{ValueType::range_vector};
constexpr std::array kScalar{ValueType::scalar};
constexpr std::array kVector{ValueType::instant_vector};
constexpr std::array kRangeScalar{ValueType::range_vector, ValueType::scalar};
constexpr std::array kScalarRange{ValueType::scalar, ValueType::range_vector};
constexpr std::array kScalarVector{ValueType::scalar, ValueType::instant_vector};
constexpr std::array kTwoScalars{ValueType::scalar, ValueType::scalar};
constexpr std::array kVectorScalar{ValueType::instant_vector, ValueType::scalar};
constexpr std::array kVectorString{ValueType::instant_vector, ValueType::string};
constexpr std::array kVectorVector{ValueType::instant_vector, ValueType::instant_vector};
constexpr std::array kRangeTwoScalars{ValueType::range_vector, ValueType::scalar,
                                      ValueType::scalar};
constexpr std::array kTwoScalarsVector{ValueType::scalar, ValueType::scalar,
                                       ValueType::instant_vector};
constexpr std::array kVectorTwoScalars{ValueType::instant_vector, ValueType::scalar,
                                       ValueType::scalar};
constexpr std::array kVectorStringTwoScalars{ValueType::instant_vector, ValueType::string,
                                             ValueType::scalar, ValueType::scalar};
constexpr std::array kVectorThreeStrings{ValueType::instant_vector, ValueType::string,
                                         ValueType::string, ValueType::string};
constexpr std::array kVectorFourStrings{ValueType::instant_vector, ValueType::string,
                                        ValueType::string, ValueType::string, ValueType::string};

constexpr Function in_both(std::string_view name, Types arguments, int variadic = 0,
                           ValueType result = ValueType::instant_vector) {
    return {name, arguments, variadic, result, Versions::both, Feature::none};
}
constexpr Function in_2(std::string_view name, Types arguments) {
    return {name,         arguments, 0, ValueType::instant_vector, Versions::only_prometheus2,
            Feature::none};
}
constexpr Function in_3(std::string_view name, Types arguments) {
    return {name,         arguments, 0, ValueType::instant_vector, Versions::only_prometheus3,
            Feature::none};
}
constexpr Function experimental(std::string_view name, Types arguments, int variadic = 0,
                                ValueType result = ValueType::instant_vector) {
    return {name,
            arguments,
            variadic,
            result,
            Versions::only_prometheus3,
            Feature::experimental_functions};
}

constexpr std::array kFunctions{
    in_both("abs", kVector),
    in_both("absent", kVector),
    in_both("absent_over_time", kRange),
    in_both("acos", kVector),
    in_both("acosh", kVector),
    in_both("asin", kVector),
    in_both("asinh", kVector),
    in_both("atan", kVector),
    in_both("atanh", kVector),
    in_both("avg_over_time", kRange),
    in_both("ceil", kVector),
    in_both("changes", kRange),
    in_both("clamp", kVectorTwoScalars),
    in_both("clamp_max", kVectorScalar),
    in_both("clamp_min", kVectorScalar),
    in_both("cos", kVector),
    in_both("cosh", kVector),
    in_both("count_over_time", kRange),
    in_both("day_of_month", kVector, 1),
    in_both("day_of_week", kVector, 1),
    in_both("day_of_year", kVector, 1),
    in_both("days_in_month", kVector, 1),
    in_both("deg", kVector),
    in_both("delta", kRange),
    in_both("deriv", kRange),
    experimental("double_exponential_smoothing", kRangeTwoScalars),
    experimental("end", kNone, 0, ValueType::scalar),
    in_both("exp", kVector),
    in_3("first_over_time", kRange),
    in_both("floor", kVector),
    in_3("histogram_avg", kVector),
    in_both("histogram_count", kVector),
    in_both("histogram_fraction", kTwoScalarsVector),
    in_both("histogram_quantile", kScalarVector),
    experimental("histogram_quantiles", kVectorStringTwoScalars, 9),
    in_3("histogram_stddev", kVector),
    in_3("histogram_stdvar", kVector),
    in_both("histogram_sum", kVector),
    in_2("holt_winters", kRangeTwoScalars),
    in_both("hour", kVector, 1),
    in_both("idelta", kRange),
    in_both("increase", kRange),
    experimental("info", kVectorVector, 1),
    in_both("irate", kRange),
    in_both("label_join", kVectorThreeStrings, Function::kAnyNumber),
    in_both("label_replace", kVectorFourStrings),
    in_both("last_over_time", kRange),
    in_both("ln", kVector),
    in_both("log10", kVector),
    in_both("log2", kVector),
    experimental("mad_over_time", kRange),
    experimental("max_of", kTwoScalars, 0, ValueType::scalar),
    in_both("max_over_time", kRange),
    experimental("min_of", kTwoScalars, 0, ValueType::scalar),
    in_both("min_over_time", kRange),
    in_both("minute", kVector, 1),
    in_both("month", kVector, 1),
    in_both("pi", kNone, 0, ValueType::scalar),
    in_both("predict_linear", kRangeScalar),
    in_both("present_over_time", kRange),
    in_both("quantile_over_time", kScalarRange),
    in_both("rad", kVector),
    experimental("range", kNone, 0, ValueType::scalar),
    in_both("rate", kRange),
    in_both("resets", kRange),
    in_both("round", kVectorScalar, 1),
    in_both("scalar", kVector, 0, ValueType::scalar),
    in_both("sgn", kVector),
    in_both("sin", kVector),
    in_both("sinh", kVector),
    in_both("sort", kVector),
    experimental("sort_by_label", kVectorString, Function::kAnyNumber),
    experimental("sort_by_label_desc", kVectorString, Function::kAnyNumber),
    in_both("sort_desc", kVector),
    in_both("sqrt", kVector),
    experimental("start", kNone, 0, ValueType::scalar),
    experimental("start_timestamp", kVector),
    in_both("stddev_over_time", kRange),
    in_both("stdvar_over_time", kRange),
    experimental("step", kNone, 0, ValueType::scalar),
    in_both("sum_over_time", kRange),
    in_both("tan", kVector),
    in_both("tanh", kVector),
    in_both("time", kNone, 0, ValueType::scalar),
    in_both("timestamp", kVector),
    experimental("ts_of_first_over_time", kRange),
    experimental("ts_of_last_over_time", kRange),
    experimental("ts_of_max_over_time", kRange),
    experimental("ts_of_min_over_time", kRange),
    in_both("vector", kScalar),
    in_both("year", kVector, 1),
};
static_assert(std::ranges::is_sorted(kFunctions, {}, &Function::name));

}  // namespace

std::string_view to_string(ValueType type) {
    switch (type) {
        case ValueType::scalar:
            return "scalar";
        case ValueType::string:
            return "string";
        case ValueType::instant_vector:
            return "instant vector";
        case ValueType::range_vector:
            return "range vector";
    }
    return "";
}

std::string_view to_json_name(ValueType type) {
    if (type == ValueType::instant_vector) return "vector";
    return type == ValueType::range_vector ? "matrix" : to_string(type);
}

std::span<const Function> functions() { return kFunctions; }

const Function* find_function(std::string_view name, Dialect dialect) {
    const auto* const found = std::ranges::lower_bound(kFunctions, name, {}, &Function::name);
    if (found == kFunctions.end() || found->name != name) return nullptr;
    const auto other =
        dialect == Dialect::prometheus2 ? Versions::only_prometheus3 : Versions::only_prometheus2;
    return found->versions == other ? nullptr : found;
}

}  // namespace inferscope::promql
