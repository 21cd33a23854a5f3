// SPDX-License-Identifier: Apache-2.0
// Anchored and smoothed windows: instead of extrapolating, an increase is taken between the
// window's two ends. Anchored: the value at the start is that of the last sample at or before it.
// Smoothed: the values at both ends lie on the lines between the samples around them. Source:
// Prometheus 3.14, promql/functions.go (extendedRate, pickFirstSampleIndices).
#include <algorithm>

#include "promql/window_kernels.h"

namespace inferscope::promql {
namespace {

enum class Ends : std::uint8_t { anchored, smoothed };
enum class Kind : std::uint8_t { counter, gauge };

/// One window with the samples around it.
struct Reach {
    std::span<const Timestamp> times;
    std::span<const double> values;
    Timestamp start = 0;
    Timestamp end = 0;
};

/// Between samples `i` and `i + 1`. A counter that falls has risen from 0.
double interpolate(const Reach& reach, std::size_t i, Timestamp time, Kind kind) {
    double from = reach.values[i];
    const double to = reach.values[i + 1];
    if (kind == Kind::counter && to < from) from = 0;
    return from + (to - from) * static_cast<double>(time - reach.times[i]) /
                      static_cast<double>(reach.times[i + 1] - reach.times[i]);
}

/// The values before resets, from `left` over samples [first, last] to `right`.
double before_resets(double left, std::span<const double> between, double right) {
    double sum = 0;
    double previous = left;
    for (const double value : between) {
        if (value < previous) sum += previous;
        previous = value;
    }
    if (right < previous) sum += previous;
    return sum;
}

/// The last sample at or before the start, if there is one, else the first one.
std::size_t first_sample(const Reach& reach) {
    const auto before_last = reach.times.first(reach.times.size() - 1);
    const auto behind = std::ranges::upper_bound(before_last, reach.start) - before_last.begin();
    return behind == 0 ? 0 : static_cast<std::size_t>(behind - 1);
}

/// The first sample at or behind the end, if there is one, else the last one.
std::size_t last_smoothed_sample(const Reach& reach) {
    const auto before_last = reach.times.first(reach.times.size() - 1);
    return static_cast<std::size_t>(std::ranges::lower_bound(before_last, reach.end) -
                                    before_last.begin());
}

template <Ends kEnds, Kind kKind>
double increase_between_ends(const Reach& reach) {
    constexpr bool kIsSmoothed = kEnds == Ends::smoothed;
    std::size_t first = first_sample(reach);
    const std::size_t last = kIsSmoothed ? last_smoothed_sample(reach) : reach.times.size() - 1;
    if (reach.times[last] <= reach.start) return kAbsent;
    if (kIsSmoothed && reach.times[first] > reach.end) return kAbsent;
    const double left = kIsSmoothed && reach.times[first] < reach.start
                            ? interpolate(reach, first, reach.start, kKind)
                            : reach.values[first];
    const double right = kIsSmoothed && last > 0 && reach.times[last] > reach.end
                             ? interpolate(reach, last - 1, reach.end, kKind)
                             : reach.values[last];
    const double increase = right - left;
    if (kKind == Kind::gauge) return increase;
    if (reach.times[first] <= reach.start) ++first;  // what `left` stands for
    const std::size_t end = reach.times[last] >= reach.end ? last : last + 1;  // `right`, likewise
    return increase +
           before_resets(left, reach.values.subspan(first, std::max(first, end) - first), right);
}

Reach reach_of(const Windows& windows, std::size_t at) {
    const std::uint32_t begin = windows.begins[at];
    const std::uint32_t count = windows.ends[at] - begin;
    return {windows.times.subspan(begin, count), windows.values.subspan(begin, count),
            windows.start(at), windows.end(at)};
}

template <Ends kEnds, Kind kKind>
void fill(const Windows& windows, std::span<double> out) {
    for_each_window<1>(windows, out, [&](std::span<const double>, std::uint32_t, std::size_t at) {
        return increase_between_ends<kEnds, kKind>(reach_of(windows, at));
    });
}

template <Ends kEnds>
void fill_rate(const Windows& windows, std::span<double> out) {
    fill<kEnds, Kind::counter>(windows, out);
    const double range_seconds = seconds(windows.first_end - windows.first_start);
    for (double& value : out) {
        if (is_present(value)) value /= range_seconds;
    }
}

/// Counts over the samples from the anchor on; absent if none lies behind the window's start.
template <typename IsEvent>
void count_anchored(const Windows& windows, std::span<double> out, IsEvent is_event) {
    for_each_window<1>(windows, out, [&](std::span<const double>, std::uint32_t, std::size_t at) {
        const Reach reach = reach_of(windows, at);
        if (reach.times.back() <= reach.start) return kAbsent;
        double count = 0;
        for (std::size_t i = first_sample(reach) + 1; i < reach.values.size(); ++i) {
            if (is_event(reach.values[i - 1], reach.values[i])) ++count;
        }
        return count;
    });
}

}  // namespace

void anchored_rate(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    fill_rate<Ends::anchored>(windows, out);
}

void anchored_increase(const Windows& windows, const WindowParameters& /*parameters*/,
                       std::span<double> out) {
    fill<Ends::anchored, Kind::counter>(windows, out);
}

void anchored_delta(const Windows& windows, const WindowParameters& /*parameters*/,
                    std::span<double> out) {
    fill<Ends::anchored, Kind::gauge>(windows, out);
}

void anchored_changes(const Windows& windows, const WindowParameters& /*parameters*/,
                      std::span<double> out) {
    count_anchored(windows, out, is_change);
}

void anchored_resets(const Windows& windows, const WindowParameters& /*parameters*/,
                     std::span<double> out) {
    count_anchored(windows, out, is_reset);
}

void smoothed_rate(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    fill_rate<Ends::smoothed>(windows, out);
}

void smoothed_increase(const Windows& windows, const WindowParameters& /*parameters*/,
                       std::span<double> out) {
    fill<Ends::smoothed, Kind::counter>(windows, out);
}

void smoothed_delta(const Windows& windows, const WindowParameters& /*parameters*/,
                    std::span<double> out) {
    fill<Ends::smoothed, Kind::gauge>(windows, out);
}

}  // namespace inferscope::promql
