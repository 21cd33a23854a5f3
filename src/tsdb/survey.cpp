// SPDX-License-Identifier: Apache-2.0
#include "tsdb/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "telemetry/discarding_appender.h"
#include "tsdb/block.h"
#include "tsdb/block_set.h"
#include "tsdb/wal_format.h"

namespace inferscope::tsdb {
namespace {

std::string log_folder(const std::string& folder) { return folder + "/wal"; }
std::string block_folder(const std::string& folder) { return folder + "/blocks"; }

Result<std::vector<SegmentReport>> survey_log(Files& files, const std::string& folder) {
    DiscardingAppender nobody;
    auto read = replay_log(files, log_folder(folder), nobody, [] {}, Access::reader);
    if (!read) return read.error();
    return std::move(read->segments);
}

/// One call of find_harm(): blocks.
class BlockInspection {
public:
    BlockInspection(Files& files, const std::string& folder, HarmReport& report)
        : files_(files),
          folder_(files, block_folder(folder), kNoCaches, Access::reader),
          report_(report) {}

    Result<void> run() {
        const auto names = files_.list(folder_.path);
        if (!names && names.error().code == Errc::not_found) return {};
        if (!names) return names.error();
        for (const auto& name : *names) {
            const auto number = block_format::number_from_name(name);
            if (number && name == block_format::harmed_name(*number))
                report_.harms.push_back(folder_.file(name) + ": harmed, and set aside before");
            if (number && name == block_format::file_name(*number)) check(*number);
        }
        return {};
    }

private:
    /// Groups and index of one block are looked at only once.
    static inline const BlocksConfig kNoCaches{
        .keep_longer = {}, .cache_bytes = 0, .chunk_cache_bytes = 0, .series_cache_bytes = 0};

    void check(std::uint32_t number) {
        const auto block = Block::open(folder_, number);
        if (!block) {
            // Merged or removed by the folder's owner meanwhile.
            if (block.error().code != Errc::not_found) note(number, block.error());
            return;
        }
        ++report_.blocks;
        const auto tables = (*block)->tables();
        if (!tables) {
            report_.harms.push_back(tables.error().text);
            return;
        }
        const auto& groups = (*tables)->groups();
        for (std::size_t entry = 0; entry < groups.size(); ++entry) {
            if (groups.group(entry) != entry) continue;  // the same chunks as an earlier one
            for (const auto& place : groups.chunks(entry)) check(**block, place);
        }
    }

    void check(const Block& block, const ChunkPlace& place) {
        ++report_.chunks;
        const auto chunk = block.open_chunk(place, bytes_);
        if (!chunk) {
            report_.harms.push_back(chunk.error().text);
            return;
        }
        const auto decoder = std::make_unique<ColumnDecoder>(*chunk);
        values_.resize(chunk->rows());
        present_.resize((chunk->rows() + 63) / 64);
        for (std::size_t column = 0; column < chunk->columns(); ++column) {
            ++report_.columns;
            const auto decoded = decoder->decode(column, values_, present_);
            if (decoded) continue;
            const auto place_in_chunk = fmt::format("column {}", column);
            report_.harms.push_back(block.report(place, decoded.error().with(place_in_chunk)));
        }
    }

    void note(std::uint32_t number, const Error& error) {
        const auto file = folder_.file(block_format::file_name(number));
        const bool is_named = error.text.starts_with(file);
        report_.harms.push_back(is_named ? error.text : error.with(file).text);
    }

    Files& files_;
    BlockFolder folder_;
    HarmReport& report_;
    std::string bytes_;  // of a chunk
    std::vector<double> values_;
    std::vector<std::uint64_t> present_;
};

}  // namespace

Result<void> check_is_store(Files& files, const std::string& folder) {
    if (files.list(log_folder(folder)) || files.list(block_folder(folder))) return {};
    return Error{Errc::not_found, folder + ": no store: it has neither wal nor blocks"};
}

Result<StoreSurvey> survey_store(Files& files, const std::string& folder) {
    if (auto store = check_is_store(files, folder); !store) return store.error();
    auto segments = survey_log(files, folder);
    if (!segments) return segments.error();
    const auto blocks = Blocks::open(files, block_folder(folder), {}, Access::reader);
    if (!blocks) return blocks.error();
    StoreSurvey survey;
    survey.segments = *std::move(segments);
    for (const auto& block : *(*blocks)->list()) survey.blocks.push_back(block->meta());
    std::ranges::sort(survey.blocks, {}, &BlockMeta::number);
    survey.harmed_blocks = (*blocks)->stats().set_aside;
    return survey;
}

Result<HarmReport> find_harm(Files& files, const std::string& folder) {
    if (auto store = check_is_store(files, folder); !store) return store.error();
    HarmReport report;
    const auto segments = survey_log(files, folder);
    if (!segments) return segments.error();
    report.segments = segments->size();
    for (const auto& segment : *segments) {
        if (segment.good_bytes == segment.bytes) continue;
        report.harms.push_back(
            fmt::format("{}/{}: harmed or torn at byte {} of {}: {} whole batches behind",
                        log_folder(folder), wal::segment_name(segment.number), segment.good_bytes,
                        segment.bytes, segment.batches_behind));
    }
    if (auto blocks = BlockInspection(files, folder, report).run(); !blocks) return blocks.error();
    return report;
}

}  // namespace inferscope::tsdb
