// SPDX-License-Identifier: Apache-2.0
#include "simulate/pages.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace inferscope::simulate {
namespace {

constexpr std::size_t kUsualPageBytes = 72u << 10;

// vLLM. V0 knew the beginnings of the first three only.
constexpr double kTtft[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                            1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
constexpr std::size_t kTtftV0 = 16;
constexpr double kItl[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                           0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80};
constexpr std::size_t kItlV0 = 13;
constexpr double kLatencyV0[] = {1, 2.5, 5, 10, 15, 20, 30, 40, 50, 60};
constexpr double kLatency[] = {0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                               30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680};
constexpr double kTokens[] = {1,    2,   5,   10,  20,  50,  100, 200, 500, 1000, 2000,
                              5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6,  1e7};
constexpr double kIteration[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};
// prometheus-fastapi-instrumentator, defaults.
constexpr double kHttp[] = {0.1, 0.5, 1};
constexpr double kHttpFine[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1,  1.5, 2,
                                2.5,  3,     3.5,  4,     4.5, 5,    7.5, 10,   30, 60};
// SGLang.
constexpr double kSglangE2e[] = {0.1, 0.2, 0.4, 0.6, 0.8, 1,   2,   4,   6,    8,    10,
                                 20,  40,  60,  80,  100, 200, 400, 600, 1200, 1800, 2400};
constexpr std::size_t kSglangTtft = 18;
constexpr double kSglangItl[] = {0.002, 0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.025,
                                 0.03,  0.035, 0.04,  0.06,  0.08, 0.1,   0.2,  0.4,
                                 0.6,   0.8,   1,     2,     4,    6,     8};
constexpr double kSglangQueue[] = {0,   0.001, 0.005, 0.01, 0.05, 0.1,  0.2,  0.5,  1,    2,
                                   3,   4,     5,     10,   15,   20,   30,   40,   50,   60,
                                   70,  80,    90,    100,  200,  300,  400,  500,  600,  700,
                                   800, 900,   1000,  1200, 1400, 1600, 1800, 2000, 2500, 3000};
constexpr double kSglangTokens[] = {100,   300,   500,   700,   1000,  1500,  2000,  3000,  4000,
                                    5000,  6000,  7000,  8000,  9000,  10000, 12500, 15000, 17500,
                                    20000, 22500, 25000, 27500, 30000, 35000, 40000, 60000, 80000,
                                    1e5,   2e5,   3e5,   4e5,   6e5,   8e5,   1e6,   1.1e6};

/// 1 ms times powers of 1.62, by pow() as SGLang does it, so that the last digits agree.
std::span<const double> sglang_stage_bounds() {
    static const auto bounds = [] {
        std::array<double, 30> values{};
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = 0.001 * std::pow(1.62, static_cast<double>(i));
        }
        return values;
    }();
    return bounds;
}

BucketBounds vllm_bounds(bool v1, int max_model_len) {
    const std::span all(kTokens);
    const auto end = std::upper_bound(all.begin(), all.end(), static_cast<double>(max_model_len));
    const auto tokens = all.first(static_cast<std::size_t>(end - all.begin()));
    BucketBounds bounds;
    bounds.ttft = v1 ? std::span(kTtft) : std::span(kTtft).first(kTtftV0);
    bounds.itl = v1 ? std::span(kItl) : std::span(kItl).first(kItlV0);
    bounds.tpot = kItl;
    bounds.e2e = v1 ? std::span<const double>(kLatency) : std::span<const double>(kLatencyV0);
    bounds.queue = bounds.prefill = bounds.decode = bounds.inference = kLatency;
    bounds.prompt_tokens = bounds.uncached_prompt_tokens = tokens;
    bounds.output_tokens = bounds.max_tokens = tokens;
    bounds.iteration_tokens = kIteration;
    bounds.http = kHttp;
    bounds.http_fine = kHttpFine;
    return bounds;
}

BucketBounds sglang_bounds() {
    BucketBounds bounds;
    bounds.ttft = std::span(kSglangE2e).first(kSglangTtft);
    bounds.itl = bounds.tpot = kSglangItl;
    bounds.e2e = kSglangE2e;
    bounds.queue = kSglangQueue;
    bounds.prefill = bounds.decode = bounds.inference = sglang_stage_bounds();
    bounds.prompt_tokens = bounds.uncached_prompt_tokens = kSglangTokens;
    bounds.output_tokens = bounds.max_tokens = kSglangTokens;
    return bounds;
}

}  // namespace

BucketBounds bucket_bounds(EngineKind kind, int max_model_len) {
    if (kind == EngineKind::sglang) return sglang_bounds();
    return vllm_bounds(kind == EngineKind::vllm_v1, max_model_len);
}

std::vector<HandlerActivity> all_handlers(const PageState& state) {
    constexpr std::string_view kChat = "/v1/chat/completions";
    const auto& m = state.model.measures();
    std::vector<HandlerActivity> handlers(state.http.handlers().begin(),
                                          state.http.handlers().end());
    const std::uint64_t answers = m.finished_requests[0] + m.finished_requests[1];
    if (m.submitted == 0) return handlers;
    auto chat = std::ranges::find(handlers, kChat, &HandlerActivity::path);
    if (chat == handlers.end()) {
        handlers.push_back({std::string(kChat), "POST", {}, 0, 0, 0, Buckets(m.http.bounds())});
        chat = handlers.end() - 1;
    }
    chat->requests += m.submitted;
    chat->request_bytes += m.request_bytes;
    chat->response_bytes += m.response_bytes;
    if (answers > 0) chat->count_answers(200, answers);
    chat->duration.add(m.http);
    return handlers;
}

std::string_view page_content_type(EngineKind kind) {
    switch (kind) {
        case EngineKind::vllm_v0:
            return "text/plain; version=0.0.4; charset=utf-8";
        case EngineKind::vllm_v1:  // a version that doesn't exist for text, as the real one
            return "text/plain; version=1.0.0; charset=utf-8";
        case EngineKind::sglang:
            return "text/plain; version=0.0.4; charset=utf-8";
    }
    return "";
}

std::string render_page(const PageState& state) {
    std::string page;
    page.reserve(kUsualPageBytes);
    switch (state.settings.kind) {
        case EngineKind::vllm_v0:
            render_vllm_v0(page, state);
            break;
        case EngineKind::vllm_v1:
            render_vllm_v1(page, state);
            break;
        case EngineKind::sglang:
            render_sglang(page, state);
            break;
    }
    return page;
}

}  // namespace inferscope::simulate
