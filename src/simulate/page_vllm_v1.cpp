// SPDX-License-Identifier: Apache-2.0
// The page of vLLM 2026-08 (engine V1), one API server: _created gauges, process families, its web
// framework's.
#include <array>
#include <cmath>

#include "simulate/pages.h"
#include "simulate/python_process.h"
#include "telemetry/labels.h"

namespace inferscope::simulate {
namespace {

class VllmV1Page {
public:
    VllmV1Page(std::string& out, const PageState& state)
        : page_(out, state.faults.missing_families),
          state_(state),
          m_(state.model.measures()),
          created_(static_cast<double>(state.started) / 1000) {
        model_ = "model_name=\"";
        append_escaped_label_value(model_, state.settings.model_name);
        model_ += '"';
        engine_and_model_ = "engine=\"0\"," + model_;
    }

    void write() {
        write_python_process(page_, state_, "12", "3");
        estimates();
        scheduler();
        caches();
        tokens();
        request_sizes();
        latencies();
        cache_config();
        http();
    }

private:
    /// What a series has besides engine and model: labels that sort before model_name, and behind
    /// it.
    struct Part {
        std::string_view before, after;
        double value = 0;
    };

    void samples(std::initializer_list<Part> parts) {
        for (const auto& part : parts) {
            page_.sample({"engine=\"0\"", part.before, ",", model_, part.after}, part.value);
        }
    }

    void gauge(std::string_view name, std::string_view help, double value) {
        page_.family(name, "gauge", help);
        page_.sample({engine_and_model_}, value);
    }

    void created_family(std::string_view base, std::string_view help) {
        name_.assign(base).append("_created");
        page_.family(name_, "gauge", help);
    }

    void counter(std::string_view base, std::string_view help, std::initializer_list<Part> parts) {
        name_.assign(base).append("_total");
        page_.family(name_, "counter", help);
        samples(parts);
        created_family(base, help);
        for (const auto& part : parts) samples({{part.before, part.after, created_}});
    }
    void counter(std::string_view base, std::string_view help, std::uint64_t value) {
        counter(base, help, {{"", "", static_cast<double>(value)}});
    }

    void histogram(std::string_view name, std::string_view help, const Buckets& buckets) {
        page_.family(name, "histogram", help);
        page_.histogram(buckets, "engine=\"0\"", model_);
        created_family(name, help);
        page_.sample({engine_and_model_}, created_);
    }

    void estimates() {  // zero without the flag that switches them on
        counter("vllm:estimated_flops_per_gpu", "Estimated floating point operations.", 0);
        counter("vllm:estimated_read_bytes_per_gpu", "Estimated bytes read.", 0);
        counter("vllm:estimated_write_bytes_per_gpu", "Estimated bytes written.", 0);
    }

    void scheduler() {
        const auto& r = state_.model.reported();
        const bool asleep = state_.faults.sleep;
        gauge("vllm:num_requests_running", "Requests in the batch.", r.running);
        gauge("vllm:num_requests_waiting", "Requests in the queue.", r.waiting);
        page_.family("vllm:num_requests_waiting_by_reason", "gauge",
                     "Requests in the queue, by reason.");
        samples({{"", ",reason=\"capacity\"", static_cast<double>(r.waiting)},
                 {"", ",reason=\"deferred\"", 0}});
        page_.family("vllm:engine_sleep_state", "gauge", "Which sleep state holds.");
        samples({{"", ",sleep_state=\"awake\"", asleep ? 0.0 : 1.0},
                 {"", ",sleep_state=\"weights_offloaded\"", asleep ? 1.0 : 0.0},
                 {"", ",sleep_state=\"discard_all\"", 0}});
        gauge("vllm:kv_cache_usage_perc", "KV cache in use, 1 is all.",
              static_cast<double>(r.used_blocks) / state_.model.settings().kv_blocks);
    }

    void caches() {
        counter("vllm:prefix_cache_queries", "Tokens looked up in the prefix cache.",
                m_.prefix_queries);
        counter("vllm:prefix_cache_hits", "Tokens found in the prefix cache.", m_.prefix_hits);
        counter("vllm:external_prefix_cache_queries", "Tokens looked up in an external cache.", 0);
        counter("vllm:external_prefix_cache_hits", "Tokens found in an external cache.", 0);
        counter("vllm:mm_cache_queries", "Items looked up in the multimodal cache.", 0);
        counter("vllm:mm_cache_hits", "Items found in the multimodal cache.", 0);
    }

