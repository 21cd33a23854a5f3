// SPDX-License-Identifier: Apache-2.0
#include "simulate/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace inferscope::simulate {
namespace {

using ::testing::HasSubstr;

TEST(EngineSettings, AreGoodByDefault) { EXPECT_TRUE(EngineSettings{}.check()); }

TEST(EngineSettings, NameTheSettingTheValueAndTheBounds) {
    EngineSettings settings;
    settings.max_num_seqs = 5000;
    const auto checked = settings.check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().text, "simulate: max num seqs is 5000, allowed are 1 to 2048");
}

TEST(EngineSettings, RefuseWhatTheModelCannotPlay) {
    const auto refused = [](auto change) {
        EngineSettings settings;
        change(settings);
        return !settings.check();
    };
    EXPECT_TRUE(refused([](auto& s) { s.kv_blocks = 1; }));
    EXPECT_TRUE(refused([](auto& s) { s.max_num_seqs = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.model_name = ""; }));
    EXPECT_TRUE(refused([](auto& s) { s.model_name = "\xff"; }));
    EXPECT_TRUE(refused([](auto& s) { s.workload.requests_per_second = -1; }));
    EXPECT_TRUE(refused([](auto& s) { s.workload.wave_depth = 1.5; }));
    EXPECT_TRUE(refused([](auto& s) { s.workload.prompt.minimum = 9000; }));
    EXPECT_TRUE(refused([](auto& s) { s.workload.burst_length = std::chrono::seconds(1); }));
}

TEST(EngineKind, ReadsItsOwnNamesOnly) {
    for (const auto kind : {EngineKind::vllm_v0, EngineKind::vllm_v1, EngineKind::sglang}) {
        EXPECT_EQ(parse_engine_kind(to_string(kind)), kind);
    }
    const auto unknown = parse_engine_kind("tgi");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().text, HasSubstr("vllm-v1"));
}

TEST(Faults, ReadsWhatIsGivenAndLeavesTheRestOff) {
    bool restart = false;
    const auto faults = Faults::parse(
        R"({"hang": true, "metrics_delay_ms": 1500, "missing_families": ["a", "b"], "restart": true})",
        restart);
    ASSERT_TRUE(faults) << faults.error().text;
    EXPECT_TRUE(faults->hang);
    EXPECT_FALSE(faults->frozen);
    EXPECT_EQ(faults->metrics_delay, Millis(1500));
    EXPECT_EQ(faults->missing_families.size(), 2u);
    EXPECT_TRUE(restart);
}

TEST(Faults, RefusesUnknownOnesWithTheNearestName) {
    bool restart = false;
    const auto faults = Faults::parse(R"({"hangs": true})", restart);
    ASSERT_FALSE(faults);
    EXPECT_THAT(faults.error().text, HasSubstr("hang"));
    EXPECT_FALSE(Faults::parse("[1, 2]", restart));
}

TEST(Faults, AreBounded) {
    bool restart = false;
    const auto faults = Faults::parse(R"({"loading_ms": 999999999999})", restart);
    ASSERT_TRUE(faults);
    EXPECT_FALSE(faults->check(EngineKind::vllm_v1));
    EXPECT_TRUE(Faults{.sleep = true}.check(EngineKind::vllm_v1));
    EXPECT_FALSE(Faults{.sleep = true}.check(EngineKind::sglang));
    EXPECT_FALSE(
        Faults{.missing_families = std::vector<std::string>(201)}.check(EngineKind::sglang));
}

TEST(ModelSettings, GiveSglangPagesOfOneToken) {
    EngineSettings settings;
    settings.kind = EngineKind::sglang;
    const auto model = model_settings(settings);
    EXPECT_EQ(model.block_tokens, 1);
    EXPECT_EQ(model.kv_blocks, settings.kv_blocks * 16);
}

}  // namespace
}  // namespace inferscope::simulate
