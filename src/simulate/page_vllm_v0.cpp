// SPDX-License-Identifier: Apache-2.0
// The page of vLLM 0.5 (engine V0): one label, no _created series, histograms only once something
// was observed.
#include <array>

#include "simulate/pages.h"
#include "simulate/python_process.h"
#include "telemetry/labels.h"

namespace inferscope::simulate {
namespace {

class VllmV0Page {
public:
    VllmV0Page(std::string& out, const PageState& state)
        : page_(out, state.faults.missing_families), state_(state), m_(state.model.measures()) {
        model_ = "model_name=\"";
        append_escaped_label_value(model_, state.settings.model_name);
        model_ += '"';
    }

    void write() {
        write_python_process(page_, state_, "10", "14");
        cache_config();
        scheduler();
        latencies();
        requests();
        spec_decode();
        const auto& r = state_.model.reported();
        gauge("vllm:avg_prompt_throughput_toks_per_s", "Prompt tokens per second.",
              r.prompt_throughput);
        gauge("vllm:avg_generation_throughput_toks_per_s", "Generated tokens per second.",
              r.generation_throughput);
    }

private:
    void gauge(std::string_view name, std::string_view help, double value) {
        page_.family(name, "gauge", help);
        page_.sample({model_}, value);
    }
    void counter(std::string_view name, std::string_view help, std::uint64_t value) {
        page_.family(name, "counter", help);
        page_.sample({model_}, static_cast<double>(value));
    }
    void histogram(std::string_view name, std::string_view help, const Buckets& buckets) {
        page_.family(name, "histogram", help);
        if (buckets.count() > 0) page_.histogram(buckets, "", model_);
    }

    void cache_config() {
        page_.family("vllm:cache_config_info", "gauge", "Settings of the KV cache.");
        page_.sample({"block_size=\"16\",cache_dtype=\"auto\",cpu_offload_gb=\"0\",enable_prefix_"
                      "caching=\"True\","
                      "gpu_memory_utilization=\"0.9\",num_cpu_blocks=\"2048\",num_gpu_blocks=\"",
                      std::to_string(state_.settings.kv_blocks),
                      "\",num_gpu_blocks_override=\"None\",sliding_window=\"None\",swap_space_"
                      "bytes=\"4294967296\""},
                     1);
    }

    void scheduler() {
        const auto& r = state_.model.reported();
        gauge("vllm:num_requests_running", "Requests in the batch.", r.running);
        gauge("vllm:num_requests_waiting", "Requests in the queue.", r.waiting);
        gauge("vllm:num_requests_swapped", "Requests swapped out to the host.", 0);
        gauge("vllm:gpu_cache_usage_perc", "KV cache in use, 1 is all.",
              static_cast<double>(r.used_blocks) / state_.model.settings().kv_blocks);
        gauge("vllm:cpu_cache_usage_perc", "Host KV cache in use, 1 is all.", 0);
        counter("vllm:num_preemptions_total", "Preemptions.", m_.preemptions);
        counter("vllm:prompt_tokens_total", "Prompt tokens.", m_.prompt_tokens_total);
        counter("vllm:generation_tokens_total", "Generated tokens.", m_.generated_tokens);
    }

    void latencies() {
        Buckets ttft = m_.ttft[0];
        ttft.add(m_.ttft[1]);
        Buckets e2e = m_.e2e[0];
        e2e.add(m_.e2e[1]);
        histogram("vllm:time_to_first_token_seconds", "Arrival to first token, seconds.", ttft);
        histogram("vllm:time_per_output_token_seconds", "Gap between tokens, seconds.", m_.itl);
        histogram("vllm:e2e_request_latency_seconds", "Arrival to last token, seconds.", e2e);
    }

    void requests() {
        static constexpr std::array kSmallNumbers{1.0, 2.0, 5.0, 10.0, 20.0};
        Buckets ones(kSmallNumbers);
        ones.observe(1, m_.output_tokens.count());
        histogram("vllm:request_prompt_tokens", "Prompt tokens of a request.", m_.prompt_tokens);
        histogram("vllm:request_generation_tokens", "Generated tokens of a request.",
                  m_.output_tokens);
        histogram("vllm:request_params_best_of", "best_of that was asked for.", ones);
        histogram("vllm:request_params_n", "n that was asked for.", ones);
        page_.family("vllm:request_success_total", "counter", "Requests that are done.");
        constexpr std::string_view kReasons[] = {"stop", "length"};
        for (std::size_t i = 0; i < std::size(kReasons); ++i) {
            if (m_.finished[i] == 0) continue;
            page_.sample({"finished_reason=\"", kReasons[i], "\",", model_},
                         static_cast<double>(m_.finished[i]));
        }
    }

    void spec_decode() {  // declared always, without samples while speculation is off
        page_.family("vllm:spec_decode_draft_acceptance_rate", "gauge",
                     "Accepted share of the draft.");
        page_.family("vllm:spec_decode_efficiency", "gauge", "Efficiency of speculation.");
        page_.family("vllm:spec_decode_num_accepted_tokens_total", "counter", "Accepted tokens.");
        page_.family("vllm:spec_decode_num_draft_tokens_total", "counter", "Draft tokens.");
        page_.family("vllm:spec_decode_num_emitted_tokens_total", "counter", "Emitted tokens.");
    }

    PageWriter page_;
    const PageState& state_;
    const Measures& m_;
    std::string model_;
};

}  // namespace

void render_vllm_v0(std::string& out, const PageState& state) { VllmV0Page(out, state).write(); }

}  // namespace inferscope::simulate
