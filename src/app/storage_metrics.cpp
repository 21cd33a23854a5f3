// SPDX-License-Identifier: Apache-2.0
#include "app/storage_metrics.h"

#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "telemetry/families.h"

namespace inferscope::app {

void write_store_metrics(RowWriter& rows, const VerdictCounts& samples,
                         const tsdb::StoreStats& store, std::uint64_t not_kept) {
    static const auto kAppended = make_counter("inferscope_tsdb_samples_appended_total",
                                               "Samples that the store took from all sources.");
    static const auto kRefused = make_counter("inferscope_tsdb_samples_refused_total",
                                              "Samples that the store refused, by why.");
    static const auto kNotKept = make_counter(
        "inferscope_tsdb_rows_not_kept_total",
        "Rows of our own sources that the store couldn't take: the disk is full or fails.");
    static const auto kSeries = make_gauge("inferscope_tsdb_head_series", "Series in memory.");
    static const auto kGroups = make_gauge("inferscope_tsdb_head_groups", "Groups that are open.");
    static const auto kChunks = make_gauge("inferscope_tsdb_head_chunks", "Chunks in memory.");
    static const auto kBytes =
        make_gauge("inferscope_tsdb_head_bytes", "Memory of series and chunks.");
    static const auto kLog = make_gauge("inferscope_tsdb_wal_bytes", "Size of the log.");
    static const auto kBlocks = make_gauge("inferscope_tsdb_blocks", "Blocks on disk.");
    static const auto kBlockBytes = make_gauge("inferscope_tsdb_blocks_bytes", "Their size.");
    static const auto kBlockSamples =
        make_gauge("inferscope_tsdb_blocks_samples", "Samples in blocks.");
    static const auto kSetAside =
        make_gauge("inferscope_tsdb_blocks_set_aside", "Harmed blocks, set aside as *.harmed.");
    static const auto kHarmedChunks =
        make_counter("inferscope_tsdb_harmed_chunks_total", "Chunks of blocks that can't be read.");
    static const auto kCuts =
        make_counter("inferscope_tsdb_head_cuts_total", "Times the head was written into blocks.");
    static const auto kCompactions =
        make_counter("inferscope_tsdb_compactions_total", "Blocks merged.");
    static const auto kFailures = make_counter("inferscope_tsdb_background_failures_total",
                                               "Cuts, compactions and the like that failed.");
    using enum Verdict;
    static constexpr std::array<std::pair<Verdict, std::string_view>, 4> kReasons{
        {{out_of_order, "out_of_order"},
         {duplicate, "duplicate"},
         {out_of_bounds, "out_of_bounds"},
         {over_limit, "limit"}}};
    const auto set = [&](const FamilyPtr& family, auto value) {
        rows.set(family, {}, static_cast<double>(value));
    };
    set(kAppended, samples[taken]);
    for (const auto& [verdict, reason] : kReasons)
        rows.set(kRefused, {{"reason", reason}}, static_cast<double>(samples[verdict]));
    set(kNotKept, not_kept);
    set(kSeries, store.head.series);
    set(kGroups, store.head.groups);
    set(kChunks, store.head.memory.chunks);
    set(kBytes, store.head.memory.bytes);
    set(kLog, store.wal_bytes);
    set(kBlocks, store.blocks.blocks);
    set(kBlockBytes, store.blocks.bytes);
    set(kBlockSamples, store.blocks.samples);
    set(kSetAside, store.blocks.set_aside);
    set(kHarmedChunks, store.blocks.harmed_chunks);
    set(kCuts, store.cuts);
    set(kCompactions, store.compactions);
    set(kFailures, store.failures);
}

void write_receiver_metrics(RowWriter& rows, const remote::IntakeCounters& intake,
                            const remote::EndpointCounters& endpoint) {
    static const auto kRequests =
        make_counter("inferscope_remote_write_requests_total", "Requests received.");
    static const auto kRefusedRequests =
        make_counter("inferscope_remote_write_requests_refused_total",
                     "Requests of which nothing was kept, by why.");
    static const auto kBytes =
        make_counter("inferscope_remote_write_bytes_total", "Bytes received, compressed.");
    static const auto kSamples =
        make_counter("inferscope_remote_write_samples_total", "Samples taken.");
    static const auto kRefused =
        make_counter("inferscope_remote_write_samples_refused_total", "Samples refused, by why.");
    static const auto kSeries =
        make_gauge("inferscope_remote_write_series", "Series that are known by their label bytes.");
    static const auto kInFlight =
        make_gauge("inferscope_remote_write_requests_in_flight", "Requests being worked on.");
    const auto set = [&](const FamilyPtr& family, std::uint64_t value) {
        rows.set(family, {}, static_cast<double>(value));
    };
    const auto set_reason = [&](const FamilyPtr& family, std::string_view reason,
                                std::uint64_t value) {
        rows.set(family, {{"reason", reason}}, static_cast<double>(value));
    };
    set(kRequests, endpoint.requests);
    set_reason(kRefusedRequests, "type", endpoint.refused_type);
    set_reason(kRefusedRequests, "body", endpoint.refused_body + intake.refused_rubbish);
    set_reason(kRefusedRequests, "size", intake.refused_by_size);
    set_reason(kRefusedRequests, "busy", endpoint.refused_busy);
    set_reason(kRefusedRequests, "store", intake.failed);
    set(kBytes, endpoint.bytes);
    set(kSamples, intake.samples[Verdict::taken]);
    set_reason(kRefused, "out_of_order", intake.samples[Verdict::out_of_order]);
    set_reason(kRefused, "duplicate", intake.samples[Verdict::duplicate]);
    set_reason(kRefused, "out_of_bounds", intake.samples[Verdict::out_of_bounds]);
    set_reason(kRefused, "limit", intake.refused_by_bounds);
    set_reason(kRefused, "labels", intake.invalid_labels);
    set_reason(kRefused, "native_histogram", intake.native_histograms);
    set(kSeries, intake.series);
    set(kInFlight, endpoint.requests_in_flight);
}

void write_query_metrics(RowWriter& rows, const api::AnswerCache& answers) {
    static const auto kHits = make_counter("inferscope_query_cache_hits_total",
                                           "Queries answered by what another one had evaluated.");
    static const auto kMisses = make_counter("inferscope_query_cache_misses_total",
                                             "Queries that asked for a kept answer in vain.");
    static const auto kBytes =
        make_gauge("inferscope_query_cache_bytes", "Memory of kept answers.");
    rows.set(kHits, {}, static_cast<double>(answers.counters().hits));
    rows.set(kMisses, {}, static_cast<double>(answers.counters().misses));
    rows.set(kBytes, {}, static_cast<double>(answers.bytes()));
}

}  // namespace inferscope::app
