// SPDX-License-Identifier: Apache-2.0
// The first byte chooses. Even: the rest is records behind their checksum, one batch for each
// segment that it is cut into; whatever they are, replaying them must stay in bounds and make only
// calls that keep the Appender's rules. Odd: the rest is a segment's file, checksums and all.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "base/memory_files.h"
#include "tsdb/wal_format.h"
#include "tsdb/wal_replay.h"

namespace inferscope::tsdb {
namespace {

/// Checks what Appender asks of its callers.
class RuleChecker final : public PieceAppender {
public:
    GroupId open_group(std::string_view) override {
        groups_.push_back({.columns = 0, .open = true, .loose = false});
        return static_cast<GroupId>(groups_.size() - 1);
    }
    GroupId open_loose_group(std::string_view) override {
        groups_.push_back({.columns = 0, .open = true, .loose = true});
        return static_cast<GroupId>(groups_.size() - 1);
    }
    Result<VerdictCounts> append_cells(GroupId group, Timestamp,
                                       std::span<const Cell> cells) override {
        CHECK(!cells.empty(), "a piece has cells");
        for (std::size_t i = 0; i < cells.size(); ++i) {
            CHECK(cells[i].column < at(group).columns, "a column that is there");
            CHECK(i == 0 || cells[i - 1].column < cells[i].column, "columns rise");
        }
        return VerdictCounts{};
    }
    void add_families(std::span<const FamilyPtr> families) override {
        for (const auto& family : families) CHECK(family != nullptr, "a family");
    }
    void begin_batch() override {}
    Result<void> end_batch() override { return {}; }
    void start_epoch(GroupId group) override { at(group).columns = 0; }
    void add_columns(GroupId group, std::span<const Column> columns) override {
        CHECK(!columns.empty(), "columns are new");
        at(group).columns += columns.size();
    }
    Result<void> append_row(GroupId group, const Row& row) override {
        CHECK(row.values.size() == at(group).columns, "a value for each column");
        CHECK(!at(group).loose, "a loose group has no rows");
        CHECK(row.changed.empty() || row.changed.size() == (row.values.size() + 63) / 64, "a bit");
        return {};
    }
    void append_gap(GroupId group, Timestamp) override { at(group); }
    Result<void> append_timed(GroupId group, std::span<const TimedSample>) override {
        at(group);
        return {};
    }
    void append_exemplars(GroupId group, std::span<const Exemplar> exemplars) override {
        for (const auto& exemplar : exemplars)
            CHECK(exemplar.column < at(group).columns, "a column that is there");
    }
    void close_group(GroupId group, Timestamp) override { at(group).open = false; }

private:
    struct Group {
        std::size_t columns;
        bool open;
        bool loose;
    };
    Group& at(GroupId group) {
        auto& its = groups_.at(static_cast<std::size_t>(group));
        CHECK(its.open, "the group is open");
        return its;
    }
    std::vector<Group> groups_;
};

/// A byte 255 ends a batch; each opens a segment, all of one run.
void replay_records(std::string_view bytes) {
    RuleChecker into;
    WalReplay replay(into);
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find('\xff'), bytes.size());
        replay.begin_segment(1);
        replay.apply(bytes.substr(0, end));
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
}

void replay_file(std::string_view bytes) {
    const std::string path = "wal/" + wal::segment_name(1);
    MemoryFiles files;
    files.set_bytes(path, std::string(bytes));
    RuleChecker into;
    const auto report = replay_log(files, "wal", into);
    if (!report) return;
    CHECK(report->bytes + report->cut_bytes + report->skipped_bytes == bytes.size(), "all counted");
    RuleChecker again;
    const auto second = replay_log(files, "wal", again);
    CHECK(second && second->counts.records == report->counts.records, "what is left stays");
    CHECK(second->cut_bytes == 0, "a tail is cut off once");
}

}  // namespace
}  // namespace inferscope::tsdb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    inferscope::log::set_level(inferscope::log::Level::error);
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 0) {
        inferscope::tsdb::replay_records(rest);
    } else {
        inferscope::tsdb::replay_file(rest);
    }
    return 0;
}
