// SPDX-License-Identifier: Apache-2.0
#include "probe/config.h"

#include <fmt/format.h>

#include <algorithm>

namespace inferscope::probe {
namespace {

constexpr std::uint64_t kMaxChatTokens = 4096;
constexpr std::size_t kMaxPromptBytes = 64u << 10;

void read_chat(const YAML::Node& node, ChatSettings& chat, yaml::Diagnostics& diagnostics) {
    yaml::MapReader map(node, "probe.chat", diagnostics);
    map.read("enabled", chat.enabled);
    map.read("model", chat.model);
    map.read("prompt", chat.prompt);
    map.read("max_tokens", chat.max_tokens);
    map.read("interval", chat.interval);
    map.read("timeout", chat.timeout);
    map.finish();
    if (chat.max_tokens < 1 || chat.max_tokens > kMaxChatTokens) {
        diagnostics.fail(node, fmt::format("max_tokens of probe.chat is {}, it must be 1 to {}",
                                           chat.max_tokens, kMaxChatTokens));
    }
    if (chat.timeout > chat.interval) {
        diagnostics.fail(node, "probe.chat: timeout is greater than interval");
    }
    if (chat.prompt.empty() || chat.prompt.size() > kMaxPromptBytes) {
        diagnostics.fail(node,
                         fmt::format("prompt of probe.chat has {} bytes, it must have 1 to {}",
                                     chat.prompt.size(), kMaxPromptBytes));
    }
}

}  // namespace

ProbeConfig ProbeConfig::read(const YAML::Node& node, yaml::Diagnostics& diagnostics) {
    ProbeConfig config;
    yaml::MapReader map(node, "probe", diagnostics);
    const bool has_timeout = map.has("timeout");
    map.read("interval", config.interval);
    map.read("timeout", config.timeout);
    map.read("chat", [&](const YAML::Node& chat) { read_chat(chat, config.chat, diagnostics); });
    map.finish();
    if (!has_timeout) config.timeout = std::min(config.timeout, config.interval);
    if (config.timeout > config.interval) {
        diagnostics.fail(node, "probe: timeout is greater than interval");
    }
    return config;
}

}  // namespace inferscope::probe
