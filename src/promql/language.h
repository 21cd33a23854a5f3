// SPDX-License-Identifier: Apache-2.0
// Which PromQL is spoken: that of Prometheus 3 or of 2.42, and which of its experimental parts.
#pragma once

#include <cstdint>
#include <string_view>

#include "telemetry/pattern.h"

namespace inferscope::promql {

enum class Dialect : std::uint8_t {
    prometheus3,  ///< 3.14, and with it all that 3.0 and later have added
    prometheus2,  ///< 2.42
};

/// What Prometheus calls `--enable-feature`. Those of the parser have no effect in dialect 2, which
/// knows none of them.
enum class Feature : std::uint8_t {
    none,                      ///< always there
    experimental_functions,    ///< promql-experimental-functions
    extended_range_selectors,  ///< promql-extended-range-selectors: `anchored`, `smoothed`
    fill_modifiers,            ///< promql-binop-fill-modifiers: `fill`, `fill_left`, `fill_right`
    delayed_name_removal,      ///< promql-delayed-name-removal: for the evaluator
};

/// "promql-experimental-functions"; empty for `none`.
std::string_view to_string(Feature feature);

/// Immutable once it is set up; small, passed by value.
class Language {
public:
    explicit Language(Dialect dialect = Dialect::prometheus3) : dialect_(dialect) {}

    /// False if `name` is no feature of PromQL. "promql-duration-expr" is one without effect: 3.14
    /// always has it.
    bool enable(std::string_view name);
    void enable(Feature feature) { features_ |= bit(feature); }

    [[nodiscard]] Dialect dialect() const { return dialect_; }
    [[nodiscard]] bool is_prometheus2() const { return dialect_ == Dialect::prometheus2; }
    [[nodiscard]] RegexDialect regex_dialect() const {
        return is_prometheus2() ? RegexDialect::prometheus2 : RegexDialect::prometheus3;
    }
    [[nodiscard]] bool has(Feature feature) const {
        return feature == Feature::none || (!is_prometheus2() && (features_ & bit(feature)) != 0);
    }

private:
    static constexpr unsigned bit(Feature feature) { return 1U << static_cast<unsigned>(feature); }

    Dialect dialect_;
    unsigned features_ = 0;
};

}  // namespace inferscope::promql
