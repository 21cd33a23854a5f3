// SPDX-License-Identifier: Apache-2.0
// One sample of each window: the first, the last, the smallest, the largest; and quantiles. What is
// found for one window helps with the next: a queue of candidates, a sorted list.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "promql/quantile.h"
#include "promql/window_kernels.h"

namespace inferscope::promql {
namespace {

using Values = std::span<const double>;

double to_seconds(Timestamp millis) { return static_cast<double>(millis) / 1000; }

/// The samples that may yet be the best of a window: each is better than all behind it. NaNs are
/// never among them.
template <typename IsBetter>
class Candidates {
public:
    explicit Candidates(const Windows& windows) : values_(windows.values) {
        queue_.reserve(UsedSamples(windows).size());
    }

    /// The best of [begin, end); `end` itself if there are but NaNs.
    std::size_t best(std::uint32_t begin, std::uint32_t end) {
        next_ = std::max(next_, begin);
        for (; next_ < end; ++next_) {
            const double value = values_[next_];
            if (std::isnan(value)) continue;
            while (queue_.size() > front_ && IsBetter{}(value, values_[queue_.back()])) {
                queue_.pop_back();
            }
            queue_.push_back(next_);
        }
        while (front_ < queue_.size() && queue_[front_] < begin) ++front_;
        return front_ < queue_.size() ? queue_[front_] : end;
    }

private:
    Values values_;
    std::vector<std::uint32_t> queue_;
    std::size_t front_ = 0;  // what is before it has left the windows
    std::uint32_t next_ = 0;
};

/// Of equal ones `IsBetter` decides between the first (<) and the last (<=). NaN if all are.
template <typename IsBetter>
void best_value(const Windows& windows, std::span<double> out) {
    Candidates<IsBetter> candidates(windows);
    for_each_window<1>(windows, out, [&](Values in, std::uint32_t begin, std::size_t at) {
        const auto best = candidates.best(begin, windows.ends[at]);
        return best == windows.ends[at] ? in.back() : windows.values[best];
    });
}

template <typename IsBetter>
void best_time(const Windows& windows, std::span<double> out) {
    Candidates<IsBetter> candidates(windows);
    for_each_window<1>(windows, out, [&](Values, std::uint32_t begin, std::size_t at) {
        const std::size_t end = windows.ends[at];
        return to_seconds(
            windows.times[std::min(candidates.best(begin, windows.ends[at]), end - 1)]);
    });
}

/// A window's values in order, NaNs first.
class SortedWindow {
public:
    explicit SortedWindow(Values values) : values_(values) {}

    Values slide_to(std::uint32_t begin, std::uint32_t end) {
        const std::size_t leaving = std::min(begin, end_) - std::min(begin_, end_);
        const std::size_t coming = end - std::max(begin, end_);
        if ((leaving + coming) * 2 > end - begin) {
            sorted_.assign(values_.begin() + begin, values_.begin() + end);
            std::ranges::sort(sorted_, nan_first_less);
        } else {
            for (auto i = begin_; i < begin; ++i) sorted_.erase(place(values_[i]));
            for (auto i = end_; i < end; ++i) sorted_.insert(place(values_[i]), values_[i]);
        }
        begin_ = begin;
        end_ = end;
        return sorted_;
    }

private:
    std::vector<double>::iterator place(double value) {
        return std::ranges::lower_bound(sorted_, value, nan_first_less);
    }

    Values values_;
    std::vector<double> sorted_;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
};

double median_deviation(Values in, std::vector<double>& buffer) {
    if (std::ranges::any_of(in, [](double value) { return std::isnan(value); })) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    buffer.assign(in.begin(), in.end());
    const double median = quantile_of(0.5, buffer);
    for (double& value : buffer) value = std::fabs(value - median);
    return quantile_of(0.5, buffer);
}

}  // namespace

void count_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                     std::span<double> out) {
    for_each_window<1>(windows, out, [](Values in, std::uint32_t, std::size_t) {
        return static_cast<double>(in.size());
    });
}

void present_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                       std::span<double> out) {
    for_each_window<1>(windows, out, [](Values, std::uint32_t, std::size_t) { return 1.0; });
}

void first_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                     std::span<double> out) {
    for_each_window<1>(windows, out,
                       [](Values in, std::uint32_t, std::size_t) { return in.front(); });
}

void last_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                    std::span<double> out) {
    for_each_window<1>(windows, out,
                       [](Values in, std::uint32_t, std::size_t) { return in.back(); });
}

void max_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    best_value<std::greater<>>(windows, out);
}

void min_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    best_value<std::less<>>(windows, out);
}

void ts_of_first_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                           std::span<double> out) {
    for_each_window<1>(windows, out, [&](Values, std::uint32_t begin, std::size_t) {
        return to_seconds(windows.times[begin]);
    });
}

void ts_of_last_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                          std::span<double> out) {
    for_each_window<1>(windows, out, [&](Values, std::uint32_t, std::size_t at) {
        return to_seconds(windows.times[windows.ends[at] - 1]);
    });
}

void ts_of_max_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                         std::span<double> out) {
    best_time<std::greater_equal<>>(windows, out);
}

void ts_of_min_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                         std::span<double> out) {
    best_time<std::less_equal<>>(windows, out);
}

void quantile_over_time(const Windows& windows, const WindowParameters& parameters,
                        std::span<double> out) {
    SortedWindow sorted(windows.values);
    for_each_window<1>(windows, out, [&](Values, std::uint32_t begin, std::size_t at) {
        return quantile_of_sorted(parameters.first[at], sorted.slide_to(begin, windows.ends[at]));
    });
}

void mad_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    std::vector<double> buffer;
    for_each_window<1>(windows, out, [&](Values in, std::uint32_t, std::size_t) {
        return median_deviation(in, buffer);
    });
}

}  // namespace inferscope::promql
