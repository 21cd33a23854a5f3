// SPDX-License-Identifier: Apache-2.0
// rate, increase, delta and their like. An increase is last - first, plus the values before resets,
// in order: never a running sum, so that each window gives the bits that it would give alone.
#include <optional>
#include <vector>

#include "promql/window_kernels.h"

namespace inferscope::promql {
namespace {

/// Where values fall, found once for each column: a window without a reset costs nothing more.
class Resets {
public:
    explicit Resets(const Windows& windows) : values_(windows.values) {
        if (windows.never_falls) return;
        const UsedSamples used(windows);
        std::size_t count = 0;  // mostly it stays so, and counting goes many at a time
        for (std::size_t i = used.begin + 1; i < used.end; ++i)
            count += values_[i] < values_[i - 1];
        if (count == 0) return;
        at_.reserve(count);
        for (std::uint32_t i = used.begin + 1; i < used.end; ++i) {
            if (values_[i] < values_[i - 1]) at_.push_back(i);
        }
    }

    /// `increase` and the values before the resets behind sample `begin`. Begins don't fall from
    /// call to call.
    double add(double increase, std::uint32_t begin, std::uint32_t end) {
        while (next_ < at_.size() && at_[next_] <= begin) ++next_;
        for (std::size_t i = next_; i < at_.size() && at_[i] < end; ++i) {
            increase += values_[at_[i] - 1];
        }
        return increase;
    }

private:
    std::span<const double> values_;
    std::vector<std::uint32_t> at_;
    std::size_t next_ = 0;
};

/// How far back a counter's zero point may matter.
template <Dialect kDialect>
double farthest_reach(const Extrapolation::Step& step) {
    return kDialect == Dialect::prometheus2 ? step.start_seconds : step.reach_seconds;
}

/// True if the counter, going back from `first` as steeply as in the window, is surely above zero
/// as far back as it matters. False if only a division can tell.
template <Dialect kDialect>
bool stays_positive(const Extrapolation::Step& step, double first, double increase) {
    constexpr double kRounding = 1.000000001;
    constexpr double kNotDenormal = 1e-280;
    const double height = step.sampled_seconds * first;
    return height > farthest_reach<kDialect>(step) * increase * kRounding && height > kNotDenormal;
}

/// How far the increase reaches before the first sample: a counter doesn't start below zero.
template <Dialect kDialect>
double reach_of_counter(const Extrapolation::Step& step, double first, double increase) {
    const double to_zero = step.sampled_seconds * (first / increase);
    if (!(to_zero < farthest_reach<kDialect>(step))) return step.reach_seconds;
    const bool is_near = kDialect == Dialect::prometheus3 || to_zero < step.far_seconds();
    return is_near ? to_zero : step.average_seconds / 2;
}

/// Made here unless the caller has made it for many columns.
class Extrapolated {
public:
    explicit Extrapolated(const Windows& windows) {
        if (windows.extrapolation == nullptr) own_.emplace(windows);
        used_ = own_ ? &*own_ : windows.extrapolation;
    }
    const Extrapolation& operator*() const { return *used_; }

private:
    std::optional<Extrapolation> own_;
    const Extrapolation* used_ = nullptr;
};

template <Dialect kDialect, bool kIsRate>
void extrapolate_counter(const Windows& windows, std::span<double> out) {
    const Extrapolated made(windows);
    const Extrapolation& extrapolation = *made;
    Resets resets(windows);
    for (std::size_t at = 0; at < out.size(); ++at) {
        const Extrapolation::Step step = extrapolation[at];
        if (step.sampled_seconds == 0) {
            out[at] = kAbsent;
            continue;
        }
        const std::uint32_t begin = windows.begins[at];
        const std::uint32_t end = windows.ends[at];
        const double first = windows.values[begin];
        const double increase = resets.add(windows.values[end - 1] - first, begin, end);
        double factor = kIsRate ? step.rate_factor : step.factor;
        if (increase > 0 && first >= 0 && !stays_positive<kDialect>(step, first, increase)) {
            factor = step.factor_from(reach_of_counter<kDialect>(step, first, increase));
            if (kIsRate) factor /= extrapolation.range_seconds();
        }
        out[at] = increase * factor;
    }
}

double per_second(double difference, Timestamp millis) {
    return difference / (static_cast<double>(millis) / 1000);
}

/// How many of a window's samples, but the first, `is_event` says of: it and the one before.
template <typename IsEvent>
void count_events(const Windows& windows, std::span<double> out, IsEvent is_event) {
    const UsedSamples used(windows);
    const auto values = windows.values.subspan(used.begin, used.size());
    std::vector<std::uint32_t> before(values.size());  // events up to and with each sample
    for (std::size_t i = 1; i < values.size(); ++i) {
        before[i] = before[i - 1] + static_cast<std::uint32_t>(is_event(values[i - 1], values[i]));
    }
    for_each_window<1>(
        windows, out, [&](std::span<const double> in, std::uint32_t begin, std::size_t) {
            const std::size_t first = begin - used.begin;
            return static_cast<double>(before[first + in.size() - 1] - before[first]);
        });
}

}  // namespace

template <Dialect kDialect>
void rate(const Windows& windows, const WindowParameters& /*parameters*/, std::span<double> out) {
    extrapolate_counter<kDialect, true>(windows, out);
}

template <Dialect kDialect>
void increase(const Windows& windows, const WindowParameters& /*parameters*/,
              std::span<double> out) {
    extrapolate_counter<kDialect, false>(windows, out);
}

template void rate<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                         std::span<double>);
template void rate<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                         std::span<double>);
template void increase<Dialect::prometheus2>(const Windows&, const WindowParameters&,
                                             std::span<double>);
template void increase<Dialect::prometheus3>(const Windows&, const WindowParameters&,
                                             std::span<double>);

void delta(const Windows& windows, const WindowParameters& /*parameters*/, std::span<double> out) {
    const Extrapolated made(windows);
    const Extrapolation& extrapolation = *made;
    for_each_window<2>(windows, out, [&](std::span<const double> in, std::size_t, std::size_t at) {
        return (in.back() - in.front()) * extrapolation[at].factor;
    });
}

void irate(const Windows& windows, const WindowParameters& /*parameters*/, std::span<double> out) {
    for_each_window<2>(windows, out,
                       [&](std::span<const double> in, std::uint32_t begin, std::size_t) {
                           const double last = in.back();
                           const double previous = in[in.size() - 2];
                           const std::size_t end = begin + in.size();
                           return per_second(last < previous ? last : last - previous,
                                             windows.times[end - 1] - windows.times[end - 2]);
                       });
}

void idelta(const Windows& windows, const WindowParameters& /*parameters*/, std::span<double> out) {
    for_each_window<2>(windows, out, [](std::span<const double> in, std::size_t, std::size_t) {
        return in.back() - in[in.size() - 2];
    });
}

void changes(const Windows& windows, const WindowParameters& /*parameters*/,
             std::span<double> out) {
    count_events(windows, out, is_change);
}

void resets(const Windows& windows, const WindowParameters& /*parameters*/, std::span<double> out) {
    count_events(windows, out, is_reset);
}

}  // namespace inferscope::promql
