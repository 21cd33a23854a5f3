// SPDX-License-Identifier: Apache-2.0
#include "mapping/target_mapping.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <string>

#include "base/numbers.h"
#include "mapping/rules.h"

namespace inferscope::mapping {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Published = std::map<std::string, double>;

struct Sample {
    std::string series;  ///< `name{a="b"}` without escapes
    double value = 0;
};

Labels labels_of(std::string_view series) {
    std::vector<Label> labels{{kMetricName, series.substr(0, series.find('{'))}};
    auto rest = series.substr(labels[0].value.size());
    while (rest.size() > 1) {
        rest.remove_prefix(1);  // '{' or ','
        const auto equal = rest.find('=');
        const auto close = rest.find('"', equal + 2);
        labels.push_back({rest.substr(0, equal), rest.substr(equal + 2, close - equal - 2)});
        rest.remove_prefix(close + 1);
        if (rest == "}") break;
    }
    return Labels::from(labels);
}

std::shared_ptr<const Mapping> mapping_of(const std::string& text) {
    auto mapping = Mapping::parse(text, "test");
    EXPECT_TRUE(mapping) << mapping.error().message();
    return mapping ? *mapping : nullptr;
}

/// A target whose pages are read one after the other, as the scrape does it.
class Target {
public:
    explicit Target(std::string_view runtime, std::string_view version = "",
                    const Labels& base = {},
                    std::shared_ptr<const Mapping> mapping = Mapping::built_in())
        : names_(mapping, mapping->identity(runtime, version), base) {}

    void read(Timestamp now, std::initializer_list<Sample> page) {
        std::vector<Column> fresh;
        const auto first = static_cast<std::uint32_t>(columns_.size());
        std::vector<std::pair<std::size_t, double>> set;
        for (const auto& sample : page) {
            const auto labels = labels_of(sample.series);
            auto at = std::find_if(columns_.begin(), columns_.end(),
                                   [&](const Column& c) { return c.labels == labels; });
            auto index = static_cast<std::size_t>(at - columns_.begin());
            if (at == columns_.end()) {
                index = first + fresh.size();
                fresh.push_back({labels,
                                 std::make_shared<const Family>(
                                     Family{std::string(labels.metric_name()), {}, "", ""}),
                                 ShownOn::raw,
                                 {}});
            }
            set.emplace_back(index, sample.value);
        }
        names_.name_columns(fresh);
        auto derived = names_.derive_columns(first, fresh);
        columns_.insert(columns_.end(), fresh.begin(), fresh.end());
        columns_.insert(columns_.end(), derived.begin(), derived.end());
        values_.assign(columns_.size(), kStaleMarker);
        for (const auto& [index, value] : set) values_[index] = value;
        names_.derive_values(now, values_);
    }

    /// All that is shown there, second names included; of a label set the first column counts.
    [[nodiscard]] Published shown(ShownOn where) const {
        Published series;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (is_stale_marker(values_[i])) continue;
            if (columns_[i].shown_on == where)
                series.emplace(columns_[i].labels.to_text(), values_[i]);
            for (const auto& second : columns_[i].second_names) {
                if (second.shown_on == where) series.emplace(second.labels.to_text(), values_[i]);
            }
        }
        return series;
    }
    [[nodiscard]] Published unified() const { return shown(ShownOn::metrics); }
    [[nodiscard]] Published raw() const { return shown(ShownOn::raw); }
    [[nodiscard]] std::vector<std::string> label_sets_given_twice() const {
        std::map<std::string, int> count;
        for (const auto& column : columns_) {
            for (const auto& second : column.second_names) ++count[second.labels.to_text()];
        }
        std::vector<std::string> twice;
        for (const auto& [labels, n] : count) {
            if (n > 1) twice.push_back(labels);
        }
        return twice;
    }
    TargetMapping& names() { return names_; }
    [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }

private:
    TargetMapping names_;
    std::vector<Column> columns_;
    std::vector<double> values_;
};

std::vector<std::string> missing(const TargetMapping& names, std::vector<std::string_view> seen,
                                 bool had_requests) {
    std::vector<std::string> families;
    for (const auto& family : names.missing(seen, had_requests)) {
        families.push_back(fmt::format("{} {} {} {}", family.engine_family, family.unified,
                                       family.renamed_in, family.known_as));
    }
    return families;
}

