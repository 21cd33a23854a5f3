// SPDX-License-Identifier: Apache-2.0
// The page of SGLang 2026-08: a multi-process page (no _created, no process families; histograms
// and counters appear with their first observation), gauges as of the scheduler's latest report.
#include <algorithm>
#include <array>
#include <limits>

#include "simulate/page_writer.h"
#include "simulate/pages.h"
#include "telemetry/labels.h"

namespace inferscope::simulate {
namespace {

constexpr std::string_view kEngine = "engine_type=\"unified\"";
constexpr std::string_view kRanks = ",pp_rank=\"0\",tp_rank=\"0\"";
constexpr std::string_view kPid = "1842";
constexpr std::string_view kStreaming[] = {",is_streaming=\"false\"", ",is_streaming=\"true\""};
/// Bytes of keys and values of one token, for 8 billion parameters with grouped queries.
constexpr double kTokenGigabytes = 131072e-9;

class SglangPage {
public:
    SglangPage(std::string& out, const PageState& state)
        : page_(out, state.faults.missing_families),
          state_(state),
          m_(state.model.measures()),
          r_(state.model.reported()) {
        model_ = ",model_name=\"";
        append_escaped_label_value(model_, state.settings.model_name);
        model_ += '"';
        scheduler_ = std::string(kEngine) + model_ + ",moe_ep_rank=\"0\"" + std::string(kRanks);
        tokenizer_ = std::string(kEngine) + model_;
    }

    void write() {
        request_histograms();
        http_gauges();
        scheduler_counters();
        scheduler_histograms();
        startup();
        http_counters();
        request_counters();
        memory();
        load();
        kv_pool();
        speculation_and_disaggregation();
        batch();
        routing_keys();
        retractions();
    }

private:
    void gauge(std::string_view name, std::string_view help, double value) {
        page_.family(name, "gauge", help);
        page_.sample({scheduler_}, value);
    }
    void zero_gauges(std::initializer_list<std::pair<std::string_view, std::string_view>> gauges) {
        for (const auto& [name, help] : gauges) gauge(name, help, 0);
    }
    void scheduler_sample(std::string_view label_before_model, double value) {
        page_.sample({kEngine, label_before_model, model_, ",moe_ep_rank=\"0\"", kRanks}, value);
    }

    void tokenizer_histogram(std::string_view name, std::string_view help, const Buckets& buckets) {
        if (buckets.count() == 0) return;
        page_.family(name, "histogram", help);
        page_.histogram_sum_first(buckets, kEngine, std::string_view(model_).substr(1));
    }
    void streaming_histogram(std::string_view name, std::string_view help,
                             const Buckets (&buckets)[2]) {
        if (buckets[0].count() + buckets[1].count() == 0) return;
        page_.family(name, "histogram", help);
        for (std::size_t i = 0; i < 2; ++i) {
            if (buckets[i].count() == 0) continue;
            page_.histogram_sum_first(buckets[i], std::string(kEngine).append(kStreaming[i]),
                                      std::string_view(model_).substr(1));
        }
    }
    void streaming_counter(std::string_view name, std::string_view help,
                           const std::uint64_t (&values)[2]) {
        if (m_.finished_requests[0] + m_.finished_requests[1] == 0) return;
        page_.family(name, "counter", help);
        for (std::size_t i = 0; i < 2; ++i) {
            if (m_.finished_requests[i] == 0) continue;
            page_.sample({kEngine, kStreaming[i], model_}, static_cast<double>(values[i]));
        }
    }

    void request_histograms() {
        streaming_histogram("sglang:time_to_first_token_seconds",
                            "Arrival to first token, seconds.", m_.ttft);
        tokenizer_histogram("sglang:inter_token_latency_seconds", "Gap between tokens, seconds.",
                            m_.itl);
        streaming_histogram("sglang:e2e_request_latency_seconds", "Arrival to last token, seconds.",
                            m_.e2e);
        tokenizer_histogram("sglang:prompt_tokens_histogram", "Prompt tokens of a request.",
                            m_.prompt_tokens);
        tokenizer_histogram("sglang:uncached_prompt_tokens_histogram",
                            "Prompt tokens computed, not cached.", m_.uncached_prompt_tokens);
        tokenizer_histogram("sglang:generation_tokens_histogram", "Generated tokens of a request.",
                            m_.output_tokens);
    }

