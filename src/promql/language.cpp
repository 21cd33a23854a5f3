// SPDX-License-Identifier: Apache-2.0
#include "promql/language.h"

#include <array>

namespace inferscope::promql {
namespace {

constexpr std::array<Feature, 4> kFeatures{Feature::experimental_functions,
                                           Feature::extended_range_selectors,
                                           Feature::fill_modifiers, Feature::delayed_name_removal};
constexpr std::string_view kAlwaysOn = "promql-duration-expr";

}  // namespace

std::string_view to_string(Feature feature) {
    switch (feature) {
        case Feature::none:
            return "";
        case Feature::experimental_functions:
            return "promql-experimental-functions";
        case Feature::extended_range_selectors:
            return "promql-extended-range-selectors";
        case Feature::fill_modifiers:
            return "promql-binop-fill-modifiers";
        case Feature::delayed_name_removal:
            return "promql-delayed-name-removal";
    }
    return "";
}

bool Language::enable(std::string_view name) {
    for (const auto feature : kFeatures) {
        if (to_string(feature) != name) continue;
        enable(feature);
        return true;
    }
    return name == kAlwaysOn;
}

}  // namespace inferscope::promql
