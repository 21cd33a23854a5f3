// SPDX-License-Identifier: Apache-2.0
// What stands beside a column's numbers: which rows are absent, values that are no numbers of its
// scale, units in the last place. One byte with a form (two bits each, lowest first) for
//   rows where presence changes, as 0 and 1; all are present before the first
//   rows of exceptions, as 0 and 1
//   the exceptions' bits, less those of the stale marker, one for each such row
//   corrections, one for each row
// and then the bytes of each, one behind the other. See column_residuals.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tsdb/column_numbers.h"

namespace inferscope::tsdb {

/// Appends nothing if there is nothing to say. `values`, `present`: what `numbers` was made from.
void append_gaps(std::string& out, const ColumnNumbers& numbers, std::span<const double> values,
                 std::span<const std::uint64_t> present);

/// Puts `values` right, sets `present`, and `any_absent` if a bit of it is zero. False if the bytes
/// aren't such a section to the end. `scratch` is as large as `values`.
bool read_gaps(std::string_view bytes, std::span<double> values, std::span<std::uint64_t> present,
               bool& any_absent, std::span<std::uint64_t> scratch);

}  // namespace inferscope::tsdb