TEST(TargetMapping, GivesUnifiedNamesWithTheEnginesAndTheBaseLabels) {
    Target target("vLLM", "0.12.0",
                  Labels::from({{"worker_name", "w1"}, {"model_name", "ours"}, {"model_id", "7"}}));
    target.read(
        0, {{R"(vllm:num_requests_running{engine="0",instance="h:1",job="j",model_name="m"})", 3}});
    EXPECT_EQ(
        target.unified(),
        (Published{
            {R"(gpustack:num_requests_running{engine="0",instance="h:1",job="j",model_id="7",model_name="m",)"
             R"(runtime="vLLM",worker_name="w1"})",
             3}}));
}

TEST(TargetMapping, LetsBaseLabelsWinButForTheModelTheEngineNames) {
    Target target("llama.cpp", "",
                  Labels::from({{"model_name", "ours"}, {"runtime", "mine"}, {"job", "x"}}));
    target.read(0, {{R"(llamacpp:requests_processing{job="j",runtime="its"})", 1}});
    EXPECT_EQ(
        target.unified(),
        (Published{
            {R"(gpustack:num_requests_running{job="j",model_name="ours",runtime="mine"})", 1}}));
}

TEST(TargetMapping, NamesCountersAndHistogramsAsScraped) {
    Target target("vLLM", "0.12.0");
    target.read(0, {{"vllm:prompt_tokens_total", 5},
                    {"vllm:prompt_tokens_created", 1e9},
                    {R"(vllm:time_to_first_token_seconds_bucket{le="1"})", 1},
                    {R"(vllm:time_to_first_token_seconds_bucket{le="+Inf"})", 2},
                    {"vllm:time_to_first_token_seconds_sum", 3.5},
                    {"vllm:time_to_first_token_seconds_count", 2},
                    {"vllm:time_to_first_token_seconds_created", 1e9},
                    {"vllm:iteration_tokens_total_count", 9},
                    {"vllm:brand_new_family", 9}});
    EXPECT_EQ(
        target.unified(),
        (Published{{R"(gpustack:prompt_tokens_total{runtime="vLLM"})", 5},
                   {R"(gpustack:time_to_first_token_seconds_bucket{le="1.0",runtime="vLLM"})", 1},
                   {R"(gpustack:time_to_first_token_seconds_bucket{le="+Inf",runtime="vLLM"})", 2},
                   {R"(gpustack:time_to_first_token_seconds_sum{runtime="vLLM"})", 3.5},
                   {R"(gpustack:time_to_first_token_seconds_count{runtime="vLLM"})", 2}}));
    const auto& family = *target.columns()[0].second_names[0].family;
    EXPECT_EQ(family.name, "gpustack:prompt_tokens_total");
    EXPECT_EQ(family.type, MetricType::counter);
}

TEST(TargetMapping, TakesTheTypeFromTheMappingAndSkipsWhatCannotHaveIt) {
    Target target("vLLM", "0.12.0");
    target.read(0, {{"vllm:time_to_first_token_seconds", 1},
                    {"vllm:num_requests_running_count", 2},
                    {"vllm:request_success", 3}});
    EXPECT_EQ(target.unified(),
              (Published{{R"(gpustack:request_success_total{runtime="vLLM"})", 3}}));
}

TEST(TargetMapping, FollowsTheEnginesVersion) {
    for (const auto* version : {"0.8.5", "0.9.1", "0.9.2rc1", ""}) {
        Target old("vLLM", version);
        old.read(0, {{"vllm:gpu_cache_usage_perc", 0.5}});
        EXPECT_EQ(old.unified().count(R"(gpustack:kv_cache_usage_ratio{runtime="vLLM"})"), 1u)
            << version;
    }
    Target recent("vLLM", "0.9.2");
    recent.read(0, {{"vllm:gpu_cache_usage_perc", 0.5}});
    EXPECT_THAT(recent.unified(), IsEmpty());
}

TEST(TargetMapping, GivesOneNameForOldAndNewSpellingsTheNewestWins) {
    for (const auto* version : {"", "0.11.0rc2.dev21+gabc", "0.10.2"}) {
        Target target("vLLM", version);
        target.read(0, {{"vllm:time_per_output_token_seconds_sum", 1},
                        {"vllm:request_time_per_output_token_seconds_sum", 2},
                        {"vllm:inter_token_latency_seconds_sum", 3}});
        EXPECT_EQ(target.unified(),
                  (Published{{R"(gpustack:time_per_output_token_seconds_sum{runtime="vLLM"})", 2},
                             {R"(gpustack:inter_token_latency_seconds_sum{runtime="vLLM"})", 3}}));
        EXPECT_THAT(target.label_sets_given_twice(), IsEmpty());
    }
}

