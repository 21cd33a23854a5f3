// SPDX-License-Identifier: Apache-2.0
#include "probe/chat_stream.h"

#include <gtest/gtest.h>

namespace inferscope::probe {
namespace {

using namespace std::chrono_literals;

const SteadyTime t0{};
// As llama.cpp's server sends it: two events in the first piece, finish and usage in two events of
// another.
constexpr std::string_view kRole =
    "data: "
    "{\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"role\":\"assistant\","
    "\"content\":null}}]}\n\n";
constexpr std::string_view kToken =
    "data: "
    "{\"choices\":[{\"finish_reason\":null,\"index\":0,\"delta\":{\"content\":\"kif\"}}]}\n\n";
constexpr std::string_view kFinish =
    "data: {\"choices\":[{\"finish_reason\":\"length\",\"index\":0,\"delta\":{}}]}\n\n";
constexpr std::string_view kUsage =
    "data: "
    "{\"choices\":[],\"usage\":{\"completion_tokens\":24,\"prompt_tokens\":18,\"total_tokens\":42}}"
    "\n\n";

TEST(ChatStream, TakesTheFirstContentNotThePingsNorTheRole) {
    ChatStream stream;
    stream.on_bytes(":\n\n", t0 + 1s);
    stream.on_bytes(kRole, t0 + 2s);
    EXPECT_EQ(stream.first_token(), std::nullopt);
    stream.on_bytes(kToken, t0 + 3s);
    stream.on_bytes(kToken, t0 + 4s);
    stream.on_bytes(kFinish, t0 + 5s);
    stream.on_bytes(kUsage, t0 + 5s);
    stream.on_bytes("data: [DONE]\n\n", t0 + 5s);
    EXPECT_EQ(stream.first_token(), t0 + 3s);
    EXPECT_EQ(stream.last_token(), t0 + 4s);
    EXPECT_EQ(stream.input_tokens(), 18);
    EXPECT_EQ(stream.output_tokens(), 24);
    EXPECT_TRUE(stream.is_complete());
    EXPECT_FALSE(stream.has_error() || stream.is_broken());
}

TEST(ChatStream, ReadsTheSameWhereverTheBytesAreCut) {
    const std::string text =
        std::string(kRole) + std::string(kToken) + std::string(kFinish) + std::string(kUsage);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        ChatStream stream;
        stream.on_bytes(std::string_view(text).substr(0, cut), t0 + 1s);
        stream.on_bytes(std::string_view(text).substr(cut), t0 + 2s);
        ASSERT_TRUE(stream.first_token()) << cut;
        EXPECT_EQ(*stream.first_token(), cut >= kRole.size() + kToken.size() ? t0 + 1s : t0 + 2s)
            << cut;
        EXPECT_EQ(stream.output_tokens(), 24);
    }
}

TEST(ChatStream, TakesAllThreeLineEnds) {
    for (const std::string end : {"\n", "\r\n", "\r"}) {
        ChatStream stream;
        stream.on_bytes("data:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}" + end + end, t0);
        EXPECT_TRUE(stream.first_token());
    }
}

TEST(ChatStream, CountsReasoningAndToolCallsAsTokens) {
    for (const std::string delta :
         {R"("reasoning_content":"hm")", R"("reasoning":"hm")", R"("tool_calls":[{}])"}) {
        ChatStream stream;
        stream.on_bytes("data: {\"choices\":[{\"delta\":{" + delta + "}}]}\n\n", t0);
        EXPECT_TRUE(stream.first_token()) << delta;
    }
}

TEST(ChatStream, IsIncompleteWhenTheServerIsKilledMidway) {
    ChatStream stream;
    stream.on_bytes(kToken, t0);
    EXPECT_FALSE(stream.is_complete());
}

TEST(ChatStream, NoticesAnErrorInsideOfTheStream) {
    ChatStream stream;
    stream.on_bytes("data: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n", t0);
    EXPECT_TRUE(stream.has_error());
}

TEST(ChatStream, StopsAtRubbishAndAtEndlessLines) {
    ChatStream rubbish;
    rubbish.on_bytes("data: nonsense\n\n", t0);
    EXPECT_TRUE(rubbish.is_broken());
    ChatStream endless;
    endless.on_bytes(std::string(ChatStream::kMaxLineBytes + 1, 'x'), t0);
    EXPECT_TRUE(endless.is_broken());
}

TEST(ChatStream, IgnoresTheBodyOfAnErrorThatIsNoStream) {
    ChatStream stream;
    stream.on_bytes("{\"error\":{\"message\":\"x\"}}\n", t0);
    EXPECT_FALSE(stream.first_token() || stream.is_complete() || stream.is_broken());
}

}  // namespace
}  // namespace inferscope::probe
