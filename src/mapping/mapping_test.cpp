// SPDX-License-Identifier: Apache-2.0
#include "mapping/mapping.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "telemetry/labels.h"

namespace inferscope::mapping {
namespace {

using testing::AllOf;
using testing::HasSubstr;

ParseError error_of(std::string_view text, const yaml::Limits& limits = {}) {
    const auto mapping = Mapping::parse(text, "posted", limits);
    EXPECT_FALSE(mapping) << text;
    return mapping ? ParseError{} : mapping.error();
}

Identity recognise(std::vector<std::string_view> samples,
                   std::vector<std::string_view> labels = {}) {
    return Mapping::built_in()->recognise(samples, labels);
}

TEST(Mapping, HasAValidBuiltInFile) {
    std::vector<ParseError> warnings;
    const auto mapping = Mapping::parse(Mapping::built_in_text(), "built-in", {}, &warnings);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_TRUE(warnings.empty());
    EXPECT_TRUE(Mapping::built_in());
}

TEST(Mapping, RefusesAFileThatGivesNoEngineARule) {
    for (const auto* text : {"", "---\n", "# nothing\n", "null"}) {
        const auto error = error_of(text);
        EXPECT_THAT(error.message(),
                    AllOf(HasSubstr("the mapping is empty"), HasSubstr("/metrics/default-config")));
    }
    for (const auto* text :
         {"gpustack_metrics: {}", "gpustack_metrics:", R"({"gpustack_metrics": {}})",
          "gpustack_metrics: {a: {type: Gauge, description: A.}}\ninferscope: {runtimes: {}}"}) {
        EXPECT_THAT(error_of(text).message(), AllOf(HasSubstr("no rule for any engine"),
                                                    HasSubstr("/metrics/default-config")));
    }
}

TEST(Mapping, TellsRuntimesInAnyCaseAndSpelling) {
    const auto mapping = Mapping::built_in();
    EXPECT_EQ(mapping->canonical_runtime("vllm"), "vLLM");
    EXPECT_EQ(mapping->canonical_runtime("SGLANG"), "SGLang");
    EXPECT_EQ(mapping->canonical_runtime("ascend-mindie"), "MindIE");
    EXPECT_EQ(mapping->canonical_runtime("Ascend-MindIE"), "MindIE");
    EXPECT_EQ(mapping->canonical_runtime("llamacpp"), "llama.cpp");
    EXPECT_EQ(mapping->canonical_runtime("VoxBox"), "");
    EXPECT_EQ(mapping->identity("litellm", "").kind, Kind::router);
    EXPECT_EQ(mapping->identity("vllm", "0.9"), (Identity{"vLLM", "0.9", Kind::engine}));
    EXPECT_FALSE(mapping->identity("nobody", "1").is_engine());
}

TEST(Mapping, RecognisesEnginesByTheirFamilies) {
    EXPECT_EQ(recognise({"vllm:kv_cache_usage_perc", "python_info"}).runtime, "vLLM");
    EXPECT_EQ(recognise({"vllm:generation_tokens_total"}).runtime, "vLLM");
    EXPECT_EQ(recognise({"vllm:time_to_first_token_seconds_bucket"}).runtime, "vLLM");
    EXPECT_EQ(recognise({"ray_vllm:num_requests_running"}).runtime, "vLLM");
    EXPECT_EQ(recognise({"ray_vllm_num_requests_running", "ray_serve_num_http_requests"}).runtime,
              "vLLM");
    EXPECT_EQ(recognise({"vllm_num_requests_running"}).runtime, "vLLM");
    EXPECT_EQ(recognise({"sglang:num_running_reqs"}).runtime, "SGLang");
    EXPECT_EQ(recognise({"sglang_generation_tokens_total"}).runtime, "SGLang");
    EXPECT_EQ(recognise({"lmdeploy:num_requests_running"}).runtime, "LMDeploy");
    EXPECT_EQ(recognise({"llamacpp:requests_processing"}).runtime, "llama.cpp");
    EXPECT_EQ(recognise({"tgi_queue_size"}).runtime, "TGI");
    EXPECT_EQ(recognise({"trtllm_request_success_total"}).runtime, "TensorRT-LLM");
    EXPECT_EQ(recognise({"nv_inference_count", "nv_trt_llm_request_metrics"}).runtime, "Triton");
    EXPECT_EQ(recognise({"nv_inference_count", "vllm:prompt_tokens_total",
                         "vllm:e2e_request_latency_seconds_sum"})
                  .runtime,
              "vLLM");
}

TEST(Mapping, TellsEnginesThatShareBareNames) {
    const std::vector<std::string_view> shared{"num_requests_running", "num_requests_waiting",
                                               "prompt_tokens_total"};
    auto mindie = shared;
    mindie.emplace_back("npu_cache_usage_perc");
    auto nim = shared;
    nim.emplace_back("gpu_cache_usage_perc");
    EXPECT_EQ(recognise(mindie).runtime, "MindIE");
    EXPECT_EQ(recognise(nim).runtime, "NIM");
    EXPECT_EQ(recognise(shared).runtime, "");
}

TEST(Mapping, TellsRoutersThatRepeatTheirEnginesNames) {
    const auto by_label = recognise({"vllm:num_requests_running"}, {"server"});
    EXPECT_EQ(by_label.runtime, "production-stack");
    EXPECT_EQ(by_label.kind, Kind::router);
    EXPECT_EQ(recognise({"vllm:num_requests_running", "vllm:current_qps"}).kind, Kind::router);
    EXPECT_EQ(recognise({"sglang:num_running_reqs"}, {"model_name", "worker_addr"}).runtime, "smg");
    EXPECT_EQ(recognise({"smg_worker_health"}).kind, Kind::router);
    EXPECT_EQ(recognise({"sgl_router_requests_total"}).kind, Kind::router);
    EXPECT_EQ(recognise({"litellm_requests_metric_total"}).kind, Kind::router);
    EXPECT_EQ(recognise({"ray_serve_num_http_requests"}).kind, Kind::router);
    EXPECT_EQ(recognise({"dynamo_frontend_requests_total"}).kind, Kind::router);
    EXPECT_EQ(recognise({"dynamo_component_requests_total", "vllm:num_requests_running"}).runtime,
              "vLLM");
}

TEST(Mapping, TakesNothingElseForAnEngine) {
    EXPECT_EQ(recognise({"vllm_model_loaded", "vllm_service_up",
                         "vllm_health_check_latency_seconds_bucket"})
                  .runtime,
              "");
    EXPECT_EQ(recognise({"gpustack:num_requests_running"}).runtime, "");
    EXPECT_EQ(recognise({"nv_inference_count", "nv_gpu_utilization"}).runtime, "");
    EXPECT_EQ(recognise({"node_cpu_seconds_total", "up"}).runtime, "");
    EXPECT_EQ(recognise({}).runtime, "");
    EXPECT_EQ(recognise({"DCGM_FI_DEV_GPU_UTIL"}).kind, Kind::exporter);
    EXPECT_FALSE(recognise({"DCGM_FI_DEV_GPU_UTIL"}).is_engine());
}

TEST(Mapping, GivesAFileWithoutOurKeyTheBuiltInOne) {
    const auto mapping = Mapping::parse(R"(
gpustack_metrics:
  gpustack:num_requests_running: {type: Gauge, description: d}
runtime_mapping:
  vllm: {"*": {"vllm:num_requests_running": "gpustack:num_requests_running"}}
)",
                                        "stock");
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_EQ((*mapping)->canonical_runtime("vLLM"), "vLLM");
    EXPECT_EQ((*mapping)->canonical_runtime("ascend-mindie"), "MindIE");
    const auto again = Mapping::parse((*mapping)->to_json(), "posted back");
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ((*again)->to_json(), (*mapping)->to_json());
    EXPECT_EQ((*again)->canonical_runtime("ascend-mindie"), "MindIE");
}

TEST(Mapping, TakesAnEngineThatOnlyTheFileKnows) {
    const auto mapping = Mapping::parse(R"({
        "gpustack_metrics": {"num_requests_running": {"type": "gauge"}},
        "runtime_mapping": {"Mine": {"*": {"mine_running": "num_requests_running"}}},
        "inferscope": {"runtimes": {"Mine": {"recognise": [{"any": ["mine_*"]}]}}}})",
                                        "posted");
    ASSERT_TRUE(mapping) << mapping.error().message();
    const std::vector<std::string_view> page{"mine_running"};
    EXPECT_EQ((*mapping)->recognise(page, {}).runtime, "Mine");
    EXPECT_EQ((*mapping)->canonical_runtime("vllm"), "");
}