    void http_gauges() {
        page_.family("sglang:routing_keys_active", "gauge", "Routing keys with requests going on.");
        page_.sample({}, 0);
        page_.family("sglang:http_requests_active", "gauge", "HTTP requests going on.");
        for (const auto& handler : all_handlers(state_)) {
            const auto active =
                handler.requests - std::min(handler.requests, handler.answers() + gone(handler));
            page_.sample({"endpoint=\"", handler.path, "\",method=\"", handler.method, "\""},
                         static_cast<double>(active));
        }
    }

    /// Simulated requests whose client left: begun, never answered.
    [[nodiscard]] std::uint64_t gone(const HandlerActivity& handler) const {
        const bool chat = handler.path == "/v1/chat/completions";
        return chat ? m_.finished[static_cast<std::size_t>(FinishReason::abort)] : 0;
    }

    void scheduler_counters() {
        page_.family("sglang:prefill_effective_tokens_total", "counter",
                     "Prefill tokens, repeats left out.");
        scheduler_sample(",mode=\"input\"",
                         static_cast<double>(m_.prompt_tokens_total - m_.prompt_tokens_cached));
        scheduler_sample(",mode=\"device_hit\"", static_cast<double>(m_.prompt_tokens_cached));
        scheduler_sample(",mode=\"host_hit\"", 0);
        scheduler_sample(",mode=\"storage_hit\"", 0);
        if (m_.prefill_steps == 0) return;
        page_.family("sglang:realtime_tokens_total", "counter", "Tokens as of the latest report.");
        scheduler_sample(",mode=\"prefill_compute\"", static_cast<double>(r_.prefilled_tokens));
        scheduler_sample(",mode=\"decode\"", static_cast<double>(r_.decoded_tokens));
        scheduler_sample(",mode=\"prefill_cache\"", static_cast<double>(r_.prefix_hits));
        page_.family("sglang:forward_execution_seconds_total", "counter",
                     "Time in forward passes, seconds.");
        page_.sample({"category=\"forward_extend\",", scheduler_}, to_seconds(m_.prefill_time));
        page_.sample({"category=\"forward_decode\",", scheduler_}, to_seconds(m_.decode_time));
        page_.family("sglang:cuda_graph_passes_total", "counter", "Forward passes by graph mode.");
        scheduler_sample(",mode=\"prefill_none\"", static_cast<double>(m_.prefill_steps));
        scheduler_sample(",mode=\"decode_cuda_graph\"", static_cast<double>(m_.decode_steps));
        page_.family("sglang:process_cpu_seconds_total", "counter", "CPU time used, seconds.");
        const double busy = to_seconds(m_.prefill_time + m_.decode_time);
        page_.sample({"component=\"scheduler\""}, busy);
        page_.sample({"component=\"tokenizer\""}, 0.1 * busy);
    }

    void scheduler_histograms() {
        const std::string after = model_.substr(1) + ",moe_ep_rank=\"0\"";
        const std::string ranks = after + std::string(kRanks);
        if (m_.queue.count() == 0) return;
        page_.family("sglang:queue_time_seconds", "histogram", "Arrival to scheduled, seconds.");
        page_.histogram_sum_first(m_.queue, kEngine, ranks);
        page_.family("sglang:per_stage_req_latency_seconds", "histogram",
                     "Duration of a stage, seconds.");
        page_.histogram_sum_first(m_.prefill, kEngine,
                                  after + ",pp_rank=\"0\",stage=\"prefill_forward\",tp_rank=\"0\"");
    }

    void startup() {
        page_.family("sglang:startup_time_seconds", "gauge", "Phases of the start, seconds.");
        const std::pair<std::string_view, double> phases[] = {{"load_weight", 11.2},
                                                              {"kv_cache_allocation", 0.9},
                                                              {"scheduler_e2e", 31.5},
                                                              {"tokenizer_e2e", 36.1}};
        for (const auto& [phase, seconds] : phases)
            page_.sample({tokenizer_, ",phase=\"", phase, "\""}, seconds);
        page_.family("sglang:startup_cuda_graph_time_seconds", "gauge",
                     "Capturing of graphs, seconds.");
        page_.sample({tokenizer_, ",phase=\"decode\""}, 8.4);
        page_.sample({tokenizer_, ",phase=\"prefill\""}, 2.2);
    }

