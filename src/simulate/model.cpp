// SPDX-License-Identifier: Apache-2.0
#include "simulate/model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace inferscope::simulate {
namespace {

/// SGLang writes its gauges at least so often while idle (scheduler, idle report).
constexpr Nanos kIdleReport = std::chrono::seconds(30);

/// JSON around a prompt, and around each streamed token; bytes of text per token.
constexpr std::uint64_t kRequestOverheadBytes = 300, kChunkBytes = 180, kTokenBytes = 4;

int blocks_for(int tokens, int block_tokens) { return (tokens + block_tokens - 1) / block_tokens; }

}  // namespace

Measures::Measures(const BucketBounds& bounds)
    : ttft{Buckets(bounds.ttft), Buckets(bounds.ttft)},
      e2e{Buckets(bounds.e2e), Buckets(bounds.e2e)},
      itl(bounds.itl),
      tpot(bounds.tpot),
      queue(bounds.queue),
      prefill(bounds.prefill),
      decode(bounds.decode),
      inference(bounds.inference),
      prompt_tokens(bounds.prompt_tokens),
      uncached_prompt_tokens(bounds.uncached_prompt_tokens),
      output_tokens(bounds.output_tokens),
      max_tokens(bounds.max_tokens),
      iteration_tokens(bounds.iteration_tokens),
      http(bounds.http),
      http_fine(bounds.http_fine) {}

QueueingModel::QueueingModel(ModelSettings settings)
    : settings_(settings),
      workload_(settings.workload, settings.seed),
      random_(settings.seed ^ 0x9e3779b97f4a7c15),
      free_blocks_(settings.kv_blocks),
      clean_blocks_(settings.kv_blocks),
      measures_(settings.bounds) {
    CHECK(settings.kv_blocks * settings.block_tokens >= 2,
          "the KV cache holds a prompt and a token");
    CHECK(settings.max_num_seqs > 0 && settings.max_batched_tokens >= settings.max_num_seqs,
          "every seat of the batch can decode in each step");
    next_arrival_ = workload_.next_time(Nanos::zero());
}

void QueueingModel::advance(Nanos to) {
    while (const auto next = next_event()) {
        if (*next > to) break;
        now_ = *next;
        if (step_end_ == next) {
            finish_step();
        } else {
            const Arrival request = workload_.next_request();
            next_arrival_ = workload_.next_time(now_);
            if (open_) arrive(request, RequestId{++last_id_}, false);
        }
    }
    now_ = std::max(now_, to);
    const bool reports_rarely = settings_.report_every_decode_steps > 1;
    const bool idle = !step_end_ && !hung_;
    if (reports_rarely && idle && now_ - reported_.at >= kIdleReport) report(false);
}

std::optional<Nanos> QueueingModel::next_event() const {
    if (!step_end_) return next_arrival_;
    if (!next_arrival_) return step_end_;
    return std::min(*step_end_, *next_arrival_);
}

std::optional<RequestId> QueueingModel::submit(const Arrival& request) {
    const RequestId id{++last_id_};
    const auto refused_before = measures_.refused;
    arrive(request, id, true);
    if (measures_.refused != refused_before) return std::nullopt;
    return id;
}

void QueueingModel::arrive(const Arrival& request, RequestId id, bool from_outside) {
    if (waiting() >= settings_.max_waiting) {
        ++measures_.refused;
        return;
    }
    ++measures_.submitted;
    const int capacity =
        std::min(settings_.max_model_len, settings_.kv_blocks * settings_.block_tokens);
    Sequence sequence;
    sequence.id = id;
    sequence.arrived = now_;
    sequence.prompt = std::clamp(request.prompt_tokens, 1, capacity - 1);
    sequence.max_tokens = std::clamp(request.max_tokens, 1, capacity - sequence.prompt);
    sequence.output = std::max(1, request.output_tokens);
    sequence.abort_after = request.abort_after;
    // Only whole blocks are shared, and the last token is computed in any case: its result is the
    // first token.
    const int cached = std::clamp(request.cached_tokens, 0, sequence.prompt - 1);
    sequence.cached = cached / settings_.block_tokens * settings_.block_tokens;
    sequence.streamed = request.streamed;
    sequence.from_outside = from_outside;
    waiting_.push_back(sequence);
    if (!step_end_ && !hung_) start_step();
}

