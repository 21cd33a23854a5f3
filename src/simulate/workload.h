// SPDX-License-Identifier: Apache-2.0
// Who asks, when, and for how much: arrivals as a Poisson process whose rate may move in waves and
// bursts, and lengths of prompts and answers. Deterministic for a seed.
#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "base/time.h"

namespace inferscope::simulate {

/// Lognormal, in tokens, cut to [minimum, maximum].
struct LengthDistribution {
    double median = 400;
    double sigma = 0.8;  ///< of the logarithm; 0: always the median
    int minimum = 1;
    int maximum = 8192;
};

struct WorkloadSettings {
    double requests_per_second = 2;  ///< mean, bursts left out; 0: nobody asks
    /// The rate swings by this share of itself (0..1) around its mean, once in each period.
    double wave_depth = 0.5;
    Nanos wave_period = std::chrono::minutes(10);
    /// The rate times `burst_factor` (>= 1) for `burst_length` at the end of every `burst_period`;
    /// a period of zero: no bursts.
    double burst_factor = 1;
    Nanos burst_length{0};
    Nanos burst_period{0};
    LengthDistribution prompt{.median = 400, .sigma = 0.8, .minimum = 8, .maximum = 8192};
    LengthDistribution output{.median = 150, .sigma = 0.7, .minimum = 1, .maximum = 2048};
    int max_tokens = 512;  ///< what clients ask for at most: a longer answer ends with "length"
    double cached_prompt_share =
        0.4;  ///< of requests, those whose prompt's beginning is in the prefix cache
    double aborted_share =
        0.01;  ///< of requests, those whose client leaves in the middle of the answer
    double streamed_share = 0.7;
};

/// One request as its client sends it.
struct Arrival {
    int prompt_tokens = 1;
    int cached_tokens =
        0;  ///< of the prompt, found in the prefix cache; not yet cut to whole blocks
    int max_tokens = 1;
    int output_tokens = 1;  ///< the answer's own length; `max_tokens` cuts it
    int abort_after = 0;    ///< tokens after which the client leaves; 0: stays
    bool streamed = true;
};

/// Random numbers that are the same on every machine for the same seed (the standard library's
/// distributions are not). Confined to one thread.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    /// In [0, 1).
    double uniform();
    double exponential(double rate);
    double normal();
    int length(const LengthDistribution& distribution);
    bool happens(double probability) { return uniform() < probability; }

private:
    std::mt19937_64 engine_;
};

/// Confined to one thread.
class Workload {
public:
    Workload(WorkloadSettings settings, std::uint64_t seed);

    /// The time of the next arrival after `after`; nothing when nobody ever asks.
    std::optional<Nanos> next_time(Nanos after);
    Arrival next_request();
    /// Requests per second at `at`.
    [[nodiscard]] double rate(Nanos at) const;

private:
    WorkloadSettings settings_;
    Random random_;
};

}  // namespace inferscope::simulate
