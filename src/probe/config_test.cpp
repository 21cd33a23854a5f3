// SPDX-License-Identifier: Apache-2.0
#include "probe/config.h"

#include <gtest/gtest.h>

namespace inferscope::probe {
namespace {

using namespace std::chrono_literals;

Result<ProbeConfig, ParseError> read(std::string_view text) {
    const auto node = yaml::parse(text, "t.yml");
    if (!node) return node.error();
    yaml::Diagnostics diagnostics("t.yml");
    auto config = ProbeConfig::read(*node, diagnostics);
    if (!diagnostics.ok()) return *diagnostics.error();
    return config;
}

TEST(ProbeConfig, NeverGeneratesUnlessAsked) {
    const auto config = read("interval: 10s");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->interval, 10s);
    EXPECT_EQ(config->timeout, 5s);
    EXPECT_FALSE(config->chat.enabled);
}

TEST(ProbeConfig, ReadsTheSyntheticRequest) {
    const auto config = read(
        "chat: {enabled: true, model: q, prompt: Hello, max_tokens: 3, interval: 5m, timeout: "
        "10s}");
    ASSERT_TRUE(config);
    EXPECT_TRUE(config->chat.enabled);
    EXPECT_EQ(config->chat.model, "q");
    EXPECT_EQ(config->chat.prompt, "Hello");
    EXPECT_EQ(config->chat.max_tokens, 3);
    EXPECT_EQ(config->chat.interval, 5min);
    EXPECT_EQ(config->chat.timeout, 10s);
}

TEST(ProbeConfig, RefusesUnknownKeysAndBoundlessRequests) {
    EXPECT_FALSE(read("intervall: 10s"));
    const auto many = read("chat: {max_tokens: 100000}");
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().text, "max_tokens of probe.chat is 100000, it must be 1 to 4096");
    EXPECT_FALSE(read("chat: {prompt: ''}"));
}

}  // namespace
}  // namespace inferscope::probe
