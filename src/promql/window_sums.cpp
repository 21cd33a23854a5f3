// SPDX-License-Identifier: Apache-2.0
// Sums, averages and trends over windows: each afresh from its first sample on, since a sum that
// slides along by subtracting keeps other bits.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/vector_clones.h"
#include "promql/kahan.h"
#include "promql/window_kernels.h"

namespace inferscope::promql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Values = std::span<const double>;

/// The sum divided by the count; where the sum would overflow, from there on the mean is moved.
double average_of_sum(Values in) {
    using Sum = KahanSum<Dialect::prometheus3>;
    Sum sum{.sum = in.front()};
    std::size_t i = 1;
    for (; i < in.size(); ++i) {
        Sum next = sum;
        next.add(in[i]);
        if (is_infinite(next.sum)) break;
        sum = next;
    }
    const auto taken = static_cast<double>(i);
    if (i == in.size()) return sum.sum / taken + sum.lost / taken;
    Sum mean{sum.sum / taken, sum.lost / taken};
    for (; i < in.size(); ++i) {
        const auto count = static_cast<double>(i + 1);
        const double share = (count - 1) / count;
        mean = {share * mean.sum, share * mean.lost};
        mean.add(in[i] / count);
    }
    return mean.total();
}

/// The mean, moved by each value; an infinite one stays unless an opposite one or a NaN comes.
double moving_average(Values in) {
    KahanSum<Dialect::prometheus2> mean;
    double count = 0;
    for (const double value : in) {
        ++count;
        if (is_infinite(mean.sum)) {
            const bool is_same = is_infinite(value) && (mean.sum > 0) == (value > 0);
            const bool is_finite = !is_infinite(value) && !std::isnan(value);
            if (is_same || is_finite) continue;
        }
        mean.add(value / count - mean.sum / count);
    }
    return is_infinite(mean.sum) ? mean.sum : mean.total();
}

/// Welford's method.
template <Dialect kDialect>
double variance(Values in) {
    KahanSum<kDialect> mean;
    KahanSum<kDialect> squares;
    double count = 0;
    for (const double value : in) {
        ++count;
        const double difference = value - mean.total();
        mean.add(difference / count);
        squares.add(difference * (value - mean.total()));
    }
    return squares.total() / count;
}

struct Line {
    double slope = 0;
    double intercept = 0;
};

constexpr std::size_t kLanes = 8;
using Many = double __attribute__((vector_size(kLanes * sizeof(double))));
using ManyBits = std::int64_t __attribute__((vector_size(kLanes * sizeof(double))));
using Places = std::uint32_t __attribute__((vector_size(kLanes * sizeof(std::uint32_t))));

/// KahanSum, many at once.
struct ManySums {
    Many sum;
    Many lost;
};

/// Lanes that aren't `taken` (all bits or none) stay as they are.
template <Dialect kDialect>
[[gnu::always_inline]] inline void add(ManySums& sums, const Many& value, const ManyBits& taken) {
    constexpr auto kMagnitude = std::numeric_limits<std::int64_t>::max();  // all but the sign
    const Many total = sums.sum + value;
    const ManyBits keeps_sum =
        Many(ManyBits(sums.sum) & kMagnitude) >= Many(ManyBits(value) & kMagnitude);
    const Many larger = keeps_sum ? sums.sum : value;
    const Many smaller = keeps_sum ? value : sums.sum;
    Many lost = sums.lost + ((larger - total) + smaller);
    if constexpr (kDialect == Dialect::prometheus3) {
        const Many most = Many{} + std::numeric_limits<double>::max();
        lost = Many(ManyBits(total) & kMagnitude) > most ? Many{} : lost;
    }
    sums.sum = taken ? total : sums.sum;
    sums.lost = taken ? lost : sums.lost;
}

/// Windows whose lines are wanted, all of the same samples; each in a lane.
struct LineWindows {
    const double* values = nullptr;
    const Timestamp* times = nullptr;
    Places begins{};
    Places ends{};
    ManyBits zeros{};  ///< x: seconds from these times
    std::array<std::size_t, kLanes> steps{};
    std::size_t count = 0;  ///< lanes in use; the others are like the first
};

struct LineSums {
    Many x;
    Many y;
    Many xy;
    Many xx;
};

