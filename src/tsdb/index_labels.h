// SPDX-License-Identifier: Apache-2.0
// Label values in a block's index, sorted by name and value, with where their ids lie. A record,
// all numbers LEB128: bytes shared with the value before, further bytes, these, number of ids,
// bytes of their list. The first record of each run of 16 shares nothing, and a table tells where
// it starts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tsdb/index_format.h"
#include "tsdb/symbols.h"

namespace inferscope::tsdb {

class LabelsEncoder {
public:
    /// In the order of the label numbers.
    void add(std::string_view value, std::uint32_t ids, std::string_view postings);
    /// Table and records, and the lists of ids, one behind the other.
    std::string take(std::string& postings);

private:
    std::string table_;
    std::string records_;
    std::string postings_;
    std::string before_;
    std::uint32_t count_ = 0;
};

/// Where a label's ids lie.
struct LabelIds {
    std::uint32_t count = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// The section of a block. Views are as long-lived as its bytes.
class LabelTable {
public:
    LabelTable() = default;
    /// Bytes too short for the table give a table without labels that isn't ok().
    LabelTable(std::string_view section, std::uint32_t labels);

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::uint32_t size() const { return labels_; }
    [[nodiscard]] index_format::LabelRun run(std::uint32_t run) const {
        return index_format::table_entry<index_format::LabelRun>(section_, run);
    }
    [[nodiscard]] std::string_view records() const { return records_; }

private:
    std::string_view section_;
    std::string_view records_;
    std::uint32_t labels_ = 0;
    bool ok_ = true;
};

/// Walks over labels in the order of their numbers.
class LabelCursor {
public:
    /// Before the first label of a run.
    LabelCursor(const LabelTable& table, std::uint32_t run);
    /// At `label`.
    static LabelCursor at(const LabelTable& table, LabelNumber label);

    /// False behind the last label, and where the bytes are rubbish: then ok() is false.
    bool next();
    [[nodiscard]] bool ok() const { return reader_.ok(); }
    [[nodiscard]] LabelNumber number() const { return next_ - 1; }
    /// Until the next step.
    [[nodiscard]] std::string_view value() const { return value_; }
    [[nodiscard]] const LabelIds& ids() const { return ids_; }
    /// Where the next record starts.
    [[nodiscard]] std::size_t offset() const { return table_->records().size() - reader_.left(); }

private:
    const LabelTable* table_;
    index_format::ByteReader reader_;
    LabelNumber next_;
    std::string value_;
    LabelIds ids_;
};

}  // namespace inferscope::tsdb
