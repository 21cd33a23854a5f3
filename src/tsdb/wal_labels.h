// SPDX-License-Identifier: Apache-2.0
// Label sets, families and columns in records of the log. Neighbours share most of their labels, so
// a label set is written as what differs from the one before it in the same record: shared bytes at
// the front (1), shared bytes at the back (1), varint n, n bytes between. A family is written once
// in a record, then named by number.
//
// Since no label set takes less than a few bytes and shares more than 510, what a record of rubbish
// makes us allocate is bounded by its own size.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "telemetry/appender.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb::wal {

/// Of one record.
class LabelsWriter {
public:
    explicit LabelsWriter(std::string& out) : out_(out) {}
    void labels(const Labels& labels);
    void family(const FamilyPtr& family);
    void column(const Column& column);

private:
    std::string& out_;
    std::string before_;
    absl::flat_hash_map<const Family*, std::uint64_t> families_;
};

/// Of one record. What can't be read makes `in` not ok(), and is empty.
class LabelsReader {
public:
    explicit LabelsReader(ByteReader& in) : in_(in) {}
    Labels labels();
    FamilyPtr family();
    ShownOn shown_on();
    Column column();

private:
    FamilyPtr new_family();

    ByteReader& in_;
    std::string before_;
    std::vector<FamilyPtr> families_;
};

}  // namespace inferscope::tsdb::wal