    void tokens() {
        const auto cached = static_cast<double>(m_.prompt_tokens_cached);
        counter("vllm:num_preemptions", "Preemptions.", m_.preemptions);
        counter("vllm:prompt_tokens", "Prompt tokens.", m_.prompt_tokens_total);
        counter("vllm:prompt_tokens_by_source", "Prompt tokens by where they came from.",
                {{"", ",source=\"local_compute\"",
                  static_cast<double>(m_.prompt_tokens_total) - cached},
                 {"", ",source=\"local_cache_hit\"", cached},
                 {"", ",source=\"external_kv_transfer\"", 0}});
        counter("vllm:prompt_tokens_cached", "Prompt tokens found in a cache.",
                m_.prompt_tokens_cached);
        counter("vllm:generation_tokens", "Generated tokens.", m_.generated_tokens);
        // Aborted requests never get here: vLLM counts what its engine ends, not whose client left.
        counter("vllm:request_success", "Requests that are done.",
                {{",finished_reason=\"stop\"", "", finished(FinishReason::stop)},
                 {",finished_reason=\"length\"", "", finished(FinishReason::length)},
                 {",finished_reason=\"abort\"", "", 0},
                 {",finished_reason=\"error\"", "", 0},
                 {",finished_reason=\"repetition\"", "", 0}});
    }

    [[nodiscard]] double finished(FinishReason reason) const {
        return static_cast<double>(m_.finished[static_cast<std::size_t>(reason)]);
    }

    void request_sizes() {
        static constexpr std::array kSmallNumbers{1.0, 2.0, 5.0, 10.0, 20.0};
        Buckets ones(kSmallNumbers);
        ones.observe(1, m_.output_tokens.count());
        histogram("vllm:request_prompt_tokens", "Prompt tokens of a request.", m_.prompt_tokens);
        histogram("vllm:request_generation_tokens", "Generated tokens of a request.",
                  m_.output_tokens);
        histogram("vllm:iteration_tokens_total", "Tokens of an engine step.", m_.iteration_tokens);
        histogram("vllm:request_max_num_generation_tokens", "Longest answer of a request.",
                  m_.output_tokens);
        histogram("vllm:request_params_n", "n that was asked for.", ones);
        histogram("vllm:request_params_max_tokens", "max_tokens that was asked for.",
                  m_.max_tokens);
    }

    void latencies() {
        Buckets ttft = m_.ttft[0];
        ttft.add(m_.ttft[1]);
        Buckets e2e = m_.e2e[0];
        e2e.add(m_.e2e[1]);
        histogram("vllm:time_to_first_token_seconds", "Arrival to first token, seconds.", ttft);
        histogram("vllm:inter_token_latency_seconds", "Gap between tokens, seconds.", m_.itl);
        histogram("vllm:request_time_per_output_token_seconds", "Mean gap of a request, seconds.",
                  m_.tpot);
        histogram("vllm:e2e_request_latency_seconds", "Arrival to last token, seconds.", e2e);
        histogram("vllm:request_queue_time_seconds", "Arrival to scheduled, seconds.", m_.queue);
        histogram("vllm:request_inference_time_seconds", "Scheduled to last token, seconds.",
                  m_.inference);
        histogram("vllm:request_prefill_time_seconds", "Scheduled to first token, seconds.",
                  m_.prefill);
        histogram("vllm:request_decode_time_seconds", "First to last token, seconds.", m_.decode);
        histogram("vllm:request_prefill_kv_computed_tokens", "Prompt tokens computed, not cached.",
                  m_.uncached_prompt_tokens);
    }