TEST(Mapping, AnswersAsJsonThatReadsBackTheSame) {
    const auto built_in = Mapping::built_in();
    const auto json = nlohmann::json::parse(built_in->to_json());
    EXPECT_EQ(json["gpustack_metrics"].size(), 28u);
    EXPECT_EQ(json["gpustack_metrics"]["gpustack:prompt_tokens"]["type"], "Counter");
    EXPECT_EQ(json["runtime_mapping"]["vLLM"]["<0.9.2"]["vllm:gpu_cache_usage_perc"],
              "gpustack:kv_cache_usage_ratio");
    EXPECT_TRUE(json["inferscope"]["runtimes"].contains("DCGM"));
    const auto again = Mapping::parse(built_in->to_json(), "posted", yaml::kStrangerLimits);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ((*again)->to_json(), built_in->to_json());
}

TEST(Mapping, KeepsVersionsInJsonAsTexts) {
    const auto mapping = Mapping::parse(R"(
gpustack_metrics: {x: {type: Gauge}}
inferscope: {runtimes: {E: {expected: [{family: f, since: "0.10"}], signals: {progress_at_end: true},
                            rules: [{from: f, to: x}]}}}
)",
                                        "f");
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_THAT((*mapping)->to_json(),
                AllOf(HasSubstr(R"("since":"0.10")"), HasSubstr(R"("progress_at_end":true)")));
}