TEST(TargetMapping, TakesVllm011sOldNameForWhatItIs) {
    Target target("vLLM", "0.11.1");
    target.read(0, {{"vllm:time_per_output_token_seconds_sum", 1}});
    EXPECT_EQ(target.unified(),
              (Published{{R"(gpustack:inter_token_latency_seconds_sum{runtime="vLLM"})", 1}}));
}

TEST(TargetMapping, KnowsTheGapBetweenTokensUnderItsOldName) {
    Target target("vLLM", "0.5.0");
    target.read(0, {{"vllm:time_per_output_token_seconds_sum", 1}});
    EXPECT_EQ(target.unified(),
              (Published{{R"(gpustack:time_per_output_token_seconds_sum{runtime="vLLM"})", 1},
                         {R"(gpustack:inter_token_latency_seconds_sum{runtime="vLLM"})", 1}}));
    Target sglang("SGLang", "0.4.4.post3");
    sglang.read(0, {{"sglang:time_per_output_token_seconds_sum", 1}});
    EXPECT_EQ(sglang.unified().size(), 2u);
}

TEST(TargetMapping, LetsARangeReplaceTheDefaultForTheSameFamilyInFileOrder) {
    const auto mapping = mapping_of(R"(
gpustack_metrics: {a: {type: Gauge}, b: {type: Gauge}, c: {type: Gauge}}
runtime_mapping:
  E:
    "<2": {x: b}
    "<3": {x: c}
    "*": {x: a}
inferscope: {}
)");
    const auto name_at = [&](std::string_view version) {
        Target target("E", version, {}, mapping);
        target.read(0, {{"x", 1}});
        return target.unified().begin()->first;
    };
    EXPECT_EQ(name_at("1"), R"(gpustack:b{runtime="E"})");
    EXPECT_EQ(name_at("2"), R"(gpustack:c{runtime="E"})");
    EXPECT_EQ(name_at("3"), R"(gpustack:a{runtime="E"})");
    EXPECT_EQ(name_at("nightly"), R"(gpustack:a{runtime="E"})");
    EXPECT_EQ(name_at(""), R"(gpustack:a{runtime="E"})");
}

TEST(TargetMapping, ReadsRaysAndUnderscoreSpellings) {
    for (const auto* prefix : {"ray_vllm:", "ray_vllm_", "vllm_"}) {
        Target target("vLLM");
        target.read(0, {{std::string(prefix) + R"(num_requests_running{ReplicaId="r"})", 1},
                        {std::string(prefix) + "generation_tokens_total", 2}});
        EXPECT_EQ(target.unified(),
                  (Published{{R"(gpustack:num_requests_running{ReplicaId="r",runtime="vLLM"})", 1},
                             {R"(gpustack:generation_tokens_total{runtime="vLLM"})", 2}}));
        EXPECT_EQ(target.raw().at(R"(vllm:num_requests_running{ReplicaId="r"})"), 1);
        EXPECT_EQ(target.raw().at("vllm:generation_tokens_total"), 2);
    }
}

TEST(TargetMapping, GivesOldNamesOnNewEnginesAndNewOnesOnOld) {
    Target recent("vLLM", "0.12.0");
    recent.read(0, {{R"(vllm:kv_cache_usage_perc{engine="0"})", 0.5},
                    {R"(vllm:num_requests_waiting{engine="0"})", 4},
                    {R"(vllm:inter_token_latency_seconds_bucket{engine="0",le="1.0"})", 7}});
    const auto raw = recent.raw();
    EXPECT_EQ(raw.at(R"(vllm:gpu_cache_usage_perc{engine="0"})"), 0.5);
    EXPECT_EQ(raw.at(R"(vllm:cpu_cache_usage_perc{engine="0"})"), 0);
    EXPECT_EQ(raw.at(R"(vllm_request_queue_size{engine="0"})"), 4);
    EXPECT_EQ(raw.at(R"(vllm:time_per_output_token_seconds_bucket{engine="0",le="1.0"})"), 7);
    Target old("vLLM", "0.5.0");
    old.read(0, {{"vllm:gpu_cache_usage_perc", 0.5}, {"vllm:cpu_cache_usage_perc", 0.25}});
    EXPECT_EQ(old.raw().at("vllm:kv_cache_usage_perc"), 0.5);
    EXPECT_EQ(old.raw().at("vllm:cpu_cache_usage_perc"), 0.25);
    EXPECT_EQ(old.raw().at("vllm_cpu_cache_usage_perc"), 0.25);
}

