// SPDX-License-Identifier: Apache-2.0
// CPU of one collection of this host: the files read, parsed, set into a row and handed over.
#include <benchmark/benchmark.h>

#include "collect/host_collector.h"

namespace inferscope::collect {
namespace {

/// Takes rows and forgets them.
class NoAppender final : public Appender {
public:
    GroupId open_group(std::string_view) override { return {}; }
    void start_epoch(GroupId) override {}
    void add_columns(GroupId, std::span<const Column> columns) override {
        columns_ += columns.size();
    }
    Result<void> append_row(GroupId, const Row& row) override {
        benchmark::DoNotOptimize(row.values.data());
        return {};
    }
    void append_gap(GroupId, Timestamp) override {}
    Result<void> append_timed(GroupId, std::span<const TimedSample>) override { return {}; }
    void append_exemplars(GroupId, std::span<const Exemplar>) override {}
    void close_group(GroupId, Timestamp) override {}

    std::size_t columns_ = 0;
};

void collect_this_host(benchmark::State& state) {
    NoAppender appender;
    RowWriter rows(appender, "host");
    HostCollector host({});
    Timestamp now = 0;
    for (auto _ : state) {
        host.collect(++now, SteadyTime(Millis(now)), rows);
        if (!rows.flush(now)) state.SkipWithError("a row was refused");
    }
    state.counters["series"] = static_cast<double>(appender.columns_);
}
BENCHMARK(collect_this_host)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace inferscope::collect