void QueueingModel::abort(RequestId id) {
    for (auto& sequence : running_) {
        if (sequence.id == id) sequence.left = true;
    }
    const auto at = std::ranges::find(waiting_, id, &Sequence::id);
    if (at == waiting_.end()) return;
    retire(*at, FinishReason::abort);
    waiting_.erase(at);
}

std::vector<Progress> QueueingModel::take_progress() { return std::exchange(progress_, {}); }

void QueueingModel::set_hung(bool hung) {
    hang_wanted_ = hung;
    if (hung || !hung_) return;
    hung_ = false;
    start_step();
}

int QueueingModel::held_blocks() const {
    int held = 0;
    for (const auto& sequence : running_) held += sequence.blocks;
    for (const auto& sequence : waiting_) held += sequence.blocks;
    return held;
}

// One step: who computes how many tokens.
void QueueingModel::start_step() {
    budget_ = settings_.max_batched_tokens;
    step_prefill_tokens_ = 0;
    step_decodes_ = 0;
    preempted_in_step_ = false;
    if (settings_.batching == Batching::mixed) {
        plan_running(true, true);
        if (!preempted_in_step_) admit_waiting();
    } else {
        plan_running(true, false);
        if (!preempted_in_step_) admit_waiting();
        if (step_prefill_tokens_ == 0) plan_running(false, true);
    }
    if (step_prefill_tokens_ + step_decodes_ == 0) {
        step_end_.reset();
        return;
    }
    const double jitter = std::exp(settings_.step_jitter * random_.normal());
    const Nanos work = settings_.step_base + step_decodes_ * settings_.step_for_decode +
                       step_prefill_tokens_ * settings_.step_for_prefill_token;
    step_start_ = now_;
    step_end_ = now_ + std::max(Nanos(1), std::chrono::duration_cast<Nanos>(work * jitter));
}

void QueueingModel::plan_running(bool prefills, bool decodes) {
    // Planning takes blocks from the sequences at the end, so the size may shrink meanwhile.
    for (std::size_t i = 0; i < running_.size() && budget_ > 0; ++i) {
        const bool decode = running_[i].decodes();
        if (decode ? !decodes : !prefills) continue;
        const int tokens = std::min(running_[i].needs(), budget_);
        if (!make_room(i, tokens)) return;  // it was itself the last one
        running_[i].planned = tokens;
        budget_ -= tokens;
        decode ? step_decodes_ += 1 : step_prefill_tokens_ += tokens;
    }
}

void QueueingModel::admit_waiting() {
    while (!waiting_.empty() && budget_ > 0 && running() < settings_.max_num_seqs) {
        Sequence& sequence = waiting_.front();
        const bool first_time = sequence.scheduled < Nanos::zero();
        if (first_time) sequence.computed = sequence.cached;
        const int tokens = std::min(sequence.needs(), budget_);
        // As vLLM V0's watermark: without a reserve the next decode would throw the newcomer out
        // again.
        const int reserve = running_.empty() ? 0 : settings_.kv_blocks / 100;
        if (!take_blocks(sequence, tokens, reserve)) return;
        if (first_time) {
            sequence.scheduled = now_;
            measures_.prefix_queries += static_cast<std::uint64_t>(sequence.prompt);
            measures_.prefix_hits += static_cast<std::uint64_t>(sequence.cached);
            step_queries_ += static_cast<std::uint64_t>(sequence.prompt);
            step_hits_ += static_cast<std::uint64_t>(sequence.cached);
        }
        sequence.planned = tokens;
        budget_ -= tokens;
        step_prefill_tokens_ += tokens;
        running_.push_back(sequence);
        waiting_.pop_front();
    }
}

