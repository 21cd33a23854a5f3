// SPDX-License-Identifier: Apache-2.0
// Families, labels and buckets as in tests/pages/vllm-v1-objects/single-after.prom.
#include "bench/llm_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include "base/numbers.h"

namespace inferscope::bench {
namespace {

constexpr std::array kTokenBounds{1.0,   2.0,   5.0,    10.0,   20.0,   50.0,    100.0,
                                  200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0, 20000.0};
constexpr std::array kIterationBounds{1.0,   8.0,    16.0,   32.0,   64.0,   128.0,  256.0,
                                      512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0};
constexpr std::array kSmallBounds{1.0, 2.0, 5.0, 10.0, 20.0};
constexpr std::array kTtftBounds{0.001, 0.005, 0.01, 0.02,  0.04,  0.06,  0.08, 0.1,
                                 0.25,  0.5,   0.75, 1.0,   2.5,   5.0,   7.5,  10.0,
                                 20.0,  40.0,  80.0, 160.0, 640.0, 2560.0};
constexpr std::array kTokenTimeBounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                                      0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
constexpr std::array kRequestTimeBounds{0.3,  0.5,   0.8,   1.0,   1.5,   2.0,    2.5,
                                        5.0,  10.0,  15.0,  20.0,  30.0,  40.0,   50.0,
                                        60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};
constexpr std::array kHttpFineBounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0,  1.5, 2.0,
                                     2.5,  3.0,   3.5,  4.0,   4.5, 5.0,  7.5, 10.0, 30.0, 60.0};
constexpr std::array kHttpBounds{0.1, 0.5, 1.0};

constexpr std::uint32_t kBlockTokens = 16;
constexpr std::uint32_t kStepTokens = 2048;  ///< chunked prefill's budget of one step
constexpr std::size_t kMaxBatch = 256;
constexpr double kDay = 86'400;

std::string bound_text(double bound) {
    auto text = format_number(bound);
    return text.find('.') == std::string::npos ? text + ".0" : text;
}

}  // namespace

void LlmHistogram::observe(double value, std::uint64_t times) {
    const auto at = std::ranges::lower_bound(bounds, value) - bounds.begin();
    counts[static_cast<std::size_t>(at)] += times;
    for (std::uint64_t i = 0; i < times; ++i) sum += value;  // as the client adds: one by one
}

LlmEngine::LlmEngine(std::uint64_t seed, int index, Timestamp start, Timestamp interval)
    : random_(seed * 1000 + static_cast<std::uint64_t>(index)),
      index_(index),
      row_time_(start + 37 * index % interval),
      interval_(interval),
      start_wall_(static_cast<double>(row_time_) / 1000),
      start_monotonic_(200'000 + 1000 * uniform()),
      prompt_tokens_(kTokenBounds),
      output_tokens_(kTokenBounds),
      iteration_tokens_(kIterationBounds),
      n_(kSmallBounds),
      max_tokens_(kTokenBounds),
      computed_tokens_(kTokenBounds),
      ttft_(kTtftBounds),
      itl_(kTokenTimeBounds),
      tpot_(kTokenTimeBounds),
      e2e_(kRequestTimeBounds),
      queue_(kRequestTimeBounds),
      inference_(kRequestTimeBounds),
      prefill_(kRequestTimeBounds),
      decode_(kRequestTimeBounds),
      http_fine_(kHttpFineBounds),
      http_chat_(kHttpBounds),
      http_health_(kHttpBounds) {
    constexpr std::array kRates{2.5, 0.6, 6.0, 0.0, 0.15};  // requests/s of five kinds of engine
    rate_ = kRates[static_cast<std::size_t>(index) % kRates.size()] * (0.6 + 0.8 * uniform());
    batch_cost_ = 0.00006 * (0.7 + uniform());
    prompt_median_ = 300 + 900 * uniform();
    output_median_ = 120 + 250 * uniform();
    kv_blocks_ = 18'000 + static_cast<std::uint32_t>(20'000 * uniform());
    next_arrival_ = rate_ > 0 ? -std::log(1 - uniform()) / rate_ : 1e18;
}