TEST(MappingErrors, NameLineKeyAndTheNearestKnownOne) {
    const auto unified = error_of(
        "gpustack_metrics:\n  prompt_tokens: {type: Counter}\nruntime_mapping:\n  vLLM:\n    '*':\n"
        "      vllm:prompt_tokens: promt_tokens\n");
    EXPECT_EQ(unified.line, 6);
    EXPECT_GT(unified.column, 0);
    EXPECT_THAT(unified.text,
                AllOf(HasSubstr("promt_tokens"), HasSubstr("did you mean 'prompt_tokens'")));
    const auto key = error_of("gpustack_metric: {}\n");
    EXPECT_THAT(key.text, HasSubstr("did you mean 'gpustack_metrics'"));
    const auto range = error_of(
        "gpustack_metrics:\n  x: {type: Gauge}\nruntime_mapping:\n  vLLM:\n    '<new': {a: x}\n");
    EXPECT_EQ(range.line, 5);
    EXPECT_THAT(range.text, HasSubstr("'new'"));
    EXPECT_THAT(error_of("gpustack_metrics:\n  x: {type: Guage}\n").text, HasSubstr("Guage"));
    EXPECT_THAT(error_of("gpustack_metrics:\n  x: {type: Gauge, descripton: d}\n").text,
                HasSubstr("did you mean 'description'"));
}

