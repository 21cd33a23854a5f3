// SPDX-License-Identifier: Apache-2.0
#include "api/json_pages.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace inferscope::api {
namespace {

scrape::TargetStatus status_of(std::string_view url) {
    auto target = std::make_shared<discovery::Target>();
    target->url = net::Url::parse(url).value();
    target->labels = Labels::from({{"job", "j"}, {"instance", "i\xff"}});
    target->discovered_labels = Labels::from({{"__param_token", "hush"}, {"__param_module", "x"}});
    target->job = "j";
    target->interval = Millis(5'000);
    target->timeout = Millis(1'500);
    scrape::TargetStatus status;
    status.target = target;
    return status;
}

TEST(TargetsJson, HasPrometheussShapeAndShowsNoSecrets) {
    const auto json = nlohmann::json::parse(
        targets_json({status_of("http://user:hush@h:1/m?token=hush")}, {}, "any"));
    EXPECT_EQ(json["status"], "success");
    const auto& target = json["data"]["activeTargets"][0];
    EXPECT_EQ(target["scrapePool"], "j");
    EXPECT_EQ(target["health"], "unknown");
    EXPECT_EQ(target["lastScrape"], "0001-01-01T00:00:00Z");
    EXPECT_EQ(target["scrapeInterval"], "5s");
    EXPECT_EQ(target["scrapeTimeout"], "1s500ms");
    EXPECT_EQ(target["discoveredLabels"]["__param_module"], "x");
    EXPECT_EQ(json.dump().find("hush"), std::string::npos);
}

TEST(TargetsJson, GivesOnlyTheStateAskedFor) {
    discovery::DroppedTarget dropped;
    dropped.discovered_labels = Labels::from({{"__address__", "x:1"}});
    const auto active =
        nlohmann::json::parse(targets_json({status_of("http://h:1/")}, {dropped}, "active"));
    EXPECT_EQ(active["data"]["activeTargets"].size(), 1u);
    EXPECT_EQ(active["data"]["droppedTargets"].size(), 0u);
    const auto only_dropped =
        nlohmann::json::parse(targets_json({status_of("http://h:1/")}, {dropped}, "dropped"));
    EXPECT_EQ(only_dropped["data"]["activeTargets"].size(), 0u);
    EXPECT_EQ(only_dropped["data"]["droppedTargets"][0]["discoveredLabels"]["__address__"], "x:1");
}

TEST(Rfc3339, WritesMilliseconds) {
    EXPECT_EQ(rfc3339(1'700'000'000'042), "2023-11-14T22:13:20.042Z");
}

TEST(JsonError, HasPrometheussShape) {
    const auto response = json_error(400, "bad_data", "no \"such\" thing");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body,
              R"({"status":"error","errorType":"bad_data","error":"no \"such\" thing"})");
}

}  // namespace
}  // namespace inferscope::api
