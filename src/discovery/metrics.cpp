// SPDX-License-Identifier: Apache-2.0
#include "discovery/metrics.h"

#include <map>
#include <string>

#include "telemetry/families.h"

namespace inferscope::discovery {
void write_metrics(RowWriter& rows, const Findings& findings) {
    static const FamilyPtr kTargets =
        make_gauge("inferscope_discovery_targets", "Targets that are scraped, by scrape job.");
    static const FamilyPtr kDropped =
        make_gauge("inferscope_discovery_dropped_targets",
                   "Discovered label sets that rules dropped or that make no target.");
    static const FamilyPtr kFailed = make_gauge(
        "inferscope_discovery_source_failed",
        "1 if the source's last look failed and its targets are those of an earlier one.");
    static const FamilyPtr kUnreadable =
        make_gauge("inferscope_discovery_processes_unreadable",
                   "Processes of engines whose sockets we may not see: "
                   "found by the port of their flags only.");
    std::map<std::string_view, int> by_job;
    for (const auto& target : findings.targets) ++by_job[target->job];
    for (const auto& [job, count] : by_job) rows.set(kTargets, {{"scrape_job", job}}, count);
    rows.set(kDropped, {}, static_cast<double>(findings.dropped_total));
    for (const auto& source : findings.sources) {
        rows.set(kFailed, {{"scrape_job", source.job}, {"source", source.name}},
                 source.error.empty() ? 0 : 1);
    }
    rows.set(kUnreadable, {}, static_cast<double>(findings.unreadable_processes));
}

}  // namespace inferscope::discovery