TEST(TargetMapping, GivesNoAliasWhereThePageHasTheNameItself) {
    Target target("vLLM", "0.10.0");
    target.read(0, {{"vllm:kv_cache_usage_perc", 0.5}, {"vllm:gpu_cache_usage_perc", 0.5}});
    EXPECT_THAT(target.label_sets_given_twice(), IsEmpty());
    for (const auto& second : target.columns()[0].second_names) {
        EXPECT_NE(second.labels.metric_name(), "vllm:gpu_cache_usage_perc");
    }
}

TEST(TargetMapping, AddsUpFinishedRequestsUnderTheSeedsName) {
    Target target("vLLM", "0.12.0");
    target.read(0, {{R"(vllm:request_success_total{engine="0",finished_reason="stop"})", 3},
                    {R"(vllm:request_success_total{engine="1",finished_reason="stop"})", 5},
                    {R"(vllm:request_success_total{engine="0",finished_reason="length"})", 4}});
    EXPECT_EQ(target.raw().at(R"(vllm:request_total{engine="0"})"), 7);
    EXPECT_EQ(target.raw().at(R"(vllm:request_total{engine="1"})"), 5);
    // A reason that appears later joins the same column.
    const auto columns = target.columns().size();
    target.read(1, {{R"(vllm:request_success_total{engine="0",finished_reason="stop"})", 3},
                    {R"(vllm:request_success_total{engine="0",finished_reason="abort"})", 1}});
    EXPECT_EQ(target.columns().size(), columns + 1);
    EXPECT_EQ(target.raw().at(R"(vllm:request_total{engine="0"})"), 4);
    EXPECT_EQ(target.raw().count(R"(vllm:request_total{engine="1"})"), 0u);
}

TEST(TargetMapping, ComputesHitRatesFromCountersAcrossLabelsNeverFromADeadGauge) {
    Target target("SGLang", "0.5.12", Labels::from({{"worker_name", "w"}}));
    const std::string base = R"(engine_type="unified",model_name="m")";
    target.read(0, {{"sglang:cache_hit_rate{" + base + "}", 0},
                    {"sglang:prompt_tokens_total{" + base + R"(,is_streaming="true"})", 60},
                    {"sglang:prompt_tokens_total{" + base + R"(,is_streaming="false"})", 40},
                    {"sglang:cached_tokens_total{cache_source=\"device\"," + base + "}", 20},
                    {"sglang:cached_tokens_total{cache_source=\"host\"," + base + "}", 5}});
    const auto unified = target.unified();
    const std::string labels =
        R"({engine_type="unified",model_name="m",runtime="SGLang",worker_name="w"})";
    EXPECT_EQ(unified.at("gpustack:prefix_cache_hit_rate" + labels), 0.25);
    EXPECT_EQ(unified.at("gpustack:prefix_cache_queries_total" + labels), 100);
    EXPECT_EQ(unified.at("gpustack:prefix_cache_hits_total" + labels), 25);
}

TEST(TargetMapping, WaitsForBothSidesOfARatio) {
    Target target("vLLM", "0.12.0");
    target.read(0, {{R"(vllm:prefix_cache_queries_total{engine="0",model_name="m"})", 10}});
    EXPECT_EQ(target.unified().count(
                  R"(gpustack:prefix_cache_hit_rate{engine="0",model_name="m",runtime="vLLM"})"),
              0u);
    target.read(10, {{R"(vllm:prefix_cache_queries_total{engine="0",model_name="m"})", 20},
                     {R"(vllm:prefix_cache_hits_total{engine="0",model_name="m"})", 5}});
    EXPECT_EQ(target.unified().at(
                  R"(gpustack:prefix_cache_hit_rate{engine="0",model_name="m",runtime="vLLM"})"),
              0.25);
}

TEST(TargetMapping, PrefersARatioOfCountersToTheGauge) {
    Target old("MindIE", "2.3.0");
    old.read(0, {{R"(npu_prefix_cache_hit_rate{model_name="m"})", 0.1}});
    EXPECT_EQ(
        old.unified().at(R"(gpustack:prefix_cache_hit_rate{model_name="m",runtime="MindIE"})"),
        0.1);
    Target recent("MindIE", "3.0");
    recent.read(0, {{R"(npu_prefix_cache_hit_rate{model_name="m"})", 0.1},
                    {R"(all_radix_match_num{model_name="m"})", 100},
                    {R"(npu_radix_match_hit_num{model_name="m"})", 50}});
    EXPECT_EQ(
        recent.unified().at(R"(gpustack:prefix_cache_hit_rate{model_name="m",runtime="MindIE"})"),
        0.5);
    EXPECT_EQ(
        recent.unified().at(R"(gpustack:prefix_cache_hits_total{model_name="m",runtime="MindIE"})"),
        50);
}