    void http_counters() {
        const auto handlers = all_handlers(state_);
        page_.family("sglang:http_requests_total", "counter", "HTTP requests.");
        for (const auto& h : handlers) {
            page_.sample({"endpoint=\"", h.path, "\",method=\"", h.method, "\""},
                         static_cast<double>(h.requests));
        }
        const auto answered = [](const HandlerActivity& h) { return h.answers() > 0; };
        if (std::none_of(handlers.begin(), handlers.end(), answered)) return;
        page_.family("sglang:http_responses_total", "counter", "HTTP answers.");
        for (const auto& h : handlers) {
            for (const auto& [status, count] : h.statuses) {
                page_.sample({"endpoint=\"", h.path, "\",method=\"", h.method, "\",status_code=\"",
                              std::to_string(status), "\""},
                             static_cast<double>(count));
            }
        }
    }

    void request_counters() {
        tokenizer_counter("sglang:num_aborted_requests_total", "Requests that were aborted.",
                          m_.finished[static_cast<std::size_t>(FinishReason::abort)]);
        if (m_.preemptions > 0) {
            scheduler_counter("sglang:num_retracted_requests_total", "Retractions.",
                              m_.preemptions);
            scheduler_counter("sglang:num_retracted_input_tokens_total", "Prompt tokens retracted.",
                              m_.preempted_prompt_tokens);
            scheduler_counter("sglang:num_retracted_output_tokens_total",
                              "Generated tokens retracted.", m_.preempted_output_tokens);
        }
        // These four move when a request ends, not with its tokens.
        streaming_counter("sglang:prompt_tokens_total", "Prompt tokens.",
                          m_.finished_prompt_tokens);
        streaming_counter("sglang:generation_tokens_total", "Generated tokens.",
                          m_.finished_output_tokens);
        if (m_.finished_cached_tokens > 0) {
            page_.family("sglang:cached_tokens_total", "counter",
                         "Prompt tokens found in a cache.");
            page_.sample({"cache_source=\"device\",", tokenizer_},
                         static_cast<double>(m_.finished_cached_tokens));
        }
        streaming_counter("sglang:num_requests_total", "Requests that are done.",
                          m_.finished_requests);
    }

    void tokenizer_counter(std::string_view name, std::string_view help, std::uint64_t value) {
        if (value == 0) return;
        page_.family(name, "counter", help);
        page_.sample({tokenizer_}, static_cast<double>(value));
    }
    void scheduler_counter(std::string_view name, std::string_view help, std::uint64_t value) {
        page_.family(name, "counter", help);
        page_.sample({scheduler_}, static_cast<double>(value));
    }

    void memory() {
        const double tokens = state_.model.settings().kv_blocks;
        gauge("sglang:max_total_num_tokens", "Tokens that the KV pool holds.", tokens);
        gauge("sglang:weight_memory_usage_gb", "Memory of the weights, GB.", 14.98);
        gauge("sglang:kv_cache_memory_usage_gb", "Memory of the KV pool, GB.",
              tokens * kTokenGigabytes);
        page_.family("sglang:graph_memory_usage_gb", "gauge", "Memory of captured graphs, GB.");
        const std::pair<std::string_view, double> phases[] = {{",phase=\"decode\"", 1.2},
                                                              {",phase=\"prefill\"", 0.4}};
        for (const auto& [phase, gigabytes] : phases) {
            page_.sample({tokenizer_, ",moe_ep_rank=\"0\"", phase, kRanks}, gigabytes);
        }
        gauge("sglang:page_size", "Tokens of a KV page.", 1);
        gauge("sglang:num_pages", "KV pages.", tokens);
        gauge("sglang:context_len", "Longest context, tokens.", state_.settings.context_tokens());
        gauge("sglang:startup_available_gpu_memory_gb", "Memory free after the start, GB.", 78.4);
    }

    void load() {
        gauge("sglang:num_running_reqs", "Requests in the batch.", r_.running);
        gauge("sglang:num_queue_reqs", "Requests in the queue.", r_.waiting);
        gauge("sglang:num_grammar_queue_reqs", "Requests that wait for a grammar.", 0);
        gauge("sglang:gen_throughput", "Generated tokens per second.", r_.generation_throughput);
        gauge("sglang:cache_hit_rate", "Prefix cache hits of the latest prefill.",
              r_.cache_hit_ratio);
        gauge("sglang:decode_sum_seq_lens", "Tokens of all running sequences.",
              static_cast<double>(r_.batch_tokens));
        const double usage =
            static_cast<double>(r_.used_blocks) / state_.model.settings().kv_blocks;
        gauge("sglang:token_usage", "KV pool in use, 1 is all.", usage);
        gauge("sglang:full_token_usage", "The same, full attention.", usage);
        zero_gauges({{"sglang:swa_token_usage", "The same, sliding windows."},
                     {"sglang:mamba_usage", "The same, state space models."}});
    }