TEST(MappingErrors, ComeForEveryOddity) {
    const std::string head = "gpustack_metrics: {x: {type: Gauge}, h: {type: Histogram}}\n";
    const auto text_of = [&](std::string_view runtime) {
        return error_of(head + "inferscope: {runtimes: {E: {" + std::string(runtime) + "}}}").text;
    };
    EXPECT_THAT(text_of("kind: proxy"), HasSubstr("engine, router or exporter"));
    EXPECT_THAT(text_of("rules: [{from: a, to: y}]"), HasSubstr("'y' is not in gpustack_metrics"));
    EXPECT_THAT(text_of("rules: [{to: x}]"), HasSubstr("needs 'from'"));
    EXPECT_THAT(text_of("rules: [{from: a}]"), HasSubstr("needs 'to'"));
    EXPECT_THAT(text_of("rules: [{from: 'a{b=~\"c\"}', to: x}]"), HasSubstr("selector"));
    EXPECT_THAT(text_of("rules: [{from: a, to: x, versions: '<soon'}]"), HasSubstr("soon"));
    EXPECT_THAT(text_of("rules: [{from: a, to: x, scale: -1}]"), HasSubstr("scale"));
    EXPECT_THAT(text_of("rules: [{from: a, to: x, factor: 1}]"), HasSubstr("factor"));
    EXPECT_THAT(text_of("ratios: [{to: x, hits: [a]}]"), HasSubstr("queries"));
    EXPECT_THAT(
        text_of("ratios: [{to: x, hits: [a], queries: [b]}, {to: x, hits: [c], queries: [b]}]"),
        HasSubstr("second ratio"));
    EXPECT_THAT(text_of("derived: [{as: a, to: x, from: [b]}]"), HasSubstr("not both"));
    EXPECT_THAT(text_of("derived: [{to: x}]"), HasSubstr("'from'"));
    EXPECT_THAT(text_of("recognise: [{none: [a]}]"), HasSubstr("fits every page"));
    EXPECT_THAT(text_of("expected: [{since: 1}]"), HasSubstr("family"));
    EXPECT_THAT(text_of("expected: [{family: a, since: soon}]"), HasSubstr("soon"));
    EXPECT_THAT(text_of("drop_values: [a]"), HasSubstr("numbers"));
    EXPECT_THAT(text_of("renamed: [{old: a}]"), HasSubstr("'new'"));
    EXPECT_THAT(text_of("families: {a: {select: 'a{b=\"c\"}'}}"), HasSubstr("labels only"));
    EXPECT_THAT(error_of(head + "inferscope: {dcgm_names: newest}").text, HasSubstr("old or new"));
    EXPECT_THAT(error_of(head + "inferscope: {runtimes: {E: {}, e: {}}}").text, HasSubstr("twice"));
    EXPECT_THAT(error_of(head + "runtime_mapping: {vllm: {}, vLLM: {}}").text,
                HasSubstr("second time"));
    EXPECT_THAT(error_of(head + "runtime_mapping: {vllm: {'*': {a: x, a: h}}}").text,
                HasSubstr("twice"));
    EXPECT_THAT(error_of(head + "runtime_mapping: [a]").text, HasSubstr("must be a mapping"));
    EXPECT_THAT(error_of("{}").text, HasSubstr("gpustack_metrics is missing"));
    EXPECT_THAT(error_of("[1, 2]").text, HasSubstr("must be a mapping"));
    EXPECT_THAT(error_of("gpustack_metrics: {'a b': {type: Gauge}}").text,
                HasSubstr("not a metric's name"));
}

TEST(MappingErrors, BoundWhatStrangersPost) {
    EXPECT_THAT(error_of("a: &x 1\nb: *x\n", yaml::kStrangerLimits).text, HasSubstr("aliases"));
    EXPECT_THAT(error_of(std::string(2u << 20, ' '), yaml::kStrangerLimits).text,
                HasSubstr("bound"));
    std::string many = "gpustack_metrics:\n";
    for (int i = 0; i < 3000; ++i) many += "  f" + std::to_string(i) + ": {type: Gauge}\n";
    EXPECT_THAT(error_of(many, yaml::kStrangerLimits).text, HasSubstr("2000"));
}

}  // namespace
}  // namespace inferscope::mapping
