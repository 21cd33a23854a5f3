// SPDX-License-Identifier: Apache-2.0
// Label sets and places of the series in a block's index, by id. Neighbours differ in few labels,
// so a record tells only these: a mask of the labels that changed and by how much each number did.
// The first record of each run of 32 is complete, and a table tells where it starts. The bytes
// stand in docs/formats/index.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/index_format.h"
#include "tsdb/postings.h"
#include "tsdb/symbols.h"

namespace inferscope::tsdb {

/// Where a part of a series lies in a block. The index keeps the numbers and knows nothing of them.
struct ColumnPlace {
    std::uint64_t group = 0;
    std::uint64_t column = 0;
    bool operator==(const ColumnPlace&) const = default;
};

class SeriesEncoder {
public:
    /// In the order of the ids; label numbers rise.
    void add(std::span<const LabelNumber> labels, std::span<const ColumnPlace> places);
    [[nodiscard]] std::uint32_t count() const { return count_; }
    /// Table and records. Call it once, and last.
    std::string take();

private:
    void write_complete(std::span<const LabelNumber> labels);
    void write_changes(std::span<const LabelNumber> labels);
    void write_places(std::span<const ColumnPlace> places);

    std::string table_;
    std::string records_;
    std::vector<LabelNumber> before_;
    ColumnPlace place_before_;
    std::uint32_t count_ = 0;
};

/// The section of a block.
class SeriesTable {
public:
    SeriesTable() = default;
    /// Bytes too short for the table give a table without series that isn't ok().
    SeriesTable(std::string_view section, std::uint32_t series);

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::uint32_t size() const { return series_; }
    [[nodiscard]] std::uint32_t run(std::uint32_t run) const {
        return index_format::table_entry<std::uint32_t>(section_, run);
    }
    [[nodiscard]] std::string_view records() const { return records_; }

private:
    std::string_view section_;
    std::string_view records_;
    std::uint32_t series_ = 0;
    bool ok_ = true;
};

/// Walks over series; steps forward are cheap, others read a run from its start.
class SeriesCursor {
public:
    explicit SeriesCursor(const SeriesTable& table);

    /// False if there is no such series, and where the bytes are rubbish: then ok() is false.
    bool seek(SeriesId id);
    /// To the next one, at first to the first one; false as above.
    bool next();
    [[nodiscard]] bool ok() const { return reader_.ok(); }
    [[nodiscard]] SeriesId id() const { return next_ - 1; }
    /// Rising; until the next step.
    [[nodiscard]] std::span<const LabelNumber> labels() const { return labels_; }
    [[nodiscard]] std::span<const ColumnPlace> places() const { return places_; }
    /// Where the next record starts.
    [[nodiscard]] std::size_t offset() const { return table_->records().size() - reader_.left(); }

private:
    void start_run(std::uint32_t run);
    void read_complete();
    void read_changes(std::uint64_t mask);
    void read_places();

    const SeriesTable* table_;
    index_format::ByteReader reader_;
    SeriesId next_ = 0;
    std::vector<LabelNumber> labels_;
    std::vector<ColumnPlace> places_;
    ColumnPlace place_before_;
};

}  // namespace inferscope::tsdb
