// SPDX-License-Identifier: Apache-2.0
// Families of our own metrics.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "telemetry/metadata.h"

namespace inferscope {

inline FamilyPtr make_family(std::string name, MetricType type, std::string help) {
    return std::make_shared<const Family>(
        Family{.name = std::move(name), .type = type, .help = std::move(help), .unit = {}});
}
inline FamilyPtr make_counter(std::string name, std::string help) {
    return make_family(std::move(name), MetricType::counter, std::move(help));
}
inline FamilyPtr make_gauge(std::string name, std::string help) {
    return make_family(std::move(name), MetricType::gauge, std::move(help));
}

}  // namespace inferscope