bool QueueingModel::take_blocks(Sequence& sequence, int tokens, int reserve) {
    const int wanted =
        blocks_for(sequence.computed + tokens, settings_.block_tokens) - sequence.blocks;
    if (wanted <= 0) return true;
    if (wanted + reserve > free_blocks_) return false;
    sequence.blocks += wanted;
    free_blocks_ -= wanted;
    clean_blocks_ -= std::min(clean_blocks_, wanted);
    return true;
}

bool QueueingModel::make_room(std::size_t index, int tokens) {
    while (!take_blocks(running_[index], tokens, 0)) {
        const bool is_last = index + 1 == running_.size();
        preempt_last();
        if (is_last) return false;
    }
    return true;
}

void QueueingModel::preempt_last() {
    Sequence sequence = running_.back();
    running_.pop_back();
    CHECK(sequence.planned == 0, "who has a part in the step is not preempted");
    release_blocks(sequence);
    sequence.computed = 0;
    ++measures_.preemptions;
    measures_.preempted_prompt_tokens += static_cast<std::uint64_t>(sequence.prompt);
    measures_.preempted_output_tokens += static_cast<std::uint64_t>(sequence.generated);
    waiting_.push_front(sequence);
    preempted_in_step_ = true;
}

void QueueingModel::finish_step() {
    const Nanos took = now_ - step_start_;
    const bool had_prefill = step_prefill_tokens_ > 0;
    (had_prefill ? measures_.prefill_steps : measures_.decode_steps) += 1;
    (had_prefill ? measures_.prefill_time : measures_.decode_time) += took;
    busy_since_report_ += took;
    measures_.prefilled_tokens += static_cast<std::uint64_t>(step_prefill_tokens_);
    measures_.decoded_tokens += static_cast<std::uint64_t>(step_decodes_);

    step_output_ = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < running_.size(); ++i) {
        if (advance_sequence(running_[i])) continue;
        if (kept != i) running_[kept] = running_[i];
        ++kept;
    }
    running_.resize(kept);
    if (step_output_ > 0) measures_.iteration_tokens.observe(static_cast<double>(step_output_));

    step_end_.reset();
    hung_ = hang_wanted_ && !running_.empty();
    if (!had_prefill) ++decode_steps_since_report_;
    if (had_prefill || hung_ || decode_steps_since_report_ >= settings_.report_every_decode_steps) {
        report(had_prefill);
    }
    if (!hung_) start_step();
}

// Applies the step to one sequence; true when it is gone.
bool QueueingModel::advance_sequence(Sequence& sequence) {
    sequence.computed += std::exchange(sequence.planned, 0);
    if (!sequence.left && sequence.needs() == 0) emit_token(sequence);
    const int answer = std::min(sequence.output, sequence.max_tokens);
    std::optional<FinishReason> reason;
    if (sequence.left || (sequence.abort_after > 0 && sequence.generated >= sequence.abort_after)) {
        reason = FinishReason::abort;
    } else if (sequence.generated >= answer) {
        reason = sequence.output > sequence.max_tokens ? FinishReason::length : FinishReason::stop;
    }
    if (!reason) return false;
    release_blocks(sequence);
    retire(sequence, *reason);
    return true;
}

void QueueingModel::emit_token(Sequence& sequence) {
    if (sequence.generated == 0) {
        sequence.first_token = now_;
        measures_.ttft[sequence.streamed].observe(to_seconds(now_ - sequence.arrived));
        measures_.prompt_tokens_total += static_cast<std::uint64_t>(sequence.prompt);
        measures_.prompt_tokens_cached += static_cast<std::uint64_t>(sequence.cached);
        step_output_ += static_cast<std::uint64_t>(sequence.prompt - sequence.cached);
    } else {
        measures_.itl.observe(to_seconds(now_ - sequence.last_token));
    }
    sequence.last_token = now_;
    ++sequence.generated;
    ++measures_.generated_tokens;
    ++step_output_;
    if (sequence.from_outside) progress_.push_back({sequence.id, now_, 1, std::nullopt});
}

