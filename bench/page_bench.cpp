// SPDX-License-Identifier: Apache-2.0
// Reading pages: the scrape's readers beside the barest loops that could do the job, in one run.
//
//   KnownLayout   a steady page, two fifths of its values new: PageReader with hand-over against
//   memcmp of the
//                 known bytes and from_chars of what changed
//   FirstPage     a page never seen: TargetRows (labels, limits, announcement) against split, hash
//   look-up, from_chars
#include <absl/container/flat_hash_map.h>
#include <benchmark/benchmark.h>
#include <fast_float/fast_float.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/page_variants.h"
#include "scrape/target_rows.h"

namespace inferscope {
namespace {

const std::vector<std::string>& pages() {
    static const auto kPages = bench::variants_of(
        bench::read_text(INFERSCOPE_SOURCE_DIR "/tests/pages/vllm-v1-objects/single-after.prom"));
    return kPages;
}

/// Takes rows as the store will: one copy of the values.
class CopyingAppender final : public Appender {
public:
    GroupId open_group(std::string_view) override { return GroupId{0}; }
    void start_epoch(GroupId) override {}
    void add_columns(GroupId, std::span<const Column> columns) override {
        columns_ += columns.size();
    }
    Result<void> append_row(GroupId, const Row& row) override {
        values_.assign(row.values.begin(), row.values.end());
        benchmark::DoNotOptimize(values_.data());
        return {};
    }
    void append_gap(GroupId, Timestamp) override {}
    Result<void> append_timed(GroupId, std::span<const TimedSample>) override { return {}; }
    void append_exemplars(GroupId, std::span<const Exemplar>) override {}
    void close_group(GroupId, Timestamp) override {}

private:
    std::size_t columns_ = 0;
    std::vector<double> values_;
};

discovery::TargetPtr bench_target() {
    auto target = std::make_shared<discovery::Target>();
    target->url = net::Url::parse("http://127.0.0.1:8000/metrics").value();
    target->labels = Labels::from({{"job", "vllm"}, {"instance", "127.0.0.1:8000"}});
    target->settings = std::make_shared<const discovery::ScrapeSettings>();
    return target;
}

void BM_KnownLayout(benchmark::State& state) {
    CopyingAppender appender;
    scrape::PageLayouts layouts;
    scrape::TargetRows rows(appender, layouts, bench_target());
    Timestamp now = 0;
    std::size_t turn = 0;
    std::string page;
    for (auto _ : state) {
        // The copy stands for the bytes that arrive from the socket; the bare loop pays for it too.
        page.assign(pages()[turn++ % bench::kVariants]);
        const auto appended = rows.append(page, exposition::Format::text, now += 1000);
        CHECK(appended && (turn == 1 || appended->layout_known), "the layout stays known");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pages()[0].size()));
}
BENCHMARK(BM_KnownLayout);

void BM_KnownLayoutBare(benchmark::State& state) {
    struct Line {
        std::size_t fixed, value;
    };
    std::vector<Line> layout;
    std::string known = pages()[0];
    for (std::size_t at = 0, start = 0; at < known.size();) {
        const std::size_t end = known.find('\n', at);
        if (known[at] != '#') {
            const std::size_t value_at = known.rfind(' ', end) + 1;
            layout.push_back({value_at - start, end - value_at});
            start = end + 1;
        }
        at = end + 1;
    }
    std::vector<double> values(layout.size());
    std::vector<double> row;
    std::size_t turn = 0;
    std::string page;
    for (auto _ : state) {
        page.assign(pages()[turn++ % bench::kVariants]);
        const char* old = known.data();
        const char* now = page.data();
        for (std::size_t i = 0; i < layout.size(); ++i) {
            auto& [fixed, value] = layout[i];
            CHECK(std::memcmp(old, now, fixed) == 0, "known bytes");
            old += fixed;
            now += fixed;
            const std::size_t old_value = value;
            if (std::memcmp(old, now, value + 1) != 0) {
                const auto parsed =
                    fast_float::from_chars(now, page.data() + page.size(), values[i]);
                value = static_cast<std::size_t>(parsed.ptr - now);
            }
            old += old_value + 1;
            now += value + 1;
        }
        known.swap(page);
        row.assign(values.begin(), values.end());
        benchmark::DoNotOptimize(row.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pages()[0].size()));
}
BENCHMARK(BM_KnownLayoutBare);

void BM_FirstPage(benchmark::State& state) {
    std::string page;
    for (auto _ : state) {
        CopyingAppender appender;
        scrape::PageLayouts layouts;
        scrape::TargetRows rows(appender, layouts, bench_target());
        page.assign(pages()[0]);
        CHECK(rows.append(page, exposition::Format::text, 1000).has_value(), "the page is fine");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pages()[0].size()));
}
BENCHMARK(BM_FirstPage);

/// A page whose lines are known but stand in another order: read line by line.
void BM_Resynchronise(benchmark::State& state) {
    CopyingAppender appender;
    scrape::PageLayouts layouts;
    scrape::TargetRows rows(appender, layouts, bench_target());
    const std::string one = pages()[0];
    const std::string other = "lone_metric 1\n" + pages()[1];
    std::string page = other;
    CHECK(rows.append(page, exposition::Format::text, 1).has_value(), "the page is fine");
    bool turn = true;
    for (auto _ : state) {
        page.assign(turn ? one : other);
        turn = !turn;
        const auto appended = rows.append(page, exposition::Format::text, 1000);
        CHECK(appended && !appended->layout_known, "each page differs from the one before");
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pages()[0].size()));
}
BENCHMARK(BM_Resynchronise);

void BM_FirstPageBare(benchmark::State& state) {
    absl::flat_hash_map<std::string, std::size_t> columns;
    std::vector<double> values(1000);
    std::string page;
    for (auto _ : state) {
        page.assign(pages()[0]);
        const char* at = page.data();
        const char* end = at + page.size();
        while (at < end) {
            const auto* newline =
                static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
            if (*at != '#') {
                const char* space = newline;
                while (space[-1] != ' ') --space;
                const std::string_view key(at, static_cast<std::size_t>(space - 1 - at));
                auto column = columns.find(absl::string_view(key.data(), key.size()));
                if (column == columns.end()) column = columns.emplace(key, columns.size()).first;
                fast_float::from_chars(space, newline, values[column->second]);
            }
            at = newline + 1;
        }
        benchmark::DoNotOptimize(values.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(pages()[0].size()));
}
BENCHMARK(BM_FirstPageBare);

}  // namespace
}  // namespace inferscope
