// SPDX-License-Identifier: Apache-2.0
#include "promql/windows.h"

#include "base/vector_clones.h"

namespace inferscope::promql {

double seconds(Timestamp millis) {
    return static_cast<double>(millis / 1000) +
           static_cast<double>(millis % 1000 * 1'000'000) / 1e9;
}

namespace {

/// What is read of Windows, and where each of a step's values goes to.
struct Reach {
    const Timestamp* times;
    const std::uint32_t* begins;
    const std::uint32_t* ends;
    Timestamp first_start;
    Timestamp first_end;
    Timestamp step;
    double range_seconds;
};
struct StepColumns {
    double* sampled;
    double* average;
    double* start;
    double* reach;
    double* end;
    double* factor;
    double* rate_factor;
};

/// Without branches, so that many steps are divided at once.
INFERSCOPE_VECTOR_CLONES
void extrapolate(const Reach& windows, std::size_t count, const StepColumns& out) {
    const auto [times, begins, ends, first_start, first_end, interval, range_seconds] = windows;
    const auto [sampled, average, start, reach, end, factor, rate_factor] = out;
#pragma clang loop vectorize(assume_safety)
    for (std::size_t at = 0; at < count; ++at) {
        const bool enough = ends[at] >= begins[at] + 2;
        const auto first = times[enough ? begins[at] : 0];
        const auto last = times[enough ? ends[at] - 1 : 0];
        const auto moved = static_cast<Timestamp>(at) * interval;
        const double samples = enough ? static_cast<double>(ends[at] - begins[at] - 1) : 1;
        const double sampled_seconds = static_cast<double>(last - first) / 1000;
        const double average_seconds = sampled_seconds / samples;
        const double start_seconds = static_cast<double>(first - (first_start + moved)) / 1000;
        const double end_seconds = static_cast<double>(first_end + moved - last) / 1000;
        const double far = average_seconds * 1.1;
        const double to_start = start_seconds >= far ? average_seconds / 2 : start_seconds;
        const double to_end = end_seconds >= far ? average_seconds / 2 : end_seconds;
        const double whole = (sampled_seconds + to_start + to_end) / sampled_seconds;
        sampled[at] = enough ? sampled_seconds : 0;
        average[at] = average_seconds;
        start[at] = start_seconds;
        reach[at] = to_start;
        end[at] = to_end;
        factor[at] = whole;
        rate_factor[at] = whole / range_seconds;
    }
}

}  // namespace

Extrapolation::Extrapolation(const Windows& windows)
    : range_seconds_(seconds(windows.first_end - windows.first_start)), count_(windows.steps()) {
    if (windows.times.empty()) return;
    values_ = std::make_unique_for_overwrite<double[]>(7 * count_);
    const auto column = [&](std::size_t number) { return values_.get() + number * count_; };
    extrapolate({windows.times.data(), windows.begins.data(), windows.ends.data(),
                 windows.first_start, windows.first_end, windows.step, range_seconds_},
                count_,
                {column(0), column(1), column(2), column(3), column(4), column(5), column(6)});
}

}  // namespace inferscope::promql
