// SPDX-License-Identifier: Apache-2.0
// Discovery's self-metrics.
#pragma once

#include "discovery/target_finder.h"
#include "telemetry/row_writer.h"

namespace inferscope::discovery {

/// Sets inferscope_discovery_targets{scrape_job}, _dropped_targets,
/// _source_failed{scrape_job,source}, _processes_unreadable. The caller flushes.
void write_metrics(RowWriter& rows, const Findings& findings);

}  // namespace inferscope::discovery
