// SPDX-License-Identifier: Apache-2.0
// The queueing model of one engine: continuous batching over a paged KV cache, as a discrete-event
// simulation.
//
//   arrivals -> waiting queue -> [admitted: a seat in the batch, KV blocks] -> prefill in chunks ->
//   decode -> finished
//                   ^                                                                    |
//                   +---------------- preempted: blocks taken away, recomputed ----------+
//
// The engine works in steps. A step has a budget of tokens, which sequences use for their prefill
// (a chunk) or for decoding (one token); it lasts a constant plus a cost for each token. When a
// step ends, its tokens exist. Pure: time is simulated and comes from the caller. Sources: the
// scheduler of vLLM V1 (`mixed`), and those of vLLM V0 and SGLang, which let prefills go first.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "simulate/buckets.h"
#include "simulate/workload.h"

namespace inferscope::simulate {

enum class RequestId : std::uint64_t {};

enum class FinishReason : std::uint8_t { stop, length, abort };

enum class Batching : std::uint8_t {
    mixed,          ///< chunks of prefill join the decodes of one step
    prefill_first,  ///< a step prefills or decodes; while something can be prefilled nothing is
                    ///< decoded
};

/// Upper bounds of the engine's histograms; what they point to is constant.
struct BucketBounds {
    std::span<const double> ttft, itl, tpot, e2e, queue, prefill, decode, inference;  ///< seconds
    std::span<const double> prompt_tokens, uncached_prompt_tokens, output_tokens, max_tokens;
    std::span<const double> iteration_tokens;
    std::span<const double> http, http_fine;  ///< seconds
};

struct ModelSettings {
    WorkloadSettings workload;
    std::uint64_t seed = 1;
    BucketBounds bounds;
    Batching batching = Batching::mixed;
    int block_tokens = 16;
    int kv_blocks = 4096;
    int max_num_seqs = 64;
    int max_batched_tokens = 2048;  ///< budget of one step
    int max_model_len = 16384;      ///< prompt and answer together; longer ones are cut
    int max_waiting = 1000;         ///< more are refused
    Nanos step_base = std::chrono::milliseconds(8);
    Nanos step_for_decode = std::chrono::microseconds(60);  ///< for each decoding sequence
    Nanos step_for_prefill_token = std::chrono::microseconds(40);
    double step_jitter = 0.05;  ///< standard deviation of the logarithm of a step's time
    /// Gauges are written after every so many decode steps (and after each with a prefill).
    /// SGLang: 40.
    int report_every_decode_steps = 1;
    /// What throughput gauges average over.
    Nanos throughput_window = std::chrono::seconds(5);
};

/// Everything that only rises. All zero at the start.
struct Measures {
    explicit Measures(const BucketBounds& bounds);

    Buckets ttft[2], e2e[2];  ///< [1]: streamed answers, [0]: the others; so in all pairs here
    Buckets itl, tpot, queue, prefill, decode, inference;
    Buckets prompt_tokens, uncached_prompt_tokens, output_tokens, max_tokens;
    Buckets iteration_tokens;
    Buckets http, http_fine;

    std::uint64_t submitted = 0;  ///< arrivals and submit() together, refused ones left out
    std::uint64_t refused = 0;
    std::array<std::uint64_t, 3> finished{};  ///< by FinishReason; abort: those whose client left
    std::uint64_t preemptions = 0;
    std::uint64_t preempted_prompt_tokens = 0;
    std::uint64_t preempted_output_tokens = 0;
    std::uint64_t prefix_queries = 0;  ///< tokens looked up
    std::uint64_t prefix_hits = 0;     ///< tokens found
    /// Of prompts whose first token has come.
    std::uint64_t prompt_tokens_total = 0;
    std::uint64_t prompt_tokens_cached = 0;
    std::uint64_t generated_tokens = 0;  ///< all answers, those going on included
    /// Of requests that are finished, not aborted; by kind of answer.
    std::uint64_t finished_requests[2] = {};
    std::uint64_t finished_prompt_tokens[2] = {};
    std::uint64_t finished_output_tokens[2] = {};
    std::uint64_t finished_cached_tokens = 0;
    std::uint64_t prefilled_tokens = 0;  ///< computed, recomputation included
    std::uint64_t decoded_tokens = 0;
    std::uint64_t prefill_steps = 0;  ///< with at least one prefill
    std::uint64_t decode_steps = 0;
    Nanos prefill_time{0};
    Nanos decode_time{0};
    std::uint64_t request_bytes = 0;  ///< of answered HTTP requests, an estimate
    std::uint64_t response_bytes = 0;
};

/// The gauges as the engine last wrote them: they may be older than the model's state.
struct Reported {
    Nanos at{0};
    int running = 0;
    int waiting = 0;
    int used_blocks = 0;
    int evictable_blocks = 0;
    std::int64_t batch_tokens = 0;     ///< sum of the lengths of the running sequences
    double prompt_throughput = 0;      ///< tokens/s
    double generation_throughput = 0;  ///< tokens/s
    double cache_hit_ratio = 0;        ///< of the step reported: 0 after a decode step
    double busy_ratio = 0;
    std::uint64_t preempted_now = 0;
    std::uint64_t prefilled_tokens = 0, decoded_tokens = 0,
                  prefix_hits = 0;  ///< counters that wait for reports
};

/// What a request from outside gained: one token, or its end, or both.
struct Progress {
    RequestId id{};
    Nanos at{0};
    int tokens = 0;
    std::optional<FinishReason> finished;
};

/// Confined to one thread.
class QueueingModel {
public:
    explicit QueueingModel(ModelSettings settings);

