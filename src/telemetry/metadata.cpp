// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metadata.h"

namespace inferscope {

std::string_view to_text_type(MetricType type) {
    switch (type) {
        case MetricType::counter:
            return "counter";
        case MetricType::gauge:
        case MetricType::info:
        case MetricType::state_set:
            return "gauge";
        case MetricType::histogram:
        case MetricType::gauge_histogram:
            return "histogram";
        case MetricType::summary:
            return "summary";
        case MetricType::unknown:
            break;
    }
    return "untyped";
}

std::string_view to_openmetrics_type(MetricType type) {
    switch (type) {
        case MetricType::gauge_histogram:
            return "gaugehistogram";
        case MetricType::info:
            return "info";
        case MetricType::state_set:
            return "stateset";
        case MetricType::unknown:
            return "unknown";
        default:
            return to_text_type(type);
    }
}

MetricType metric_type_from(std::string_view word) {
    if (word == "counter") return MetricType::counter;
    if (word == "gauge") return MetricType::gauge;
    if (word == "histogram") return MetricType::histogram;
    if (word == "gaugehistogram") return MetricType::gauge_histogram;
    if (word == "summary") return MetricType::summary;
    if (word == "info") return MetricType::info;
    if (word == "stateset") return MetricType::state_set;
    return MetricType::unknown;
}

}  // namespace inferscope