    void cache_config() {
        const auto blocks = state_.settings.kv_blocks;
        const auto tokens = std::to_string(std::int64_t{blocks} * 16);
        page_.family("vllm:cache_config_info", "gauge", "Settings of the KV cache.");
        page_.sample(
            {"_block_size_resolved=\"True\",block_size=\"16\",cache_dtype=\"auto\",enable_prefix_"
             "caching=\"True\","
             "engine=\"0\",gpu_memory_utilization=\"0.92\",is_attention_free=\"False\","
             "kv_cache_dtype_skip_layers=\"[]\",kv_cache_max_concurrency=\"4.0\",kv_cache_memory_"
             "bytes=\"None\","
             "kv_cache_size_tokens=\"",
             tokens,
             "\",kv_offloading_backend=\"native\",kv_offloading_size=\"None\",kv_sharing_fast_"
             "prefill=\"False\","
             "mamba_block_size=\"None\",mamba_cache_dtype=\"auto\",mamba_cache_mode=\"none\","
             "mamba_page_size_padded=\"None\",mamba_ssm_cache_dtype=\"auto\",num_gpu_blocks=\"",
             std::to_string(blocks),
             "\",num_gpu_blocks_override=\"None\",prefix_cache_retention_interval=\"0\","
             "prefix_caching_hash_algo=\"sha256\",prefix_match_unit=\"None\",replayssm_buffer_len="
             "\"16\","
             "skip_page_size_padded=\"None\",sliding_window=\"None\",use_replayssm=\"False\""},
            1);
    }

    // prometheus-fastapi-instrumentator: declared at the start, series from a handler's first
    // answer on.
    void http() {
        auto handlers = all_handlers(state_);
        std::erase_if(handlers,
                      [](const HandlerActivity& handler) { return handler.answers() == 0; });
        http_requests(handlers);
        http_summary("http_request_size_bytes", "Bytes of requests.", handlers,
                     &HandlerActivity::request_bytes);
        http_summary("http_response_size_bytes", "Bytes of answers.", handlers,
                     &HandlerActivity::response_bytes);

        Buckets fine = state_.http.fine();
        fine.add(m_.http_fine);
        constexpr std::string_view kFineHelp = "Time to answer, seconds, finely.";
        page_.family("http_request_duration_highr_seconds", "histogram", kFineHelp);
        page_.histogram(fine, "", "");
        page_.family("http_request_duration_highr_seconds_created", "gauge", kFineHelp);
        page_.sample({}, created_);

        constexpr std::string_view kHelp = "Time to answer by handler, seconds.";
        page_.family("http_request_duration_seconds", "histogram", kHelp);
        for (const auto& h : handlers) {
            page_.histogram(h.duration, "handler=\"" + h.path + "\"",
                            "method=\"" + h.method + "\"");
        }
        if (handlers.empty()) return;
        page_.family("http_request_duration_seconds_created", "gauge", kHelp);
        for (const auto& h : handlers) {
            page_.sample({"handler=\"", h.path, "\",method=\"", h.method, "\""}, created_);
        }
    }

    void http_requests(std::span<const HandlerActivity> handlers) {
        constexpr std::string_view kHelp = "HTTP requests by method, status and handler.";
        page_.family("http_requests_total", "counter", kHelp);
        for (const auto& h : handlers) http_statuses(h, false);
        if (handlers.empty()) return;
        page_.family("http_requests_created", "gauge", kHelp);
        for (const auto& h : handlers) http_statuses(h, true);
    }

    // One series for each class of statuses: "2xx".
    void http_statuses(const HandlerActivity& h, bool created) {
        for (int status_class = 1; status_class <= 5; ++status_class) {
            std::uint64_t answers = 0;
            for (const auto& [status, count] : h.statuses)
                answers += status / 100 == status_class ? count : 0;
            if (answers == 0) continue;
            const char digit = static_cast<char>('0' + status_class);
            page_.sample({"handler=\"",
                          h.path,
                          "\",method=\"",
                          h.method,
                          "\",status=\"",
                          {&digit, 1},
                          "xx\""},
                         created ? created_ : static_cast<double>(answers));
        }
    }

    void http_summary(std::string_view name, std::string_view help,
                      std::span<const HandlerActivity> handlers,
                      std::uint64_t HandlerActivity::* bytes) {
        page_.family(name, "summary", help);
        for (const auto& h : handlers) {
            page_.sample("_count", {"handler=\"", h.path, "\""}, static_cast<double>(h.answers()));
            page_.sample("_sum", {"handler=\"", h.path, "\""}, static_cast<double>(h.*bytes));
        }
        if (handlers.empty()) return;
        created_family(name, help);
        for (const auto& h : handlers) page_.sample({"handler=\"", h.path, "\""}, created_);
    }

    PageWriter page_;
    const PageState& state_;
    const Measures& m_;
    double created_;
    std::string model_, engine_and_model_, name_;
};

}  // namespace

void render_vllm_v1(std::string& out, const PageState& state) { VllmV1Page(out, state).write(); }

}  // namespace inferscope::simulate
