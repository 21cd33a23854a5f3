// SPDX-License-Identifier: Apache-2.0
// What a fleet of vLLM V1 engines answers to scrapes: for benches of stores, remote write, queries.
// Each engine is played step by step (continuous batching, chunked prefill), and its numbers are
// made with the arithmetic of vLLM and its Python client, so that they're as hard to compress:
// - sums add differences of time.time() (2^-22 s at today's dates) or of time.monotonic(), in
//   floating point, and TPOT divides; KV usage is 1 - free / total; CPU time adds two quotients;
// - a decoding request observes one inter-token latency in each step;
// - queue, prefill, decode, e2e and http times of a request are parts of one history.
// Load differs by engine (busy, moderate, idle), changes over the day and has bursts.
// Deterministic: the same seed and engine give the same rows on one machine.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "telemetry/labels.h"

namespace inferscope::bench {

/// A cumulative histogram as prometheus_client keeps it.
struct LlmHistogram {
    explicit LlmHistogram(std::span<const double> upper_bounds)
        : bounds(upper_bounds), counts(upper_bounds.size() + 1) {}
    void observe(double value, std::uint64_t times = 1);

    std::span<const double> bounds;     ///< rising, +Inf left out
    std::vector<std::uint64_t> counts;  ///< by bucket, not cumulative; the last one is +Inf
    double sum = 0;
};

/// One target: its label sets, in page order, and its rows.
class LlmEngine {
public:
    /// `interval`: between scrapes, ms. Rows start at `start`, ms since 1970.
    LlmEngine(std::uint64_t seed, int index, Timestamp start, Timestamp interval = 15'000);

    /// The label sets of all columns; the same for the engine's whole life.
    [[nodiscard]] std::vector<Labels> labels() const;
    /// Plays until the next scrape. Returns its time: the planned one, at times 1 to 2 ms late.
    Timestamp next_row(std::vector<double>& values);
    /// When the next row is due.
    [[nodiscard]] Timestamp planned_time() const { return row_time_; }

private:
    struct Request {
        double wall_arrival, queued, scheduled, first_token, last_token;  // seconds
        std::uint32_t prompt, cached, output, max_tokens;                 // tokens
        std::uint32_t left_to_prefill, generated;
        bool stopped;  ///< by a stop word; else by length
    };
    struct Counters {
        std::uint64_t prefix_queries = 0, prefix_hits = 0, prompt = 0, cached = 0, generated = 0;
        std::uint64_t stop = 0, length = 0, abort = 0, collections = 0, collected = 0, health = 0;
        double request_bytes = 0, response_bytes = 0;
    };

    void play_until(double now);
    void arrive();
    void schedule();
    void step();
    void finish(const Request& request);
    [[nodiscard]] double arrival_rate() const;
    double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
    double lognormal(double median, double sigma);
    /// As two readings of time.perf_counter() give it.
    [[nodiscard]] double timed(double seconds) const;
    template <class Emit>
    void each_series(Emit&& emit) const;
    template <class Emit>
    void each_latency(Emit&& emit) const;
    template <class Emit>
    void each_process_series(Emit&& emit) const;
    template <class Emit>
    void each_http_series(Emit&& emit) const;

    std::mt19937_64 random_;
    int index_;
    Timestamp row_time_, interval_;
    double start_wall_, start_monotonic_;  // seconds; what now_ = 0 is on both clocks
    double now_ = 0, next_arrival_ = 0, burst_until_ = 0;
    double rate_, batch_cost_, prompt_median_, output_median_;
    std::uint32_t kv_blocks_, used_blocks_ = 0;
    std::deque<Request> waiting_;
    std::vector<Request> running_;
    std::uint64_t user_ticks_ = 3912, system_ticks_ = 811, resident_pages_ = 1'424'075;
    double cpu_debt_ = 0;
    Counters counters_;
    LlmHistogram prompt_tokens_, output_tokens_, iteration_tokens_, n_, max_tokens_;
    LlmHistogram computed_tokens_, ttft_, itl_, tpot_, e2e_, queue_, inference_, prefill_, decode_;
    LlmHistogram http_fine_, http_chat_, http_health_;
};

}  // namespace inferscope::bench