    /// Plays until `to`, simulated time since the start; times before now() do nothing.
    void advance(Nanos to);
    [[nodiscard]] Nanos now() const { return now_; }
    /// When something happens next; nothing when no work is in hand and nobody will ask.
    [[nodiscard]] std::optional<Nanos> next_event() const;

    /// A request from outside, at now(). Nothing if the waiting queue is full.
    std::optional<RequestId> submit(const Arrival& request);
    /// Its client left. It goes with the end of the running step; unknown ids do nothing.
    void abort(RequestId id);
    /// What requests from outside gained since the last call, oldest first.
    std::vector<Progress> take_progress();

    /// The next step that leaves work in the batch is the last one, until false: nothing
    /// progresses, gauges stay.
    void set_hung(bool hung);
    [[nodiscard]] bool is_hung() const { return hung_; }
    /// False: arrivals of the workload turn away uncounted (a sleeping engine).
    void set_open(bool open) { open_ = open; }

    [[nodiscard]] const Measures& measures() const { return measures_; }
    [[nodiscard]] const Reported& reported() const { return reported_; }
    [[nodiscard]] const ModelSettings& settings() const { return settings_; }
    [[nodiscard]] int running() const { return static_cast<int>(running_.size()); }
    [[nodiscard]] int waiting() const { return static_cast<int>(waiting_.size()); }
    [[nodiscard]] int free_blocks() const { return free_blocks_; }
    /// Blocks held by sequences, counted one by one: always kv_blocks - free_blocks().
    [[nodiscard]] int held_blocks() const;

private:
    struct Sequence {
        RequestId id{};
        Nanos arrived{0}, scheduled{-1}, first_token{0}, last_token{0};
        int prompt = 0, cached = 0, max_tokens = 0, output = 0, abort_after = 0;
        int generated = 0;
        int computed = 0;  ///< tokens whose keys and values stand in the blocks
        int planned = 0;   ///< tokens of the running step
        int blocks = 0;
        bool streamed = false, from_outside = false, left = false;

        [[nodiscard]] int needs() const { return prompt + generated - computed; }
        [[nodiscard]] bool decodes() const { return generated > 0 && needs() == 1; }
    };

    void arrive(const Arrival& request, RequestId id, bool from_outside);
    void start_step();
    void plan_running(bool prefills, bool decodes);
    void admit_waiting();
    bool take_blocks(Sequence& sequence, int tokens, int reserve);
    bool make_room(std::size_t index, int tokens);
    void preempt_last();
    void finish_step();
    bool advance_sequence(Sequence& sequence);
    void emit_token(Sequence& sequence);
    void retire(const Sequence& sequence, FinishReason reason);
    void release_blocks(Sequence& sequence);
    void report(bool after_prefill);

    ModelSettings settings_;
    Workload workload_;
    Random random_;  ///< for the engine's own jitter
    Nanos now_{0};
    std::optional<Nanos> next_arrival_;
    std::optional<Nanos> step_end_;
    Nanos step_start_{0};
    std::deque<Sequence> waiting_;
    std::vector<Sequence> running_;
    int free_blocks_ = 0;
    int clean_blocks_ = 0;  ///< of the free ones, those never used: they hold no cache
    int budget_ = 0;
    int step_prefill_tokens_ = 0, step_decodes_ = 0;
    std::uint64_t step_queries_ = 0,
                  step_hits_ = 0;  ///< of requests admitted into the running step
    std::uint64_t step_output_ =
        0;  ///< tokens that the ending step made: answers, and prompts computed for them
    bool preempted_in_step_ = false;
    bool hang_wanted_ = false, hung_ = false, open_ = true;
    std::uint64_t last_id_ = 0;
    std::vector<Progress> progress_;
    Measures measures_;
    Reported reported_;
    int decode_steps_since_report_ = 0;
    Nanos window_start_{0}, busy_since_report_{0};
    std::uint64_t window_prompt_ = 0, window_generated_ = 0, reported_preemptions_ = 0;
};

}  // namespace inferscope::simulate