TEST(TargetMapping, UnifiesTheTotalOfPrioritiesNotItsParts) {
    Target target("SGLang");
    target.read(0, {{R"(sglang:num_running_reqs{priority="0",tp_rank="0"})", 1},
                    {R"(sglang:num_running_reqs{priority="5",tp_rank="0"})", 2},
                    {R"(sglang:num_running_reqs{priority="",tp_rank="0"})", 3},
                    {R"(sglang:prompt_tokens_total{priority="0"})", 10},
                    {R"(sglang:prompt_tokens_total{priority="5"})", 20}});
    EXPECT_THAT(
        target.unified(),
        UnorderedElementsAre(
            testing::Pair(R"(gpustack:num_requests_running{runtime="SGLang",tp_rank="0"})", 3),
            testing::Pair(R"(gpustack:prompt_tokens_total{priority="0",runtime="SGLang"})", 10),
            testing::Pair(R"(gpustack:prompt_tokens_total{priority="5",runtime="SGLang"})", 20),
            testing::Pair(R"(gpustack:prefix_cache_queries_total{priority="0",runtime="SGLang"})",
                          10),
            testing::Pair(R"(gpustack:prefix_cache_queries_total{priority="5",runtime="SGLang"})",
                          20)));
}

TEST(TargetMapping, CountsRanksThatReportTheSameRequestsOnce) {
    Target target("SGLang");
    target.read(0, {{R"(sglang:num_running_reqs{dp_rank="0",tp_rank="0"})", 3},
                    {R"(sglang:num_running_reqs{dp_rank="0",tp_rank="1"})", 3},
                    {R"(sglang:num_running_reqs{dp_rank="1",tp_rank="2"})", 4}});
    EXPECT_EQ(
        target.unified(),
        (Published{
            {R"(gpustack:num_requests_running{dp_rank="0",runtime="SGLang",tp_rank="0"})", 3},
            {R"(gpustack:num_requests_running{dp_rank="1",runtime="SGLang",tp_rank="2"})", 4}}));
    // Nor does a rank that appears on a later page.
    target.read(1, {{R"(sglang:num_running_reqs{dp_rank="1",tp_rank="3"})", 4}});
    EXPECT_THAT(target.unified(), IsEmpty());
}