double LlmEngine::lognormal(double median, double sigma) {
    // Four uniform numbers of 16 bits make a normal one that is good enough, and quick.
    auto bits = random_();
    double sum = 0;
    for (int i = 0; i < 4; ++i, bits >>= 16) sum += static_cast<double>(bits & 0xffff);
    return median * std::exp(sigma * (sum / 65'536 - 2) * std::numbers::sqrt3);
}

double LlmEngine::timed(double seconds) const {
    const double begin = start_monotonic_ + now_;
    return (begin + seconds) - begin;
}

double LlmEngine::arrival_rate() const {
    const double of_day = 2 * std::numbers::pi * (start_wall_ + now_) / kDay;
    return rate_ * (0.65 + 0.35 * std::sin(of_day)) * (now_ < burst_until_ ? 3 : 1);
}

void LlmEngine::arrive() {
    const auto prompt = static_cast<std::uint32_t>(lognormal(prompt_median_, 0.9)) + 5;
    const auto cached = uniform() < 0.4 ? prompt / 2 / kBlockTokens * kBlockTokens : 0;
    constexpr std::array<std::uint32_t, 5> kMaxTokens{256, 512, 1024, 2048, 4096};
    const auto max_tokens = kMaxTokens[random_() % kMaxTokens.size()];
    const auto wanted = static_cast<std::uint32_t>(lognormal(output_median_, 0.8)) + 1;
    const double queued = start_monotonic_ + now_;
    waiting_.push_back({.wall_arrival = start_wall_ + now_ - 0.0011 - 0.0004 * uniform(),
                        .queued = queued,
                        .scheduled = 0,
                        .first_token = 0,
                        .last_token = 0,
                        .prompt = std::min(prompt, 30'000U),
                        .cached = cached,
                        .output = std::min(wanted, max_tokens),
                        .max_tokens = max_tokens,
                        .left_to_prefill = 0,
                        .generated = 0,
                        .stopped = wanted <= max_tokens});
    if (now_ > burst_until_ && uniform() < 0.002) burst_until_ = now_ + 20 + 100 * uniform();
    next_arrival_ = now_ - std::log(1 - uniform()) / arrival_rate();
}

void LlmEngine::schedule() {
    while (!waiting_.empty() && running_.size() < kMaxBatch) {
        auto request = waiting_.front();
        const auto blocks = (request.prompt + request.output) / kBlockTokens + 1;
        if (used_blocks_ + blocks > kv_blocks_) return;
        used_blocks_ += blocks;
        request.left_to_prefill = request.prompt - std::min(request.cached, request.prompt - 1);
        request.scheduled = start_monotonic_ + now_ + 0.00012 * uniform();
        counters_.prefix_queries += request.prompt;
        counters_.prefix_hits += request.cached;
        running_.push_back(request);
        waiting_.pop_front();
    }
}

/// One step of the engine: prefills get what the decodes leave of the budget, each decode a token.
void LlmEngine::step() {
    schedule();
    std::uint32_t decoding = 0, prefilled = 0, started = 0;
    for (const auto& r : running_) decoding += r.left_to_prefill == 0 ? 1 : 0;
    std::uint32_t budget = kStepTokens - decoding;
    for (auto& r : running_) {
        const auto part = std::min(r.left_to_prefill, budget);
        prefilled += part;
        budget -= part;
    }
    const double cost = 0.007 + batch_cost_ * decoding + 0.00004 * prefilled;
    now_ += lognormal(cost, 0.04);
    cpu_debt_ += 0.0021 + 0.00002 * decoding;
    const double wall = start_wall_ + now_ + 0.0006;  // the front end sees the tokens a bit later
    const double monotonic = start_monotonic_ + now_;
    budget = kStepTokens - decoding;
    for (auto& r : running_) {
        if (r.left_to_prefill > 0) {
            const auto part = std::min(r.left_to_prefill, budget);
            r.left_to_prefill -= part;
            budget -= part;
            if (r.left_to_prefill > 0 || part == 0) continue;
            r.first_token = monotonic;
            ttft_.observe(wall - r.wall_arrival);
            counters_.prompt += r.prompt;
            counters_.cached += r.cached;
            ++started;
        } else {
            itl_.observe(monotonic - r.last_token);
        }
        r.last_token = monotonic;
        ++r.generated;
        ++counters_.generated;
        if (r.generated == r.output) finish(r);
    }
    iteration_tokens_.observe(prefilled + decoding + started);
    std::erase_if(running_, [](const Request& r) { return r.generated == r.output; });
}

void LlmEngine::finish(const Request& r) {
    used_blocks_ -= (r.prompt + r.output) / kBlockTokens + 1;
    const double e2e = start_wall_ + now_ + 0.0006 - r.wall_arrival;
    const double decode = r.last_token - r.first_token;
    e2e_.observe(e2e);
    queue_.observe(r.scheduled - r.queued);
    inference_.observe(r.last_token - r.scheduled);
    prefill_.observe(r.first_token - r.scheduled);
    decode_.observe(decode);
    tpot_.observe(r.generated > 1 ? decode / (r.generated - 1) : 0);
    prompt_tokens_.observe(r.prompt);
    output_tokens_.observe(r.generated);
    computed_tokens_.observe(r.prompt - r.cached);
    n_.observe(1);
    max_tokens_.observe(r.max_tokens);
    const bool aborted = uniform() < 0.01;
    ++(aborted ? counters_.abort : r.stopped ? counters_.stop : counters_.length);
    const double http = timed(e2e + 0.002 * uniform());
    http_fine_.observe(http);
    http_chat_.observe(http);
    counters_.request_bytes += 410 + 4 * r.prompt;
    counters_.response_bytes += 260 + 190 * r.generated;
    if (random_() % 8 == 0) {
        ++counters_.collections;
        counters_.collected += random_() % 900;
    }
    resident_pages_ += random_() % 64;
}

void LlmEngine::play_until(double now) {
    while (now_ < now) {
        while (next_arrival_ <= now_) arrive();
        if (!running_.empty() || !waiting_.empty()) {
            step();
        } else {
            now_ = std::min(now, next_arrival_);
        }
    }
}

Timestamp LlmEngine::next_row(std::vector<double>& values) {
    play_until(static_cast<double>(row_time_) / 1000 - start_wall_);
    const double health = timed(lognormal(0.0012, 0.3));  // a prober asks before each scrape
    http_health_.observe(health);
    http_fine_.observe(health);
    ++counters_.health;
    const auto ticks = static_cast<std::uint64_t>(100 * (cpu_debt_ + 0.02));
    cpu_debt_ -= static_cast<double>(ticks) / 100 - 0.02;
    system_ticks_ += ticks / 7;
    user_ticks_ += ticks - ticks / 7;
    values.clear();
    each_series([&](auto, auto, double value) { values.push_back(value); });
    const Timestamp late = random_() % 16 == 0 ? 1 + static_cast<Timestamp>(random_() % 2) : 0;
    const Timestamp time = row_time_ + late;
    row_time_ += interval_;
    return time;
}

std::vector<Labels> LlmEngine::labels() const {
    const auto instance = fmt::format("10.0.{}.{}:8000", index_ / 8, index_ % 8 + 10);
    std::vector<Labels> all;
    each_series([&](std::string_view name, auto labels, double) {
        std::vector<Label> set{{kMetricName, name}, {"job", "vllm"}, {"instance", instance}};
        if (name.starts_with("vllm:")) {
            set.push_back({"engine", "0"});
            set.push_back({"model_name", "Qwen/Qwen2.5-7B-Instruct"});
        }
        set.insert(set.end(), labels.begin(), labels.end());
        all.push_back(Labels::from(set));
    });
    return all;
}

namespace {

using ExtraLabels = std::span<const Label>;

/// Hands on one series after the other, in page order; knows when each metric was created.
template <class Emit>
class Page {
public:
    Page(Emit& emit, double created) : emit_(emit), created_(created) {}

    void one(std::string_view name, std::initializer_list<Label> labels, double value) {
        emit_(name, ExtraLabels(labels.begin(), labels.size()), value);
    }
    void created(std::string_view name, std::initializer_list<Label> labels = {}) {
        created_ += 0.0000187;  // each metric's constructor takes its own time.time()
        one(fmt::format("{}_created", name), labels, created_);
    }
    void counter(std::string_view name, double value) {
        one(fmt::format("{}_total", name), {}, value);
        created(name);
    }
    void counters(std::string_view name, std::string_view label,
                  std::initializer_list<std::pair<std::string_view, double>> values) {
        const auto total = fmt::format("{}_total", name);
        for (const auto& [value, count] : values) one(total, {{label, value}}, count);
        for (const auto& [value, count] : values) created(name, {{label, value}});
    }
    void histogram(std::string_view name, const LlmHistogram& from,
                   std::initializer_list<Label> labels = {}) {
        std::vector<Label> with_bound(labels);
        with_bound.push_back({});
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < from.counts.size(); ++i) {
            sum += from.counts[i];
            const auto le = i < from.bounds.size() ? bound_text(from.bounds[i]) : "+Inf";
            with_bound.back() = {"le", le};
            emit_(fmt::format("{}_bucket", name), ExtraLabels(with_bound),
                  static_cast<double>(sum));
        }
        one(fmt::format("{}_count", name), labels, static_cast<double>(sum));
        one(fmt::format("{}_sum", name), labels, from.sum);
        created(name, labels);
    }

private:
    Emit& emit_;
    double created_;
};

double as_double(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

template <class Emit>
void LlmEngine::each_process_series(Emit&& emit) const {
    Page page(emit, start_wall_);
    const double runs[] = {132 + as_double(counters_.collections),
                           11 + as_double(counters_.collections / 10),
                           1 + as_double(counters_.collections / 100)};
    constexpr std::string_view kGenerations[] = {"0", "1", "2"};
    for (std::size_t i = 0; i < 3; ++i)
        page.one("python_gc_objects_collected_total", {{"generation", kGenerations[i]}},
                 i == 0 ? 307 + as_double(counters_.collected) : 251);
    for (const auto generation : kGenerations)
        page.one("python_gc_objects_uncollectable_total", {{"generation", generation}}, 0);
    for (std::size_t i = 0; i < 3; ++i)
        page.one("python_gc_collections_total", {{"generation", kGenerations[i]}}, runs[i]);
    page.one("python_info", {{"implementation", "CPython"}, {"major", "3"}, {"minor", "11"}}, 1);
    page.one("process_virtual_memory_bytes", {}, 39'024'848'896.0);
    page.one("process_resident_memory_bytes", {}, as_double(resident_pages_ * 4096));
    page.one("process_start_time_seconds", {}, std::floor(start_wall_ * 100 - 4711) / 100);
    // As process_collector.py does: two quotients, then their sum.
    page.one("process_cpu_seconds_total", {},
             as_double(user_ticks_) / 100 + as_double(system_ticks_) / 100);
    page.one("process_open_fds", {}, as_double(70 + running_.size() + waiting_.size()));
    page.one("process_max_fds", {}, 1'048'576);
}

template <class Emit>
void LlmEngine::each_latency(Emit&& emit) const {
    Page page(emit, start_wall_ - 46.3 + 0.0009);
    page.histogram("vllm:request_prompt_tokens", prompt_tokens_);
    page.histogram("vllm:request_generation_tokens", output_tokens_);
    page.histogram("vllm:iteration_tokens_total", iteration_tokens_);
    page.histogram("vllm:request_max_num_generation_tokens", output_tokens_);
    page.histogram("vllm:request_params_n", n_);
    page.histogram("vllm:request_params_max_tokens", max_tokens_);
    page.histogram("vllm:time_to_first_token_seconds", ttft_);
    page.histogram("vllm:inter_token_latency_seconds", itl_);
    page.histogram("vllm:request_time_per_output_token_seconds", tpot_);
    page.histogram("vllm:e2e_request_latency_seconds", e2e_);
    page.histogram("vllm:request_queue_time_seconds", queue_);
    page.histogram("vllm:request_inference_time_seconds", inference_);
    page.histogram("vllm:request_prefill_time_seconds", prefill_);
    page.histogram("vllm:request_decode_time_seconds", decode_);
    page.histogram("vllm:request_prefill_kv_computed_tokens", computed_tokens_);
}

template <class Emit>
void LlmEngine::each_http_series(Emit&& emit) const {
    Page page(emit, start_wall_ - 3.2);
    const auto chats = as_double(counters_.stop + counters_.length + counters_.abort);
    const auto health = as_double(counters_.health);
    const Label chat{"handler", "/v1/chat/completions"}, probe{"handler", "/health"};
    const Label post{"method", "POST"}, get{"method", "GET"}, ok{"status", "2xx"};
    page.one("http_requests_total", {probe, get, ok}, health);
    page.one("http_requests_total", {chat, post, ok}, chats);
    page.created("http_requests", {probe, get, ok});
    page.created("http_requests", {chat, post, ok});
    page.one("http_request_size_bytes_count", {probe}, health);
    page.one("http_request_size_bytes_sum", {probe}, 0);
    page.one("http_request_size_bytes_count", {chat}, chats);
    page.one("http_request_size_bytes_sum", {chat}, counters_.request_bytes);
    page.created("http_request_size_bytes", {probe});
    page.created("http_request_size_bytes", {chat});
    page.one("http_response_size_bytes_count", {probe}, health);
    page.one("http_response_size_bytes_sum", {probe}, 0);
    page.one("http_response_size_bytes_count", {chat}, chats);
    page.one("http_response_size_bytes_sum", {chat}, counters_.response_bytes);
    page.created("http_response_size_bytes", {probe});
    page.created("http_response_size_bytes", {chat});
    page.histogram("http_request_duration_highr_seconds", http_fine_);
    page.histogram("http_request_duration_seconds", http_health_, {probe, get});
    page.histogram("http_request_duration_seconds", http_chat_, {chat, post});
}

template <class Emit>
void LlmEngine::each_series(Emit&& emit) const {
    each_process_series(emit);
    Page page(emit, start_wall_ - 46.3);
    for (const auto what : {"flops", "read_bytes", "write_bytes"})
        page.counter(fmt::format("vllm:estimated_{}_per_gpu", what), 0);
    page.one("vllm:num_requests_running", {}, as_double(running_.size()));
    page.one("vllm:num_requests_waiting", {}, as_double(waiting_.size()));
    page.one("vllm:num_requests_waiting_by_reason", {{"reason", "capacity"}},
             as_double(waiting_.size()));
    page.one("vllm:num_requests_waiting_by_reason", {{"reason", "deferred"}}, 0);
    page.one("vllm:engine_sleep_state", {{"sleep_state", "awake"}}, 1);
    page.one("vllm:engine_sleep_state", {{"sleep_state", "weights_offloaded"}}, 0);
    page.one("vllm:engine_sleep_state", {{"sleep_state", "discard_all"}}, 0);
    page.one("vllm:kv_cache_usage_perc", {},
             1.0 - static_cast<double>(kv_blocks_ - used_blocks_) / kv_blocks_);
    page.counter("vllm:prefix_cache_queries", as_double(counters_.prefix_queries));
    page.counter("vllm:prefix_cache_hits", as_double(counters_.prefix_hits));
    page.counter("vllm:external_prefix_cache_queries", 0);
    page.counter("vllm:external_prefix_cache_hits", 0);
    page.counter("vllm:mm_cache_queries", 0);
    page.counter("vllm:mm_cache_hits", 0);
    page.counter("vllm:num_preemptions", 0);
    page.counter("vllm:prompt_tokens", as_double(counters_.prompt));
    page.counters("vllm:prompt_tokens_by_source", "source",
                  {{"local_compute", as_double(counters_.prompt - counters_.cached)},
                   {"local_cache_hit", as_double(counters_.cached)},
                   {"external_kv_transfer", 0}});
    page.counter("vllm:prompt_tokens_cached", as_double(counters_.cached));
    page.counter("vllm:generation_tokens", as_double(counters_.generated));
    page.counters("vllm:request_success", "finished_reason",
                  {{"stop", as_double(counters_.stop)},
                   {"length", as_double(counters_.length)},
                   {"abort", as_double(counters_.abort)},
                   {"error", 0},
                   {"repetition", 0}});
    each_latency(emit);
    page.one("vllm:cache_config_info", {{"block_size", "16"}, {"cache_dtype", "auto"}}, 1);
    each_http_series(emit);
}

}  // namespace inferscope::bench
