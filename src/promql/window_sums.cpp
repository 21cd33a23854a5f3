// SPDX-License-Identifier: Apache-2.0
// Sums, averages and trends over windows: each afresh from its first sample on, since a sum that
// slides along by subtracting keeps other bits.
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

/// Over the samples of a window; x: seconds from `zero`.
struct LineSums {
    double x = 0;
    double y = 0;
    double xy = 0;
    double xx = 0;
};

/// Four sums at once, each with the bits of KahanSum.
template <Dialect kDialect>
[[gnu::always_inline]] inline LineSums add_up(Values in, const Timestamp* times, Timestamp zero) {
    using Four = double __attribute__((vector_size(32)));
    using Bits = std::int64_t __attribute__((vector_size(32)));
    constexpr auto kMagnitude = std::numeric_limits<std::int64_t>::max();  // all but the sign
    constexpr Four kMost = {__DBL_MAX__, __DBL_MAX__, __DBL_MAX__, __DBL_MAX__};
    Four sum{};
    Four lost{};
    for (std::size_t i = 0; i < in.size(); ++i) {
        const double x = static_cast<double>(times[i] - zero) / 1e3;
        const Four value = {x, in[i], x * in[i], x * x};
        const Four total = sum + value;
        const Bits keeps_sum = Four(Bits(sum) & kMagnitude) >= Four(Bits(value) & kMagnitude);
        const Four larger = keeps_sum ? sum : value;
        const Four smaller = keeps_sum ? value : sum;
        lost += (larger - total) + smaller;
        if constexpr (kDialect == Dialect::prometheus3)
            lost = Four(Bits(total) & kMagnitude) > kMost ? Four{} : lost;
        sum = total;
    }
    const Four all = sum + lost;
    return {all[0], all[1], all[2], all[3]};
}

INFERSCOPE_VECTOR_CLONES
LineSums line_sums_2(Values in, const Timestamp* times, Timestamp zero) {
    return add_up<Dialect::prometheus2>(in, times, zero);
}
INFERSCOPE_VECTOR_CLONES
LineSums line_sums_3(Values in, const Timestamp* times, Timestamp zero) {
    return add_up<Dialect::prometheus3>(in, times, zero);
}

/// Least squares; `intercept` is the line's height at `zero`.
template <Dialect kDialect>
Line regress(Values in, const Timestamp* times, Timestamp zero) {
    const auto sums = kDialect == Dialect::prometheus2 ? line_sums_2(in, times, zero)
                                                       : line_sums_3(in, times, zero);
    const auto n = static_cast<double>(in.size());
    const auto [x, y, xy, xx] = sums;
    const double covariance = xy - x * y / n;
    const double x_variance = xx - x * x / n;
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

/// `zero_of(begin, at)` says where the intercept is wanted, `read(line, at)` what of the line.
template <Dialect kDialect, typename ZeroOf, typename Read>
void for_each_line(const Windows& windows, std::span<double> out, ZeroOf zero_of, Read read) {
    const EqualRuns runs(windows);
    for_each_window<2>(windows, out, [&](Values in, std::uint32_t begin, std::size_t at) {
        if (runs.is_flat(begin, begin + in.size())) {
            const bool is_line = !is_infinite(in.front());
            return read(is_line ? Line{0, in.front()} : Line{kNaN, kNaN}, at);
        }
        return read(regress<kDialect>(in, windows.times.data() + begin, zero_of(begin, at)), at);
    });
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
    for_each_line<kDialect>(
        windows, out, [&](std::uint32_t begin, std::size_t) { return windows.times[begin]; },
        [](const Line& line, std::size_t) { return line.slope; });
}

template <Dialect kDialect>
void predict_linear(const Windows& windows, const WindowParameters& parameters,
                    std::span<double> out) {
    for_each_line<kDialect>(
        windows, out, [&](std::size_t, std::size_t at) { return windows.time(at); },
        [&](const Line& line, std::size_t at) {
            return line.slope * parameters.first[at] + line.intercept;
        });
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