/// What stands at these places.
template <class Vector, class Element>
[[gnu::always_inline]] inline void gather(const Element* all, const Places& at, Vector& found) {
    static_assert(kLanes == 8);
    found = Vector{all[at[0]], all[at[1]], all[at[2]], all[at[3]],
                   all[at[4]], all[at[5]], all[at[6]], all[at[7]]};
}

template <Dialect kDialect>
[[gnu::always_inline]] inline void add_up(const LineWindows& windows, LineSums& sums) {
    const Places sizes = windows.ends - windows.begins;
    std::uint32_t longest = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) longest = std::max(longest, sizes[lane]);
    ManySums xs{}, ys{}, xys{}, xxs{};
    for (std::uint32_t i = 0; i < longest; ++i) {
        const auto is_inside = i < sizes;
        const Places at = is_inside ? windows.begins + i : windows.begins;
        const ManyBits taken = __builtin_convertvector(is_inside, ManyBits);
        ManyBits times;
        Many y;
        gather(windows.times, at, times);
        gather(windows.values, at, y);
        const Many x = __builtin_convertvector(times - windows.zeros, Many) / 1e3;
        const Many xy = x * y;
        const Many xx = x * x;
        add<kDialect>(xs, x, taken);
        add<kDialect>(ys, y, taken);
        add<kDialect>(xys, xy, taken);
        add<kDialect>(xxs, xx, taken);
    }
    sums = {xs.sum + xs.lost, ys.sum + ys.lost, xys.sum + xys.lost, xxs.sum + xxs.lost};
}

INFERSCOPE_VECTOR_CLONES
void line_sums_2(const LineWindows& windows, LineSums& sums) {
    add_up<Dialect::prometheus2>(windows, sums);
}
INFERSCOPE_VECTOR_CLONES
void line_sums_3(const LineWindows& windows, LineSums& sums) {
    add_up<Dialect::prometheus3>(windows, sums);
}

/// Least squares; `intercept` is the line's height at x = 0.
Line line_of(const LineSums& sums, std::size_t lane, double n) {
    const double x = sums.x[lane];
    const double y = sums.y[lane];
    const double covariance = sums.xy[lane] - x * y / n;
    const double x_variance = sums.xx[lane] - x * x / n;
    const double slope = covariance / x_variance;
    return {slope, y / n - slope * x / n};
}

/// Where each run of equal values begins: windows inside of one have a flat line, found without
/// sums.
class EqualRuns {
public:
    explicit EqualRuns(const Windows& windows) : used_(windows), run_begins_(used_.size()) {
        std::uint32_t run_begin = used_.begin;
        for (std::uint32_t i = used_.begin; i < used_.end; ++i) {
            if (i > used_.begin && !(windows.values[i] == windows.values[i - 1])) run_begin = i;
            run_begins_[i - used_.begin] = run_begin;
        }
    }
    [[nodiscard]] bool is_flat(std::size_t begin, std::size_t end) const {
        return run_begins_[end - 1 - used_.begin] <= begin;
    }

private:
    UsedSamples used_;
    std::vector<std::uint32_t> run_begins_;
};

/// The lines of windows with two samples or more, many at a time. `zero_of(begin, at)` says where
/// the intercept is wanted, `read(line, at)` what of the line.
template <Dialect kDialect, typename ZeroOf, typename Read>
class Lines {
public:
    Lines(const Windows& windows, std::span<double> out, ZeroOf zero_of, Read read)
        : windows_(windows), out_(out), zero_of_(zero_of), read_(read), runs_(windows) {
        many_.values = windows.values.data();
        many_.times = windows.times.data();
    }

    void find() {
        for (std::size_t at = 0; at < out_.size(); ++at) {
            const auto begin = windows_.begins[at];
            const auto end = windows_.ends[at];
            if (end < begin + 2) {
                out_[at] = kAbsent;
            } else if (runs_.is_flat(begin, end)) {
                const auto height = windows_.values[begin];
                out_[at] = read_(is_infinite(height) ? Line{kNaN, kNaN} : Line{0, height}, at);
            } else {
                want(begin, end, at);
            }
        }
        regress();
    }

private:
    void want(std::uint32_t begin, std::uint32_t end, std::size_t at) {
        const auto first_lane = many_.count;
        const auto last_lane = many_.count == 0 ? kLanes : many_.count + 1;
        for (auto lane = first_lane; lane < last_lane; ++lane) {
            many_.begins[lane] = begin;
            many_.ends[lane] = end;
            many_.zeros[lane] = zero_of_(begin, at);
            many_.steps[lane] = at;
        }
        if (++many_.count == kLanes) regress();
    }
    void regress() {
        if (many_.count == 0) return;
        LineSums sums;
        kDialect == Dialect::prometheus2 ? line_sums_2(many_, sums) : line_sums_3(many_, sums);
        for (std::size_t lane = 0; lane < many_.count; ++lane) {
            const auto n = static_cast<double>(many_.ends[lane] - many_.begins[lane]);
            const auto at = many_.steps[lane];
            out_[at] = read_(line_of(sums, lane, n), at);
        }
        many_.count = 0;
    }