    void kv_pool() {
        const int total = state_.model.settings().kv_blocks;
        gauge("sglang:num_used_tokens", "KV slots in use.", r_.used_blocks);
        gauge("sglang:kv_available_tokens", "KV slots never used or free.",
              total - r_.used_blocks - r_.evictable_blocks);
        gauge("sglang:kv_evictable_tokens", "KV slots that hold cache only.", r_.evictable_blocks);
        gauge("sglang:kv_used_tokens", "KV slots in use.", r_.used_blocks);
        zero_gauges({{"sglang:swa_available_tokens", "Free slots, sliding windows."},
                     {"sglang:swa_evictable_tokens", "Cache slots, sliding windows."},
                     {"sglang:swa_used_tokens", "Used slots, sliding windows."},
                     {"sglang:mamba_available_tokens", "Free slots, state space models."},
                     {"sglang:mamba_evictable_tokens", "Cache slots, state space models."},
                     {"sglang:mamba_used_tokens", "Used slots, state space models."}});
    }

    void speculation_and_disaggregation() {
        zero_gauges(
            {{"sglang:spec_accept_length", "Tokens of a verify step."},
             {"sglang:spec_accept_rate", "Accepted share of the draft."},
             {"sglang:spec_cap_length", "Scheduled verify window."},
             {"sglang:spec_block_accept_length", "Accepted tokens without a cap."},
             {"sglang:spec_num_steps", "Speculative steps."},
             {"sglang:spec_num_draft_tokens", "Draft tokens."},
             {"sglang:num_prefill_bootstrap_queue_reqs", "Requests in bootstrap."},
             {"sglang:num_prefill_inflight_queue_reqs", "Requests in transfer from prefill."},
             {"sglang:num_decode_prealloc_queue_reqs", "Requests that wait for memory to decode."},
             {"sglang:num_decode_transfer_queue_reqs", "Requests in transfer to decode."},
             {"sglang:pending_prealloc_token_usage", "KV share that waits for memory."}});
    }

    void batch() {
        const bool decoded = m_.decode_steps > 0;
        gauge("sglang:utilization", "Utilization under an SLO, if there is one.", 0);
        gauge(
            "sglang:fwd_occupancy", "Share of time in forward passes, percent.",
            m_.prefill_steps > 0 ? 100 * r_.busy_ratio : std::numeric_limits<double>::quiet_NaN());
        gauge("sglang:new_token_ratio", "Share of max_tokens that is reserved.", 0.7);
        gauge("sglang:is_cuda_graph", "Whether the batch runs as a graph.",
              decoded && r_.running > 0 ? 1 : 0);
        gauge("sglang:num_unique_running_routing_keys", "Routing keys in the batch.", 0);
    }

    void routing_keys() {
        constexpr std::string_view kSteps[] = {"0",  "1",  "2",  "3",   "5",   "7",
                                               "10", "20", "50", "100", "200", "+Inf"};
        constexpr std::pair<std::string_view, std::string_view> kFamilies[] = {
            {"sglang:routing_key_running_req_count",
             "Routing keys by running requests (gt < n <= le)."},
            {"sglang:routing_key_all_req_count", "Routing keys by all requests (gt < n <= le)."}};
        for (const auto& [name, help] : kFamilies) {
            page_.family(name, "gauge", help);
            for (std::size_t i = 0; i + 1 < std::size(kSteps); ++i) {
                page_.sample({kEngine, ",gt=\"", kSteps[i], "\",le=\"", kSteps[i + 1], "\"", model_,
                              ",moe_ep_rank=\"0\"", kRanks},
                             0);
            }
        }
    }

    void retractions() {  // gauges without a multi-process mode carry the process
        page_.family("sglang:num_retracted_reqs", "gauge",
                     "Requests retracted since the report before.");
        page_.sample({tokenizer_, ",moe_ep_rank=\"0\",pid=\"", kPid, "\"", kRanks},
                     static_cast<double>(r_.preempted_now));
        page_.family("sglang:num_paused_reqs", "gauge", "Requests paused by an update of weights.");
        page_.sample({tokenizer_, ",moe_ep_rank=\"0\",pid=\"", kPid, "\"", kRanks}, 0);
    }

    PageWriter page_;
    const PageState& state_;
    const Measures& m_;
    const Reported& r_;
    std::string model_, scheduler_, tokenizer_;
};

}  // namespace

void render_sglang(std::string& out, const PageState& state) { SglangPage(out, state).write(); }

}  // namespace inferscope::simulate
