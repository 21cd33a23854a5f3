// SPDX-License-Identifier: Apache-2.0
#include "exposition/family_shape.h"

namespace inferscope::exposition {

FamilyShape plain_shape(std::string_view type) { return {type, "", {""}, 1, ""}; }

FamilyShape text_shape(MetricType type) {
    switch (type) {
        case MetricType::histogram:
        case MetricType::gauge_histogram:
            return {"histogram", "", {"_bucket", "_sum", "_count"}, 3, "le"};
        case MetricType::summary:
            return {"summary", "", {"", "_sum", "_count"}, 3, "quantile"};
        default:
            return plain_shape(to_text_type(type));
    }
}

FamilyShape openmetrics_shape(const Family& family) {
    switch (family.type) {
        case MetricType::counter:
            if (!family.name.ends_with("_total")) return plain_shape("unknown");
            return {"counter", "_total", {"_total", "_created"}, 2, ""};
        case MetricType::histogram:
            return {"histogram", "", {"_bucket", "_sum", "_count", "_created"}, 4, "le"};
        case MetricType::gauge_histogram:
            return {"gaugehistogram", "", {"_bucket", "_gsum", "_gcount"}, 3, "le"};
        case MetricType::summary:
            return {"summary", "", {"", "_sum", "_count", "_created"}, 4, "quantile"};
        case MetricType::info:
            return {"info", family.name.ends_with("_info") ? "_info" : "", {"_info"}, 1, ""};
        default:
            return plain_shape(to_openmetrics_type(family.type));
    }
}

}  // namespace inferscope::exposition