    const Windows& windows_;
    std::span<double> out_;
    ZeroOf zero_of_;
    Read read_;
    EqualRuns runs_;
    LineWindows many_;
};

template <Dialect kDialect, typename ZeroOf, typename Read>
void find_lines(const Windows& windows, std::span<double> out, ZeroOf zero_of, Read read) {
    Lines<kDialect, ZeroOf, Read>(windows, out, zero_of, read).find();
}

double smooth(Values in, double smoothing, double trend_factor) {
    double before = 0;
    double level = in[0];
    double trend = in[1] - in[0];
    for (std::size_t i = 1; i < in.size(); ++i) {
        const double raw = smoothing * in[i];
        if (i > 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
        before = level;
        level = raw + (1 - smoothing) * (level + trend);
    }
    return level;
}

}  // namespace

void sum_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    for_each_window<1>(windows, out, [](Values in, std::uint32_t, std::size_t) {
        KahanSum<Dialect::prometheus2> sum;  // both dialects give the same
        for (const double value : in) sum.add(value);
        return is_infinite(sum.sum) ? sum.sum : sum.total();
    });
}

template <Dialect kDialect>
void avg_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                   std::span<double> out) {
    for_each_window<1>(windows, out, [](Values in, std::uint32_t, std::size_t) {
        return kDialect == Dialect::prometheus2 ? moving_average(in) : average_of_sum(in);
    });
}

template <Dialect kDialect>
void stddev_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                      std::span<double> out) {
    for_each_window<1>(windows, out, [](Values in, std::uint32_t, std::size_t) {
        return std::sqrt(variance<kDialect>(in));
    });
}

template <Dialect kDialect>
void stdvar_over_time(const Windows& windows, const WindowParameters& /*parameters*/,
                      std::span<double> out) {
    for_each_window<1>(
        windows, out, [](Values in, std::uint32_t, std::size_t) { return variance<kDialect>(in); });
}

template <Dialect kDialect>
void deriv(const Windows& windows, const WindowParameters& /*parameters*/, std::span<double> out) {
    const auto zero_of = [&](std::uint32_t begin, std::size_t) { return windows.times[begin]; };
    const auto slope_of = [](const Line& line, std::size_t) { return line.slope; };
    find_lines<kDialect>(windows, out, zero_of, slope_of);
}

template <Dialect kDialect>
void predict_linear(const Windows& windows, const WindowParameters& parameters,
                    std::span<double> out) {
    const auto zero_of = [&](std::size_t, std::size_t at) { return windows.time(at); };
    const auto height_of = [&](const Line& line, std::size_t at) {
        return line.slope * parameters.first[at] + line.intercept;
    };
    find_lines<kDialect>(windows, out, zero_of, height_of);
}

template void avg_over_time<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                                  std::span<double>);
template void avg_over_time<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                                  std::span<double>);
template void stddev_over_time<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                                     std::span<double>);
template void stddev_over_time<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                                     std::span<double>);
template void stdvar_over_time<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                                     std::span<double>);
template void stdvar_over_time<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                                     std::span<double>);
template void deriv<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                          std::span<double>);
template void deriv<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                          std::span<double>);
template void predict_linear<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                                   std::span<double>);
template void predict_linear<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                                   std::span<double>);

void double_exponential_smoothing(const Windows& windows, const WindowParameters& parameters,
                                  std::span<double> out) {
    for_each_window<2>(windows, out, [&](Values in, std::size_t, std::size_t at) {
        return smooth(in, parameters.first[at], parameters.second[at]);
    });
}

}  // namespace inferscope::promql
