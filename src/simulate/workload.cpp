// SPDX-License-Identifier: Apache-2.0
#include "simulate/workload.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace inferscope::simulate {
namespace {

/// Requests per second (one in twelve days) below which nobody asks: gaps stay far from what
/// nanoseconds hold.
constexpr double kNever = 1e-6;

}  // namespace

double Random::uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

double Random::exponential(double rate) { return -std::log1p(-uniform()) / rate; }

double Random::normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
}

int Random::length(const LengthDistribution& distribution) {
    const double tokens = distribution.median * std::exp(distribution.sigma * normal());
    return static_cast<int>(
        std::lround(std::clamp(tokens, static_cast<double>(distribution.minimum),
                               static_cast<double>(distribution.maximum))));
}

Workload::Workload(WorkloadSettings settings, std::uint64_t seed)
    : settings_(settings), random_(seed) {}

double Workload::rate(Nanos at) const {
    double rate = settings_.requests_per_second;
    if (settings_.wave_period > Nanos::zero()) {
        const double turns = to_seconds(at) / to_seconds(settings_.wave_period);
        rate *= 1 + settings_.wave_depth * std::sin(2 * std::numbers::pi * turns);
    }
    if (settings_.burst_period > Nanos::zero()) {
        const bool bursting =
            at % settings_.burst_period >= settings_.burst_period - settings_.burst_length;
        if (bursting) rate *= settings_.burst_factor;
    }
    return rate;
}

std::optional<Nanos> Workload::next_time(Nanos after) {
    // Thinning (Lewis and Shedler, 1979): candidates at the highest rate, each kept with
    // probability rate/highest.
    const double highest = settings_.requests_per_second * (1 + settings_.wave_depth) *
                           std::max(1.0, settings_.burst_factor);
    if (highest < kNever) return std::nullopt;
    Nanos at = after;
    do {
        at += std::chrono::duration_cast<Nanos>(
            std::chrono::duration<double>(random_.exponential(highest)));
    } while (!random_.happens(rate(at) / highest));
    return at;
}

Arrival Workload::next_request() {
    Arrival request;
    request.prompt_tokens = random_.length(settings_.prompt);
    request.output_tokens = random_.length(settings_.output);
    request.max_tokens = settings_.max_tokens;
    request.streamed = random_.happens(settings_.streamed_share);
    if (random_.happens(settings_.cached_prompt_share)) {
        request.cached_tokens =
            static_cast<int>(request.prompt_tokens * (0.3 + 0.6 * random_.uniform()));
    }
    if (random_.happens(settings_.aborted_share)) {
        const int answer = std::min(request.max_tokens, request.output_tokens);
        request.abort_after = 1 + static_cast<int>(random_.uniform() * answer);
    }
    return request;
}

}  // namespace inferscope::simulate
