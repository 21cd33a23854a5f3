// SPDX-License-Identifier: Apache-2.0
// `inferscope tsdb`: what a store's folder holds, whether it is whole, and its samples as text, out
// and in. All but import only look: a server may have the folder open.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/json_pages.h"
#include "api/query_parameters.h"
#include "app/commands.h"
#include "base/files.h"
#include "base/log.h"
#include "base/mapped_file.h"
#include "base/text.h"
#include "base/time.h"
#include "exposition/history_reader.h"
#include "exposition/history_writer.h"
#include "promql/selector.h"
#include "telemetry/discarding_appender.h"
#include "tsdb/store.h"
#include "tsdb/survey.h"

namespace inferscope::app {
namespace {

constexpr int kHarmed = 1;

struct TsdbFlags {
    std::string folder;
    bool json = false;
    std::vector<std::string> match;
    std::string from;
    std::string to;
    std::string file;
};

/// A folder that isn't a store's is a mistake on the command line.
int fail_to_look(const Error& error) {
    return fail(error, error.code == Errc::not_found ? kWrongUsage : kFailed);
}

struct Totals {
    std::uint64_t samples = 0;
    std::uint64_t chunks = 0;
    std::uint64_t block_bytes = 0;
    std::uint64_t log_bytes = 0;
    std::uint64_t rows = 0;
};

Totals add_up(const tsdb::StoreSurvey& survey) {
    Totals totals;
    for (const auto& block : survey.blocks) {
        totals.samples += block.samples;
        totals.chunks += block.chunks;
        totals.block_bytes += block.bytes;
    }
    for (const auto& segment : survey.segments) {
        totals.log_bytes += segment.bytes;
        totals.rows += segment.rows;
    }
    return totals;
}

double per_sample(std::uint64_t bytes, std::uint64_t samples) {
    return samples == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(samples);
}

nlohmann::ordered_json to_json(const tsdb::BlockMeta& block) {
    return {{"number", block.number},
            {"from", api::rfc3339(block.times.from)},
            {"to", api::rfc3339(block.times.to)},
            {"series", block.series},
            {"samples", block.samples},
            {"chunks", block.chunks},
            {"bytes", block.bytes},
            {"bytes_per_sample", per_sample(block.bytes, block.samples)},
            {"level", block.level}};
}

nlohmann::ordered_json to_json(const tsdb::SegmentReport& segment) {
    return {{"number", segment.number},
            {"bytes", segment.bytes},
            {"good_bytes", segment.good_bytes},
            {"rows", segment.rows}};
}

void print_json(const tsdb::StoreSurvey& survey, const Totals& totals) {
    nlohmann::ordered_json all{{"blocks", nlohmann::json::array()},
                               {"segments", nlohmann::json::array()}};
    for (const auto& block : survey.blocks) all["blocks"].push_back(to_json(block));
    for (const auto& segment : survey.segments) all["segments"].push_back(to_json(segment));
    all["harmed_blocks"] = survey.harmed_blocks;
    all["totals"] = {{"samples", totals.samples},
                     {"chunks", totals.chunks},
                     {"block_bytes", totals.block_bytes},
                     {"bytes_per_sample", per_sample(totals.block_bytes, totals.samples)},
                     {"log_bytes", totals.log_bytes},
                     {"rows", totals.rows}};
    fmt::print("{}\n", all.dump(2));
}

void print_table(const tsdb::StoreSurvey& survey, const Totals& totals) {
    constexpr auto kBlockLine = "{:>8}  {:<24}  {:<24} {:>9} {:>12} {:>8} {:>12} {:>9} {:>5}\n";
    fmt::print(fmt::runtime(kBlockLine), "block", "from", "to", "series", "samples", "chunks",
               "bytes", "B/sample", "level");
    for (const auto& block : survey.blocks) {
        fmt::print(fmt::runtime(kBlockLine), block.number, api::rfc3339(block.times.from),
                   api::rfc3339(block.times.to), block.series, block.samples, block.chunks,
                   block.bytes, fmt::format("{:.3f}", per_sample(block.bytes, block.samples)),
                   block.level);
    }
    fmt::print("\n{:>8} {:>12} {:>9}\n", "segment", "bytes", "rows");
    for (const auto& segment : survey.segments) {
        fmt::print("{:>8} {:>12} {:>9}{}\n", segment.number, segment.bytes, segment.rows,
                   segment.good_bytes < segment.bytes ? "  harmed or torn" : "");
    }
    fmt::print("\n{} blocks: {} samples, {} chunks, {} bytes, {:.3f} bytes a sample\n",
               survey.blocks.size(), totals.samples, totals.chunks, totals.block_bytes,
               per_sample(totals.block_bytes, totals.samples));
    fmt::print("{} log segments: {} bytes, {} rows\n", survey.segments.size(), totals.log_bytes,
               totals.rows);
    if (survey.harmed_blocks > 0)
        fmt::print("{} harmed blocks: `inferscope tsdb verify` tells more\n", survey.harmed_blocks);
}

int inspect(const TsdbFlags& flags) {
    DiskFiles files;
    const auto survey = tsdb::survey_store(files, flags.folder);
    if (!survey) return fail_to_look(survey.error());
    (flags.json ? print_json : print_table)(*survey, add_up(*survey));
    return 0;
}

int verify(const TsdbFlags& flags) {
    log::set_level(log::Level::error);  // what is harmed is listed below
    DiskFiles files;
    const auto report = tsdb::find_harm(files, flags.folder);
    if (!report) return fail_to_look(report.error());
    for (const auto& harm : report->harms) fmt::print("{}\n", harm);
    fmt::print("{}: {} blocks, {} chunks, {} columns, {} log segments: {}\n", flags.folder,
               report->blocks, report->chunks, report->columns, report->segments,
               report->harms.empty() ? "whole" : fmt::format("{} harmed", report->harms.size()));
    return report->harms.empty() ? 0 : kHarmed;
}

Result<Timestamp> read_time(std::string_view flag, const std::string& text, Timestamp otherwise) {
    if (text.empty()) return otherwise;
    if (const auto time = api::parse_time(text)) return *time;
    return Error{Errc::invalid_argument,
                 fmt::format("{}: '{}' is neither seconds since 1970 nor RFC 3339", flag,
                             quote_for_message(text))};
}

Result<exposition::HistoryRequest> read_request(const TsdbFlags& flags) {
    exposition::HistoryRequest request;
    const auto from = read_time("--from", flags.from, api::kMinTime);
    if (!from) return from.error();
    const auto to = read_time("--to", flags.to, api::kMaxTime);
    if (!to) return to.error();
    request.from = *from;
    request.to = *to;
    for (const auto& text : flags.match) {
        auto selector = promql::parse_selector(text);
        if (!selector) {
            return Error{Errc::invalid_argument,
                         "--match: " + promql::to_api_text(selector.error())};
        }
        if (selector->range)
            return Error{Errc::invalid_argument, "--match: a selector without a range is wanted"};
        request.selectors.push_back(std::move(selector->matchers));
    }
    return request;
}

Result<void> print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return {};
    return Error{Errc::io_error, "standard output: can't be written"};
}

int export_samples(const TsdbFlags& flags) {
    auto request = read_request(flags);
    if (!request) return fail(request.error(), kWrongUsage);
    DiskFiles files;
    if (auto there = tsdb::check_is_store(files, flags.folder); !there)
        return fail_to_look(there.error());
    const auto store = tsdb::Store::open_for_reading(files, flags.folder);
    if (!store) return fail(store.error());
    exposition::HistoryWriter writer(**store, *std::move(request), print);
    if (auto written = writer.write(); !written) return fail(written.error());
    if (std::fflush(stdout) != 0)
        return fail({Errc::io_error, "standard output: can't be written"});
    for (const auto& warning : writer.warnings()) fmt::print(stderr, "warning: {}\n", warning);
    return writer.warnings().empty() ? 0 : kHarmed;
}

/// Nothing is removed for its age: that is for the server to do, which knows its retention. Nothing
/// is too old to come, either.
tsdb::StoreConfig import_config() {
    tsdb::StoreConfig config;
    config.head.out_of_order_window = Millis(std::int64_t{1} << 52);
    config.blocks.retention = Millis(0);
    return config;
}

/// Puts what the folder's log holds into blocks: it was judged with the usual window.
Result<void> empty_log(Files& files, const std::string& folder, Timestamp now) {
    tsdb::StoreConfig config;
    config.blocks.retention = Millis(0);
    auto store = tsdb::Store::open(files, folder, config);
    if (!store) return store.error();
    return (*store)->flush(now);
}

void print_counts(const exposition::HistoryCounts& counts) {
    fmt::print("{} series, {} samples imported\n", counts.series, counts.samples[Verdict::taken]);
    for (const auto verdict : {Verdict::known, Verdict::duplicate, Verdict::out_of_order,
                               Verdict::out_of_bounds, Verdict::over_limit}) {
        if (counts.samples[verdict] > 0)
            fmt::print("{} not taken: {}\n", counts.samples[verdict], to_string(verdict));
    }
}

int import_samples(const TsdbFlags& flags) {
    const auto text = MappedFile::open(flags.file);
    if (!text) return fail(text.error());
    const auto fail_in_file = [&](ParseError error) {
        error.file = flags.file;
        return fail(error.error());
    };
    DiscardingAppender nobody;
    const auto checked =
        exposition::read_history(text->bytes(), nobody, [] { return Result<void>(); });
    if (!checked) return fail_in_file(checked.error());
    DiskFiles files;
    const SystemClock clock;
    if (auto emptied = empty_log(files, flags.folder, clock.wall()); !emptied)
        return fail(emptied.error());
    auto store = tsdb::Store::open(files, flags.folder, import_config());
    if (!store) return fail(store.error());
    const auto read = exposition::read_history(text->bytes(), (*store)->appender(),
                                               [&] { return (*store)->maintain(clock.wall()); });
    if (!read) return fail_in_file(read.error());
    if (auto flushed = (*store)->flush(clock.wall()); !flushed) return fail(flushed.error());
    print_counts(*read);
    return 0;
}

using Flags = std::shared_ptr<TsdbFlags>;

CLI::App* add_action(CLI::App& tsdb, const char* name, const char* about,
                     int (*run)(const TsdbFlags&), const Flags& flags, Command& chosen) {
    auto* action = tsdb.add_subcommand(name, about);
    action->add_option("DIR", flags->folder, "the store: what --storage.path names")->required();
    action->callback([flags, run, &chosen] { chosen = [flags, run] { return run(*flags); }; });
    return action;
}

}  // namespace

void add_tsdb(CLI::App& line, Command& chosen) {
    auto* tsdb = line.add_subcommand("tsdb", "looks into a store, takes samples out and in");
    tsdb->require_subcommand(1);
    const auto flags = std::make_shared<TsdbFlags>();
    auto* inspected = add_action(*tsdb, "inspect", "blocks and log segments: how much is in them",
                                 inspect, flags, chosen);
    inspected->add_flag("--json", flags->json, "as JSON");
    add_action(*tsdb, "verify",
               "reads everything; exit status 0 if it is whole, 1 if something is harmed", verify,
               flags, chosen);
    auto* exported = add_action(*tsdb, "export", "samples as OpenMetrics text with times",
                                export_samples, flags, chosen);
    exported->add_option("--match", flags->match, "a selector of series; all that match any (all)")
        ->allow_extra_args(false);
    exported->add_option("--from", flags->from, "seconds since 1970 or RFC 3339, inclusive");
    exported->add_option("--to", flags->to, "likewise");
    auto* imported = add_action(*tsdb, "import",
                                "OpenMetrics text with times, into a store that nobody has open",
                                import_samples, flags, chosen);
    imported->add_option("FILE", flags->file, "the text, `# EOF` included")->required();
}

}  // namespace inferscope::app