// Accounts for a request that is gone. What was aborted reaches no latency histogram, as in vLLM
// (output processor).
void QueueingModel::retire(const Sequence& sequence, FinishReason reason) {
    ++measures_.finished[static_cast<std::size_t>(reason)];
    if (sequence.from_outside) progress_.push_back({sequence.id, now_, 0, reason});
    if (reason == FinishReason::abort) return;

    const auto prompt = static_cast<std::uint64_t>(sequence.prompt);
    const auto output = static_cast<std::uint64_t>(sequence.generated);
    const double e2e = to_seconds(now_ - sequence.arrived);
    const double decode = to_seconds(sequence.last_token - sequence.first_token);
    auto& m = measures_;
    m.e2e[sequence.streamed].observe(e2e);
    m.queue.observe(to_seconds(sequence.scheduled - sequence.arrived));
    m.prefill.observe(to_seconds(sequence.first_token - sequence.scheduled));
    m.decode.observe(decode);
    m.inference.observe(to_seconds(sequence.last_token - sequence.scheduled));
    m.tpot.observe(sequence.generated > 1 ? decode / (sequence.generated - 1) : 0);
    m.prompt_tokens.observe(sequence.prompt);
    m.uncached_prompt_tokens.observe(sequence.prompt - sequence.cached);
    m.output_tokens.observe(sequence.generated);
    m.max_tokens.observe(sequence.max_tokens);
    m.http.observe(e2e);
    m.http_fine.observe(e2e);
    m.finished_requests[sequence.streamed] += 1;
    m.finished_prompt_tokens[sequence.streamed] += prompt;
    m.finished_output_tokens[sequence.streamed] += output;
    m.finished_cached_tokens += static_cast<std::uint64_t>(sequence.cached);
    m.request_bytes += kRequestOverheadBytes + prompt * kTokenBytes;
    m.response_bytes +=
        kRequestOverheadBytes + output * (sequence.streamed ? kChunkBytes : kTokenBytes);
}

void QueueingModel::release_blocks(Sequence& sequence) {
    free_blocks_ += std::exchange(sequence.blocks, 0);
}

void QueueingModel::report(bool after_prefill) {
    auto& r = reported_;
    const Nanos since_report = now_ - r.at;
    r.busy_ratio = since_report > Nanos::zero()
                       ? to_seconds(busy_since_report_) / to_seconds(since_report)
                       : 0;
    r.at = now_;
    r.running = running();
    r.waiting = waiting();
    r.used_blocks = settings_.kv_blocks - free_blocks_;
    r.evictable_blocks = free_blocks_ - clean_blocks_;
    r.batch_tokens = 0;
    for (const auto& sequence : running_) r.batch_tokens += sequence.prompt + sequence.generated;
    r.cache_hit_ratio = after_prefill && step_queries_ > 0
                            ? static_cast<double>(step_hits_) / static_cast<double>(step_queries_)
                            : 0;
    r.preempted_now =
        measures_.preemptions - std::exchange(reported_preemptions_, measures_.preemptions);
    r.prefilled_tokens = measures_.prefilled_tokens;
    r.decoded_tokens = measures_.decoded_tokens;
    r.prefix_hits = measures_.prefix_hits;
    busy_since_report_ = Nanos::zero();
    decode_steps_since_report_ = 0;
    step_queries_ = 0;
    step_hits_ = 0;

    const Nanos window = now_ - window_start_;
    if (window <= Nanos::zero() || window < settings_.throughput_window) return;
    const auto& m = measures_;
    r.prompt_throughput =
        static_cast<double>(m.prompt_tokens_total -
                            std::exchange(window_prompt_, m.prompt_tokens_total)) /
        to_seconds(window);
    r.generation_throughput =
        static_cast<double>(m.generated_tokens -
                            std::exchange(window_generated_, m.generated_tokens)) /
        to_seconds(window);
    window_start_ = now_;
}

}  // namespace inferscope::simulate
