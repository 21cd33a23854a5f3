// SPDX-License-Identifier: Apache-2.0
#include "app/config_page.h"

#include <gtest/gtest.h>

namespace inferscope::app {
namespace {

std::string page(std::string_view text) {
    const auto root = yaml::parse(text, "f");
    EXPECT_TRUE(root);
    return config_page(*root);
}

TEST(ConfigPage, ShowsNoSecret) {
    const auto shown = page(
        "scrape_configs:\n"
        "- job_name: a\n"
        "  basic_auth: {username: joe, password: hunter2}\n"
        "  authorization: {type: Bearer, credentials: hunter2}\n"
        "  bearer_token: hunter2\n"
        "  params: {api_key: [hunter2], module: [m]}\n"
        "  static_configs: [{targets: ['h:1'], labels: {__param_token: hunter2}}]\n"
        "  http_sd_configs: [{url: 'http://joe:hunter2@h/sd?token=hunter2'}]\n"
        "  tls_config: {key: hunter2, key_file: k.pem}\n"
        "probe: {chat: {max_tokens: 8, headers: {X-API-Key: hunter2}}}\n"
        "secrets: {a: {b: hunter2}}\n");
    EXPECT_EQ(shown.find("hunter2"), std::string::npos) << shown;
    for (const auto* const kept : {"joe", "Bearer", "k.pem", "max_tokens: 8", "h:1", "module"})
        EXPECT_NE(shown.find(kept), std::string::npos) << kept << " in " << shown;
}

TEST(ConfigPage, KeepsWhatTheUserWrote) {
    EXPECT_EQ(page("global: {scrape_interval: 5s}\n"), "global:\n  scrape_interval: 5s\n");
    EXPECT_EQ(page(""), "");
}

}  // namespace
}  // namespace inferscope::app
