// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_gaps.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "base/numbers.h"
#include "tsdb/bit_packing.h"
#include "tsdb/column_residuals.h"

namespace inferscope::tsdb {
namespace {

/// The section's parts, in order.
class PartsWriter {
public:
    explicit PartsWriter(std::string& out) : out_(out), begin_(out.size()) { out += '\0'; }

    void add(std::span<const std::uint64_t> part) {
        const auto plan = plan_residuals(part);
        out_[begin_] |= static_cast<char>(static_cast<unsigned>(plan.form) << (2 * added_++));
        append_residuals(out_, part, plan);
    }
    ~PartsWriter() {
        if (out_[begin_] == 0) out_.resize(begin_);
    }

private:
    std::string& out_;
    std::size_t begin_;
    unsigned added_ = 0;
};

class PartsReader {
public:
    explicit PartsReader(std::string_view bytes)
        : forms_(static_cast<unsigned char>(bytes.front())), rest_(bytes.substr(1)) {}

    /// False if the part is all zeros, or can't be read.
    bool next(std::span<std::uint64_t> out) {
        const unsigned form = forms_ & 3;
        forms_ >>= 2;
        if (form == 0) return false;
        const auto read =
            form == 3 ? std::nullopt : read_residuals(static_cast<ResidualForm>(form), rest_, out);
        ok_ = ok_ && read && *read <= rest_.size();
        if (ok_) rest_.remove_prefix(*read);
        return ok_;
    }
    [[nodiscard]] bool ok_to_the_end() const { return ok_ && rest_.empty(); }

private:
    unsigned forms_;
    std::string_view rest_;
    bool ok_ = true;
};

std::vector<std::uint64_t> changes_of(std::span<const std::uint64_t> present, std::size_t rows) {
    std::vector<std::uint64_t> changes(rows);
    bool before = true;
    for (std::size_t row = 0; row < rows; ++row) {
        const bool now = is_present(present, row);
        changes[row] = now != before ? 1 : 0;
        before = now;
    }
    return changes;
}

/// Where a mark isn't 0, the next of `values`.
void apply_exceptions(std::span<const std::uint64_t> marks, std::span<const std::uint64_t> values,
                      std::span<double> out) {
    std::size_t next = 0;
    for (std::size_t row = 0; row < out.size(); ++row)
        if (marks[row] != 0) out[row] = std::bit_cast<double>(values[next++] + kStaleMarkerBits);
}

}  // namespace

void append_gaps(std::string& out, const ColumnNumbers& numbers, std::span<const double> values,
                 std::span<const std::uint64_t> present) {
    PartsWriter parts(out);
    if (present.empty() && numbers.exceptions.empty() && numbers.corrections.empty()) return;
    parts.add(changes_of(present, values.size()));
    std::vector<std::uint64_t> marks(values.size()), bits;
    for (const auto row : numbers.exceptions) {
        marks[row] = 1;
        bits.push_back(std::bit_cast<std::uint64_t>(values[row]) - kStaleMarkerBits);
    }
    parts.add(marks);
    parts.add(bits);
    parts.add(numbers.corrections);
}

bool read_gaps(std::string_view bytes, std::span<double> values, std::span<std::uint64_t> present,
               bool& any_absent, std::span<std::uint64_t> scratch) {
    PartsReader parts(bytes);
    any_absent = parts.next(scratch);
    bool now = true;
    for (std::size_t row = 0; any_absent && row < scratch.size(); ++row) {
        now = now == (scratch[row] == 0);
        if (!now) present[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    }
    std::vector<std::uint64_t> exceptions;
    const bool any_exception = parts.next(scratch);
    std::vector<std::uint64_t> marks;
    if (any_exception) {
        marks.assign(scratch.begin(), scratch.end());
        exceptions.resize(marks.size() - static_cast<std::size_t>(std::ranges::count(marks, 0U)));
    }
    parts.next(exceptions);
    if (parts.next(scratch)) {
        for (std::size_t row = 0; row < values.size(); ++row)
            values[row] =
                std::bit_cast<double>(std::bit_cast<std::uint64_t>(values[row]) + scratch[row]);
    }
    if (any_exception) apply_exceptions(marks, exceptions, values);
    return parts.ok_to_the_end();
}

}  // namespace inferscope::tsdb