TEST(TargetMapping, UnifiesNothingOfARouter) {
    Target router("production-stack");
    router.read(0, {{R"(vllm:num_requests_running{server="http://a"})", 3}});
    EXPECT_THAT(router.unified(), IsEmpty());
    Target nobody("");
    nobody.read(0, {{"vllm:num_requests_running", 3}});
    EXPECT_THAT(nobody.unified(), IsEmpty());
    EXPECT_EQ(nobody.raw().size(), 1u);
}

TEST(TargetMapping, RenamesLabelsWhereTheEngineLacksOurs) {
    Target triton("vLLM");
    triton.read(0, {{R"(vllm:prompt_tokens_total{model="m",version="1"})", 1}});
    EXPECT_EQ(triton.unified().begin()->first,
              R"(gpustack:prompt_tokens_total{model_name="m",runtime="vLLM",version="1"})");
    Target both("vLLM");
    both.read(0, {{R"(vllm:prompt_tokens_total{model="a",model_name="b"})", 1}});
    EXPECT_EQ(both.unified().begin()->first,
              R"(gpustack:prompt_tokens_total{model="a",model_name="b",runtime="vLLM"})");
}

TEST(TargetMapping, PicksSeriesByLabelWhereALabelNamesTheQuantity) {
    Target target("Triton");
    target.read(
        0, {{R"(nv_trt_llm_request_metrics{model="m",request_type="waiting",version="1"})", 1},
            {R"(nv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"})", 2},
            {R"(nv_trt_llm_request_metrics{model="m",request_type="max",version="1"})", 512}});
    const std::string labels = R"({model_name="m",runtime="Triton",version="1"})";
    EXPECT_EQ(target.unified(), (Published{{"gpustack:num_requests_waiting" + labels, 1},
                                           {"gpustack:num_requests_running" + labels, 2}}));
}

TEST(TargetMapping, MakesCountersOfHistogramsSums) {
    Target target("TGI");
    target.read(0, {{"tgi_request_input_length_sum", 662},
                    {"tgi_request_input_length_count", 109},
                    {"tgi_request_success", 109}});
    EXPECT_EQ(target.unified(),
              (Published{{R"(gpustack:prompt_tokens_total{runtime="TGI"})", 662},
                         {R"(gpustack:request_prompt_tokens_sum{runtime="TGI"})", 662},
                         {R"(gpustack:request_prompt_tokens_count{runtime="TGI"})", 109},
                         {R"(gpustack:request_success_total{runtime="TGI"})", 109}}));
}

TEST(TargetMapping, AddsWhatLlamaCppLeavesOutOfItsPromptTokens) {
    Target recent("llama.cpp");
    recent.read(
        0, {{"llamacpp:prompt_tokens_total", 75}, {"llamacpp:prompt_tokens_cached_total", 25}});
    EXPECT_EQ(recent.unified(),
              (Published{{R"(gpustack:prompt_tokens_total{runtime="llama.cpp"})", 100},
                         {R"(gpustack:prefix_cache_queries_total{runtime="llama.cpp"})", 100},
                         {R"(gpustack:prefix_cache_hits_total{runtime="llama.cpp"})", 25},
                         {R"(gpustack:prompt_tokens_cached_total{runtime="llama.cpp"})", 25},
                         {R"(gpustack:prefix_cache_hit_rate{runtime="llama.cpp"})", 0.25}}));
    Target old("llama.cpp");
    old.read(0, {{"llamacpp:prompt_tokens_total", 75}});
    EXPECT_EQ(old.unified().at(R"(gpustack:prompt_tokens_total{runtime="llama.cpp"})"), 75);
}

TEST(TargetMapping, DropsWhatStandsForNoValue) {
    Target target("vLLM", "0.6.0");
    target.read(0, {{"vllm:gpu_prefix_cache_hit_rate", -1}});
    EXPECT_THAT(target.unified(), IsEmpty());
    target.read(1, {{"vllm:gpu_prefix_cache_hit_rate", 0.5}});
    EXPECT_EQ(target.unified().at(R"(gpustack:prefix_cache_hit_rate{runtime="vLLM"})"), 0.5);
}

TEST(TargetMapping, ScalesValuesBucketsAndSumsButNotCounts) {
    const auto mapping = mapping_of(R"(
gpustack_metrics: {h: {type: Histogram}, g: {type: Gauge}}
runtime_mapping: {E: {"*": {lat_ms: h, pct: g}}}
inferscope: {runtimes: {E: {families: {lat_ms: {scale: 0.001}, pct: {scale: 0.01}}}}}
)");
    Target target("E", "", {}, mapping);
    target.read(0, {{R"(lat_ms_bucket{le="50"})", 3},
                    {R"(lat_ms_bucket{le="+Inf"})", 4},
                    {"lat_ms_sum", 100},
                    {"lat_ms_count", 4},
                    {"pct", 25}});
    EXPECT_EQ(target.unified(), (Published{{R"(gpustack:h_bucket{le="0.05",runtime="E"})", 3},
                                           {R"(gpustack:h_bucket{le="+Inf",runtime="E"})", 4},
                                           {R"(gpustack:h_sum{runtime="E"})", 0.1},
                                           {R"(gpustack:h_count{runtime="E"})", 4},
                                           {R"(gpustack:g{runtime="E"})", 0.25}}));
}

TEST(TargetMapping, PublishesDcgmInOneSpellingWithTheRightUnits) {
    Target old("DCGM", "", Labels::from({{"worker_name", "w"}}));
    old.read(0, {{R"(DCGM_FI_DEV_GPU_UTIL{gpu="0"})", 42},
                 {R"(DCGM_FI_DEV_FB_USED{gpu="0"})", 9223372036854775794.0}});
    EXPECT_EQ(old.unified(), (Published{{R"(DCGM_FI_DEV_GPU_UTIL{gpu="0"})", 42}}));
    Target recent("DCGM");
    recent.read(0, {{R"(DCGM_FI_DEV_GPU_UTIL_RATIO{gpu="0"})", 0.42},
                    {R"(DCGM_FI_DEV_FB_USED_BYTES{gpu="0"})", 1073741824},
                    {R"(DCGM_FI_DEV_FB_FREE_BYTES{gpu="0"})", 9223372036854775794.0},
                    {R"(DCGM_FI_DEV_GPU_TEMP_CELSIUS{gpu="0"})", 60},
                    {R"(DCGM_FI_DEV_SM_CLOCK_HERTZ{gpu="0"})", 1980e6},
                    {R"(DCGM_FI_DEV_GPU_ENERGY_JOULES_TOTAL{gpu="0"})", 12},
                    {R"(DCGM_FI_DEV_PSTATE{gpu="0"})", 0}});
    EXPECT_THAT(recent.unified(),
                UnorderedElementsAre(
                    testing::Pair(R"(DCGM_FI_DEV_GPU_UTIL{gpu="0"})", 42),
                    testing::Pair(R"(DCGM_FI_DEV_FB_USED{gpu="0"})", 1024),
                    testing::Pair(R"(DCGM_FI_DEV_GPU_TEMP{gpu="0"})", 60),
                    testing::Pair(R"(DCGM_FI_DEV_SM_CLOCK{gpu="0"})", testing::DoubleEq(1980)),
                    testing::Pair(R"(DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"})", 12000),
                    testing::Pair(R"(DCGM_FI_DEV_PSTATE{gpu="0"})", 0)));
}

TEST(TargetMapping, PublishesDcgmsNewNamesIfAskedTo) {
    std::string text(Mapping::built_in_text());
    text.replace(text.find("dcgm_names: old"), 15, "dcgm_names: new");
    Target target("DCGM", "", {}, mapping_of(text));
    target.read(
        0, {{R"(DCGM_FI_DEV_GPU_UTIL{gpu="0"})", 42}, {R"(DCGM_FI_DEV_FB_USED{gpu="0"})", 1024}});
    EXPECT_THAT(
        target.unified(),
        UnorderedElementsAre(
            testing::Pair(R"(DCGM_FI_DEV_GPU_UTIL_RATIO{gpu="0"})", testing::DoubleEq(0.42)),
            testing::Pair(R"(DCGM_FI_DEV_FB_USED_BYTES{gpu="0"})", testing::DoubleEq(1073741824))));
}

TEST(TargetMapping, ResolvesGpuStacksOwnFileAsGpuStackDoes) {
    const auto text =
        yaml::read_file(INFERSCOPE_SOURCE_DIR "/src/mapping/testdata/gpustack_stock.yaml");
    ASSERT_TRUE(text) << text.error().text;
    const auto stock = mapping_of(*text);
    const auto unified = [&](std::string_view runtime, std::string_view version,
                             const std::string& sample) {
        Target target(runtime, version, {}, stock);
        target.read(0, {{sample, 1}});
        std::vector<std::string> names;
        for (const auto& [series, value] : target.unified())
            names.push_back(series.substr(9, series.find('{') - 9));
        return names;
    };
    EXPECT_THAT(unified("vllm", "0.21.0", "vllm:kv_cache_usage_perc"),
                ElementsAre("kv_cache_usage_ratio"));
    EXPECT_THAT(unified("vllm", "0.9.1", "vllm:gpu_cache_usage_perc"),
                ElementsAre("kv_cache_usage_ratio"));
    EXPECT_THAT(unified("vllm", "0.9.2", "vllm:gpu_cache_usage_perc"), IsEmpty());
    EXPECT_THAT(unified("vllm", "0.11.0", "vllm:num_requests_swapped"),
                ElementsAre("num_requests_swapped"));
    EXPECT_THAT(unified("vllm", "0.11.1", "vllm:num_requests_swapped"), IsEmpty());
    EXPECT_THAT(unified("vllm", "0.10.2", "vllm:request_time_per_output_token_seconds_sum"),
                ElementsAre("time_per_output_token_seconds_sum"));
    EXPECT_THAT(unified("vllm", "0.21.0", "vllm:num_preemptions_total"),
                ElementsAre("request_preemptions_total"));
    EXPECT_THAT(unified("SGLang", "0.5.12.post1", "sglang:num_retracted_requests_total"),
                ElementsAre("request_preemptions_total"));
    EXPECT_THAT(unified("SGLang", "0.5.12.post1", "sglang:cache_hit_rate"),
                ElementsAre("prefix_cache_hit_rate"));
    EXPECT_THAT(unified("mindie", "2.3.0", "npu_prefix_cache_hit_rate"),
                ElementsAre("prefix_cache_hit_rate"));
}

TEST(TargetMapping, LetsAStockFileRuleButForDeadGauges) {
    const auto stock = mapping_of(R"(
gpustack_metrics: {prefix_cache_hit_rate: {type: Gauge, description: d}, num_requests_running: {type: Gauge}}
runtime_mapping: {sglang: {"*": {"sglang:cache_hit_rate": prefix_cache_hit_rate, "sglang:num_running_reqs": num_requests_running}}}
)");
    Target target("SGLang", "", {}, stock);
    target.read(0, {{"sglang:cache_hit_rate", 0},
                    {"sglang:prompt_tokens_total", 4},
                    {"sglang:cached_tokens_total", 1}});
    EXPECT_EQ(target.unified(),
              (Published{{R"(gpustack:prefix_cache_hit_rate{runtime="SGLang"})", 0.25}}));
}

TEST(TargetMapping, FindsTheSignalsOfTheEnginesState) {
    Target target("SGLang");
    target.read(0, {{R"(sglang:num_running_reqs{priority="0"})", 1},
                    {"sglang:num_running_reqs", 1},
                    {R"(sglang:realtime_tokens_total{mode="decode"})", 1},
                    {R"(sglang:realtime_tokens_total{mode="prefill_compute"})", 1},
                    {"sglang:token_usage", 0.5}});
    EXPECT_THAT(target.names().signal_columns().running, ElementsAre(1));
    EXPECT_THAT(target.names().signal_columns().progress, UnorderedElementsAre(2, 3));
    EXPECT_THAT(target.names().signal_columns().kv_usage, ElementsAre(4));
    EXPECT_THAT(target.names().signal_columns().waiting, IsEmpty());
    Target vllm("vLLM");
    vllm.read(0, {{"vllm:gpu_cache_usage_perc", 0.5},
                  {"vllm:kv_cache_usage_perc", 0.5},
                  {"vllm:iteration_tokens_total_count", 1}});
    EXPECT_THAT(vllm.names().signal_columns().kv_usage, ElementsAre(1));
    EXPECT_THAT(vllm.names().signal_columns().progress, ElementsAre(2));
    EXPECT_TRUE(Mapping::built_in()->signals("llama.cpp").progress_at_end);
    EXPECT_EQ(Mapping::built_in()->signals("vLLM").running.at(0).family,
              "vllm:num_requests_running");
}

TEST(TargetMapping, MissesWhatTheVersionShouldHave) {
    const std::vector<std::string_view> old_page{
        "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:gpu_cache_usage_perc"};
    const std::vector<std::string_view> new_page{
        "vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"};
    const auto at = [](std::string_view version, const std::vector<std::string_view>& page,
                       bool had_requests = false) {
        return missing(
            TargetMapping(Mapping::built_in(), Mapping::built_in()->identity("vLLM", version), {}),
            page, had_requests);
    };
    EXPECT_THAT(at("0.12.0", new_page), IsEmpty());
    EXPECT_THAT(at("0.8.0", old_page), IsEmpty());
    EXPECT_THAT(at("", old_page), IsEmpty());
    EXPECT_THAT(at("", new_page), IsEmpty());
    EXPECT_THAT(
        at("0.12.0", old_page),
        ElementsAre(
            "vllm:kv_cache_usage_perc kv_cache_usage_ratio 0.9.2 vllm:gpu_cache_usage_perc"));
    EXPECT_THAT(
        at("0.8.0", new_page),
        ElementsAre(
            "vllm:gpu_cache_usage_perc kv_cache_usage_ratio 0.9.2 vllm:kv_cache_usage_perc"));
    EXPECT_THAT(at("", {"vllm:num_requests_running"}).size(), 2u);
    EXPECT_THAT(at("0.12.0", new_page, true),
                testing::Contains(HasSubstr("vllm:prompt_tokens prompt_tokens")));
}

TEST(TargetMapping, MissesNothingBeforeTheFirstRequest) {
    const TargetMapping names(Mapping::built_in(),
                              Mapping::built_in()->identity("SGLang", "0.5.12"), {});
    const std::vector<std::string_view> idle{"sglang:num_running_reqs", "sglang:num_queue_reqs",
                                             "sglang:token_usage"};
    EXPECT_THAT(missing(names, idle, false), IsEmpty());
    EXPECT_THAT(missing(names, idle, true),
                testing::Contains(HasSubstr("sglang:generation_tokens generation_tokens")));
    const TargetMapping router(Mapping::built_in(), Mapping::built_in()->identity("smg", ""), {});
    EXPECT_THAT(missing(router, {}, true), IsEmpty());
}

}  // namespace
}  // namespace inferscope::mapping
