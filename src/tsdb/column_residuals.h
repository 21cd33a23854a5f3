// SPDX-License-Identifier: Apache-2.0
// What is left of a column's numbers when all that could be foretold is taken away, as bytes. Most
// residuals are zero, or small and of both signs; a few (a counter that was reset) are huge. Signed
// numbers in two's complement; all arithmetic wraps around.
//
// Three forms, whichever is smallest:
//   zero    all are zero: no bytes
//   sparse  varint m, the number of those that aren't zero | byte k | byte j, and 64 if negative
//           ones are among them, 128 if all are 1 | bits, for each of the m: a Rice code of the
//           zeros before it (parameter k), a Rice code of its value (parameter j, zigzag or less 1)
//   dense   byte w, and 128 for zigzag | byte flags: 1 unary, 2 patches | zigzag varint bias |
//           patches | the lowest w bits of each | what is above, for each in unary
// In dense form a residual is bias + u, or bias + unzigzag(u). Rice codes whose two parts stand
// apart are read nearly as fast as packed bits, but adapt to each number. Patches, for what would
// make a long unary: varint how many, then varint rows since the last one, varint u.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace inferscope::tsdb {

enum class ResidualForm : std::uint8_t { zero, sparse, dense };

/// How to write certain residuals, and about how many bits that takes.
struct ResidualPlan {
    ResidualForm form = ResidualForm::zero;
    std::uint64_t bits = 0;
    unsigned width = 0;  ///< dense: w; sparse: j
    bool with_sign = false;
    bool unary = false;       ///< dense
    std::uint64_t bias = 0;   ///< dense
    std::size_t nonzero = 0;  ///< sparse: m
    unsigned gap_width = 0;   ///< sparse: k
    bool all_ones = false;    ///< sparse
};

/// The smallest form.
ResidualPlan plan_residuals(std::span<const std::uint64_t> residuals);
/// The dense form, whatever the others would take.
ResidualPlan plan_dense_residuals(std::span<const std::uint64_t> residuals);
/// `plan` was made for the same residuals.
void append_residuals(std::string& out, std::span<const std::uint64_t> residuals,
                      const ResidualPlan& plan);

/// How many bits they would take, roughly: for choosing between ways to foretell.
std::uint64_t estimate_residual_bits(std::span<const std::uint64_t> residuals);

/// Reads out.size() residuals. `bytes` may be longer; `kReadPadding` bytes behind it are readable.
/// Returns how many bytes they took; nothing if the bytes aren't such a form.
std::optional<std::size_t> read_residuals(ResidualForm form, std::string_view bytes,
                                          std::span<std::uint64_t> out);
/// Of each row the difference to the row before: one fewer than numbers, at the beginning of
/// `differences`.
void subtract_rows_before(std::span<const std::uint64_t> numbers,
                          std::span<std::uint64_t> differences);
/// The residuals added up, one residual less: out[0] is `first`, out[i + 1] is out[i] and residual
/// i.
std::optional<std::size_t> read_running_sum(ResidualForm form, std::string_view bytes,
                                            std::uint64_t first, std::span<std::uint64_t> out);

}  // namespace inferscope::tsdb
