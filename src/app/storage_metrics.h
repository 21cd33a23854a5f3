// SPDX-License-Identifier: Apache-2.0
// What the store, its receivers and its kept answers say of themselves: inferscope_tsdb_*,
// inferscope_remote_write_*, inferscope_query_cache_*.
#pragma once

#include "api/answer_cache.h"
#include "remote/metrics.h"
#include "telemetry/row_writer.h"
#include "tsdb/store.h"

namespace inferscope::app {

/// `samples`: what became of them, now; `store`: as of the last round of background work;
/// `not_kept`: rows of our own sources that the store couldn't take.
void write_store_metrics(RowWriter& rows, const VerdictCounts& samples,
                         const tsdb::StoreStats& store, std::uint64_t not_kept);
void write_receiver_metrics(RowWriter& rows, const remote::IntakeCounters& intake,
                            const remote::EndpointCounters& endpoint);
void write_query_metrics(RowWriter& rows, const api::AnswerCache& answers);

}  // namespace inferscope::app
