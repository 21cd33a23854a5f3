// SPDX-License-Identifier: Apache-2.0
#include "app/config_page.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "net/secrets.h"
#include "net/url.h"

namespace inferscope::app {
namespace {

/// Sections that hold secrets, but whose other keys (a user's name, a scheme) aren't secret.
constexpr std::array<std::string_view, 3> kSections{"basic_auth", "authorization", "oauth2"};

bool names_secret(std::string_view key) {
    const bool is_harmless = key.ends_with("_file") || key == "max_tokens";
    return !is_harmless && std::ranges::find(kSections, key) == kSections.end() &&
           net::sounds_secret(key);
}

std::string redacted_text(const std::string& text) {
    if (text.find("://") == std::string::npos) return text;
    const auto url = net::Url::parse(text);
    if (!url) return text;
    const bool has_secret = !url->user.empty() || !url->password.empty() ||
                            net::redact_target(url->target) != url->target;
    return has_secret ? url->redacted() : text;
}

/// `is_secret`: below a key that sounds so.
YAML::Node redacted(const YAML::Node& node, bool is_secret) {
    if (node.IsMap()) {
        YAML::Node copy(YAML::NodeType::Map);
        for (const auto& entry : node) {
            const auto key = entry.first.as<std::string>("");
            copy[entry.first] = redacted(entry.second, is_secret || names_secret(key));
        }
        return copy;
    }
    if (node.IsSequence()) {
        YAML::Node copy(YAML::NodeType::Sequence);
        for (const auto& entry : node) copy.push_back(redacted(entry, is_secret));
        return copy;
    }
    if (!node.IsScalar()) return YAML::Node(YAML::NodeType::Null);
    return YAML::Node(is_secret ? "<secret>" : redacted_text(node.Scalar()));
}

}  // namespace

std::string config_page(const YAML::Node& root) {
    if (!root.IsMap()) return "";
    return YAML::Dump(redacted(root, false)) + '\n';
}

}  // namespace inferscope::app
