// SPDX-License-Identifier: Apache-2.0
#include "discovery/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "telemetry/recording_appender.h"

namespace inferscope::discovery {
namespace {

TEST(DiscoveryMetrics, CountTargetsAndShowFailedSources) {
    Findings findings;
    for (const auto* const job : {"a", "a", "b"}) {
        Target target;
        target.job = job;
        findings.targets.push_back(std::make_shared<const Target>(target));
    }
    findings.dropped_total = 7;
    findings.sources = {{"a", "http_sd http://h/", 2, "refused"}, {"b", "file_sd x.yml", 1, ""}};
    findings.unreadable_processes = 3;
    RecordingAppender appender;
    RowWriter rows(appender, "self");
    write_metrics(rows, findings);
    ASSERT_TRUE(rows.flush(1));
    EXPECT_THAT(
        appender.latest(),
        testing::UnorderedElementsAre(
            testing::Pair("inferscope_discovery_targets{scrape_job=\"a\"}", 2),
            testing::Pair("inferscope_discovery_targets{scrape_job=\"b\"}", 1),
            testing::Pair("inferscope_discovery_dropped_targets", 7),
            testing::Pair(
                "inferscope_discovery_source_failed{scrape_job=\"a\",source=\"http_sd http://h/\"}",
                1),
            testing::Pair(
                "inferscope_discovery_source_failed{scrape_job=\"b\",source=\"file_sd x.yml\"}", 0),
            testing::Pair("inferscope_discovery_processes_unreadable", 3)));
}

}  // namespace
}  // namespace inferscope::discovery
