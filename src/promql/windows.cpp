// SPDX-License-Identifier: Apache-2.0
#include "promql/windows.h"

namespace inferscope::promql {

double seconds(Timestamp millis) {
    return static_cast<double>(millis / 1000) +
           static_cast<double>(millis % 1000 * 1'000'000) / 1e9;
}

namespace {

Extrapolation::Step extrapolate(const Windows& windows, std::size_t at, double range_seconds) {
    const std::uint32_t begin = windows.begins[at];
    const std::uint32_t end = windows.ends[at];
    Extrapolation::Step step;
    if (end < begin + 2) return step;
    const Timestamp first = windows.times[begin];
    const Timestamp last = windows.times[end - 1];
    step.sampled_seconds = static_cast<double>(last - first) / 1000;
    step.average_seconds = step.sampled_seconds / static_cast<double>(end - begin - 1);
    step.start_seconds = static_cast<double>(first - windows.start(at)) / 1000;
    step.end_seconds = static_cast<double>(windows.end(at) - last) / 1000;
    const double far = step.far_seconds();
    step.reach_seconds = step.start_seconds >= far ? step.average_seconds / 2 : step.start_seconds;
    if (step.end_seconds >= far) step.end_seconds = step.average_seconds / 2;
    step.factor = step.factor_from(step.reach_seconds);
    step.rate_factor = step.factor / range_seconds;
    return step;
}

}  // namespace

Extrapolation::Extrapolation(const Windows& windows)
    : range_seconds_(seconds(windows.first_end - windows.first_start)) {
    steps_.reserve(windows.steps());
    for (std::size_t at = 0; at < windows.steps(); ++at) {
        steps_.push_back(extrapolate(windows, at, range_seconds_));
    }
}

}  // namespace inferscope::promql
