// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_residuals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>
#include <utility>
#include <vector>

#include "tsdb/bit_packing.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb {
namespace {

constexpr unsigned kZigzag = 128;                 // in dense's byte w
constexpr unsigned kUnary = 1, kPatches = 2;      // in dense's flags
constexpr unsigned kSigned = 64, kAllOnes = 128;  // in sparse's byte j
constexpr std::uint64_t kLongestUnary = 31;       // of a sparse code; then 64 plain bits
constexpr unsigned kMostUnaryBits = 5;            // dense: a u >= 2^(w+5) is patched
constexpr std::size_t kBiasSamples = 31;
constexpr std::size_t kBiasedRows = 16;  // of fewer, a bias in the middle saves nothing

/// How many numbers have each width in bits.
using Widths = std::array<std::uint32_t, 65>;

INFERSCOPE_VECTOR_CLONES
void widths_into(const std::uint64_t* residuals, std::size_t count, std::uint64_t bias,
                 bool zigzagged, std::uint8_t* widths) {
    const unsigned sign_shift = zigzagged ? 1 : 0;
    const std::uint64_t sign_mask = zigzagged ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto u = residuals[i] - bias;
        const auto number = (u << sign_shift) ^ ((std::uint64_t{0} - (u >> 63)) & sign_mask);
        widths[i] = static_cast<std::uint8_t>(std::bit_width(number));
    }
}

/// Of each residual less `bias`, as it is or as zigzag.
Widths widths_of(std::span<const std::uint64_t> residuals, std::uint64_t bias, bool zigzagged) {
    std::array<std::uint8_t, 256> part;
    std::array<Widths, 4> counts{};  // so that equal widths in a row don't wait for each other
    for (std::size_t at = 0; at < residuals.size(); at += part.size()) {
        const auto some = residuals.subspan(at, std::min(part.size(), residuals.size() - at));
        widths_into(some.data(), some.size(), bias, zigzagged, part.data());
        for (std::size_t i = 0; i < some.size(); ++i) ++counts[i % 4][part[i]];
    }
    Widths widths = counts[0];
    for (std::size_t i = 1; i < counts.size(); ++i)
        for (std::size_t w = 0; w < widths.size(); ++w) widths[w] += counts[i][w];
    return widths;
}

std::uint64_t patch_bits(unsigned width) { return 8 + 8 * (std::uint64_t{width} / 7 + 1); }

/// The lowest and the highest width that some number has.
std::pair<unsigned, unsigned> ends_of(const Widths& widths) {
    unsigned lowest = 0, highest = 64;
    while (lowest < 64 && widths[lowest] == 0) ++lowest;
    while (highest > 0 && widths[highest] == 0) --highest;
    return {lowest, highest};
}

/// What the bits above the packed ones take in unary, each number with a one at its end and long
/// ones patched, while the packed width falls bit by bit: each step moves one width in, one on to
/// the patches, and doubles the rest.
class UnaryBits {
public:
    UnaryBits(const Widths& widths, std::size_t count) : widths_(widths), count_(count) {}

    /// `width` is one less than the last time; at first at most one width is above it.
    void lower_to(unsigned width) {
        const auto beyond = [&](unsigned up) -> std::uint64_t {
            return width + up < widths_.size() ? widths_[width + up] : 0;
        };
        const auto in = beyond(1), out = beyond(kMostUnaryBits + 1);
        held_ += in - out;
        powers_ = 2 * (powers_ + in) - (out << (kMostUnaryBits + 1));
        patches_ += out * patch_bits(width + kMostUnaryBits + 1);
    }

    /// A number of w bits is 3/4 of 2^w in the middle, and loses a half to the packed bits.
    std::uint64_t bits() const { return count_ + patches_ + (3 * powers_ - 2 * held_) / 4; }

    /// Whether there is none left that isn't patched.
    bool all_patched() const { return held_ == 0; }

private:
    const Widths& widths_;
    std::uint64_t count_;
    std::uint64_t held_ = 0;    // numbers in unary
    std::uint64_t powers_ = 0;  // the sum of their 2^(w - width)
    std::uint64_t patches_ = 0;
};

/// Of unsigned numbers: how many bits stay packed, and whether the rest is unary or patched.
ResidualPlan plan_dense(const Widths& widths, std::size_t count) {
    ResidualPlan best{.form = ResidualForm::dense, .bits = ~std::uint64_t{0}};
    const auto [lowest, highest] = ends_of(widths);
    UnaryBits above(widths, count);
    std::uint64_t patches = 0;
    for (unsigned width = highest + 1; width-- > 0;) {
        above.lower_to(width);
        // Where all are patched, packed bits are for nothing.
        if (width < lowest && above.all_patched()) width = 0;
        const auto packed = std::uint64_t{width} * count;
        if (packed + patches < best.bits)
            std::tie(best.width, best.unary, best.bits) =
                std::tuple(width, false, packed + patches);
        const auto unary = packed + above.bits();
        if (unary + unary / 4 < best.bits)  // slower: it must pay
            std::tie(best.width, best.unary, best.bits) = std::tuple(width, true, unary);
        patches += widths[width] * patch_bits(width);
    }
    best.bits += 32;
    return best;
}

/// Roughly the middle one, from a sample.
std::uint64_t middle(std::span<const std::uint64_t> residuals) {
    std::array<std::int64_t, kBiasSamples> samples{};
    const auto used = std::min(residuals.size(), samples.size());
    for (std::size_t i = 0; i < used; ++i)
        samples[i] = static_cast<std::int64_t>(residuals[i * residuals.size() / used]);
    const auto at = samples.begin() + static_cast<std::ptrdiff_t>(used / 2);
    std::nth_element(samples.begin(), at, samples.begin() + static_cast<std::ptrdiff_t>(used));
    return static_cast<std::uint64_t>(*at);
}

std::uint64_t smallest(std::span<const std::uint64_t> residuals) {
    return *std::ranges::min_element(
        residuals, {}, [](std::uint64_t value) { return static_cast<std::int64_t>(value); });
}

void append_dense(std::string& out, std::span<const std::uint64_t> residuals,
                  const ResidualPlan& plan) {
    const auto number = [&plan](std::uint64_t residual) {
        return plan.with_sign ? zigzag(residual - plan.bias) : residual - plan.bias;
    };
    const unsigned highest = plan.width + (plan.unary ? kMostUnaryBits : 0);
    const auto is_patched = [&](std::uint64_t u) { return highest < 64 && (u >> highest) != 0; };
    std::vector<std::uint64_t> numbers(residuals.size());
    std::ranges::transform(residuals, numbers.begin(), number);
    const auto patches = std::ranges::count_if(numbers, is_patched);
    out += static_cast<char>(plan.width | (plan.with_sign ? kZigzag : 0));
    out += static_cast<char>((plan.unary ? kUnary : 0) | (patches > 0 ? kPatches : 0));
    append_varint(out, zigzag(plan.bias));
    if (patches > 0) append_varint(out, static_cast<std::uint64_t>(patches));
    for (std::size_t i = 0, last = 0; patches > 0 && i < numbers.size(); ++i) {
        if (!is_patched(numbers[i])) continue;
        append_varint(out, i - last);
        append_varint(out, std::exchange(numbers[i], 0));
        last = i;
    }
    append_packed(out, plan.width, numbers);
    if (!plan.unary) return;
    BitWriter high(out);
    for (const auto u : numbers) high.put_unary(u >> plan.width);
    high.finish();
}

std::uint64_t sparse_value(std::uint64_t residual, bool is_signed) {
    return is_signed ? zigzag(residual) : residual - 1;
}

ResidualPlan plan_sparse(std::span<const std::uint64_t> residuals, std::size_t nonzero) {
    ResidualPlan plan{.form = ResidualForm::sparse, .nonzero = nonzero, .all_ones = true};
    Widths widths{};
    for (const auto r : residuals) {
        plan.with_sign = plan.with_sign || static_cast<std::int64_t>(r) < 0;
        plan.all_ones = plan.all_ones && r <= 1;
    }
    for (const auto r : residuals)
        if (r != 0)
            ++widths[static_cast<unsigned>(std::bit_width(sparse_value(r, plan.with_sign)))];
    const auto zeros_each = (residuals.size() - nonzero) / nonzero;
    plan.gap_width = static_cast<unsigned>(std::bit_width(zeros_each * 3 / 4));
    const auto gaps = nonzero * (1 + plan.gap_width) + (residuals.size() >> plan.gap_width);
    std::uint64_t values = plan.all_ones ? 0 : ~std::uint64_t{0};
    UnaryBits above(widths, nonzero);
    const auto widest = std::min(ends_of(widths).second + 1, 64U);
    for (unsigned width = plan.all_ones ? 0 : widest; width-- > 0;) {
        above.lower_to(width);
        const auto bits = nonzero * width + above.bits();
        if (bits > values) continue;
        values = bits;
        plan.width = width;
    }
    plan.bits = 24 + gaps + values;
    return plan;
}

void put_rice(BitWriter& bits, std::uint64_t value, unsigned width) {
    const auto high = value >> width;
    if (high < kLongestUnary) {
        bits.put_unary(high);
        bits.put(value, width);
    } else {
        bits.put(0, kLongestUnary);
        bits.put(value, 64);
    }
}

void append_sparse(std::string& out, std::span<const std::uint64_t> residuals,
                   const ResidualPlan& plan) {
    append_varint(out, plan.nonzero);
    out += static_cast<char>(plan.gap_width);
    out += static_cast<char>(plan.width | (plan.with_sign ? kSigned : 0) |
                             (plan.all_ones ? kAllOnes : 0));
    BitWriter bits(out);
    std::size_t next = 0;
    for (std::size_t i = 0; i < residuals.size(); ++i) {
        if (residuals[i] == 0) continue;
        put_rice(bits, i - next, plan.gap_width);
        if (!plan.all_ones) put_rice(bits, sparse_value(residuals[i], plan.with_sign), plan.width);
        next = i + 1;
    }
    bits.finish();
}

/// Calls take(row, number) for each of `rows` that isn't zero, rows rising. Returns how many bytes
/// they took.
template <class Take>
std::optional<std::size_t> for_each_sparse(std::string_view bytes, std::size_t rows, Take take) {
    ByteReader header(bytes);
    const auto count = header.varint();
    const unsigned gap_width = header.byte(), kind = header.byte();
    const unsigned width = kind % kSigned;
    if (!header.ok() || count > rows || gap_width > 63) return std::nullopt;
    BitReader bits(header.rest());
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < count; ++i, ++at) {
        const auto gap = bits.get_rice(gap_width, kLongestUnary);
        if (gap >= rows - at) return std::nullopt;
        at += gap;
        const auto value = (kind & kAllOnes) != 0 ? 0 : bits.get_rice(width, kLongestUnary);
        take(at, (kind & kSigned) != 0 ? unzigzag(value) : value + 1);
        if (at + 1 == rows && i + 1 < count) return std::nullopt;
    }
    if (!bits.ok()) return std::nullopt;
    return bytes.size() - header.rest().size() + bits.bytes_read();
}

std::optional<std::size_t> read_sparse(std::string_view bytes, std::span<std::uint64_t> out) {
    std::ranges::fill(out, 0);
    return for_each_sparse(bytes, out.size(),
                           [&](std::size_t row, std::uint64_t number) { out[row] = number; });
}

std::optional<std::size_t> read_sparse_running_sum(std::string_view bytes, std::uint64_t first,
                                                   std::span<std::uint64_t> out) {
    std::size_t begin = 0;  // of the rows that have `first`
    const auto fill_up_to = [&](std::size_t end) {
        std::ranges::fill(out.subspan(begin, end - begin), first);
        begin = end;
    };
    const auto read =
        for_each_sparse(bytes, out.size() - 1, [&](std::size_t row, std::uint64_t number) {
            fill_up_to(row + 1);
            first += number;
        });
    fill_up_to(out.size());
    return read;
}

bool read_patches(std::string_view patches, std::span<std::uint64_t> out) {
    ByteReader again(patches);
    const auto count = again.varint();
    std::uint64_t row = 0;
    for (std::uint64_t i = 0; i < count && again.ok(); ++i) {
        const auto gap = again.varint();
        if (gap >= out.size() - row) return false;
        row += gap;
        out[row] = again.varint();
    }
    return again.ok();
}

/// Moves behind the patches, which are applied when the packed bits have been read.
std::string_view skip_patches(ByteReader& bytes) {
    const auto begin = bytes.rest();
    const auto count = bytes.varint();
    for (std::uint64_t i = 0; i < count && bytes.ok(); ++i) {
        bytes.varint();
        bytes.varint();
    }
    return begin.substr(0, begin.size() - bytes.rest().size());
}

INFERSCOPE_VECTOR_CLONES
void add_bias(std::uint64_t* out, std::size_t count, std::uint64_t bias) {
    for (std::size_t i = 0; i < count; ++i) out[i] += bias;
}

INFERSCOPE_VECTOR_CLONES
void unzigzag_and_add_bias(std::uint64_t* out, std::size_t count, std::uint64_t bias) {
    for (std::size_t i = 0; i < count; ++i) out[i] = unzigzag(out[i]) + bias;
}

/// The dense form before its numbers: what it is, and where they are.
struct DenseView {
    unsigned width = 0;
    bool with_sign = false;
    bool unary = false;
    std::uint64_t bias = 0;
    std::string_view patches;
    std::string_view low;   // packed
    std::string_view rest;  // behind them

    /// What a number of the form stands for.
    std::uint64_t residual(std::uint64_t number) const {
        return (with_sign ? unzigzag(number) : number) + bias;
    }
};

std::optional<DenseView> open_dense(std::string_view bytes, std::size_t count) {
    ByteReader reader(bytes);
    const unsigned kind = reader.byte(), flags = reader.byte();
    DenseView view;
    view.width = kind % kZigzag;
    view.with_sign = (kind & kZigzag) != 0;
    view.unary = (flags & kUnary) != 0;
    view.bias = unzigzag(reader.varint());
    if (!reader.ok() || view.width > 64 || flags > (kUnary | kPatches)) return std::nullopt;
    if ((flags & kPatches) != 0) view.patches = skip_patches(reader);
    view.low = reader.take(packed_bytes(count, view.width));
    view.rest = reader.rest();
    if (!reader.ok() || (view.unary && view.width == 64)) return std::nullopt;
    return view;
}

/// Before bias and sign. Returns how many bytes they took.
std::optional<std::size_t> read_dense_numbers(const DenseView& view, std::string_view bytes,
                                              std::span<std::uint64_t> out) {
    unpack(view.low.data(), view.width, out);
    auto rest = view.rest;
    if (view.unary) {
        const auto high = add_unary(rest, view.width, out);
        if (!high) return std::nullopt;
        rest.remove_prefix(*high);
    }
    if (!view.patches.empty() && !read_patches(view.patches, out)) return std::nullopt;
    return bytes.size() - rest.size();
}

std::optional<std::size_t> read_dense(std::string_view bytes, std::span<std::uint64_t> out) {
    const auto view = open_dense(bytes, out.size());
    if (!view) return std::nullopt;
    const auto read = read_dense_numbers(*view, bytes, out);
    if (view->with_sign) {
        unzigzag_and_add_bias(out.data(), out.size(), view->bias);
    } else if (view->bias != 0) {
        add_bias(out.data(), out.size(), view->bias);
    }
    return read;
}

/// out[i + 1] = out[i] and a residual: that of the number i of packed ones.
INFERSCOPE_VECTOR_CLONES
void sum_up_packed(const char* packed, unsigned width, bool with_sign, std::uint64_t bias,
                   std::uint64_t* out, std::size_t begin, std::size_t end) {
    const auto mask = low_bits(width);
    auto sum = out[begin];
    if (with_sign) {
#pragma clang loop unroll_count(4)
        for (std::size_t i = begin; i < end; ++i)
            out[i + 1] = sum += unzigzag(packed_number(packed, width, mask, i)) + bias;
    } else {
#pragma clang loop unroll_count(4)
        for (std::size_t i = begin; i < end; ++i)
            out[i + 1] = sum += packed_number(packed, width, mask, i) + bias;
    }
}

/// Each number goes from where it is packed into the sum at once.
bool sum_up_packed(const DenseView& view, std::span<std::uint64_t> out) {
    const auto sum_up_to = [&](std::size_t begin, std::size_t end) {
        sum_up_packed(view.low.data(), view.width, view.with_sign, view.bias, out.data(), begin,
                      end);
    };
    const std::size_t count = out.size() - 1;
    std::size_t begin = 0;
    ByteReader patches(view.patches);
    for (auto left = view.patches.empty() ? 0 : patches.varint(); left > 0; --left) {
        // The first counts from row 0, the others from the one before, which stands before `begin`.
        const auto row = patches.varint() + (begin == 0 ? 0 : begin - 1);
        const auto patch = patches.varint();
        if (!patches.ok() || row < begin || row >= count) return false;
        sum_up_to(begin, row);
        out[row + 1] = out[row] + view.residual(patch);
        begin = row + 1;
    }
    sum_up_to(begin, count);
    return true;
}

std::optional<std::size_t> read_dense_running_sum(std::string_view bytes, std::uint64_t first,
                                                  std::span<std::uint64_t> out) {
    const auto view = open_dense(bytes, out.size() - 1);
    if (!view) return std::nullopt;
    out[0] = first;
    if (!view->unary && view->width <= kMostLoadedBits) {
        if (!sum_up_packed(*view, out)) return std::nullopt;
        return bytes.size() - view->rest.size();
    }
    const auto read = read_dense_numbers(*view, bytes, out.subspan(1));
    for (std::size_t i = 1; i < out.size(); ++i) out[i] = out[i - 1] + view->residual(out[i]);
    return read;
}

INFERSCOPE_VECTOR_CLONES
void subtract(const std::uint64_t* numbers, std::size_t count, std::uint64_t* differences) {
    for (std::size_t i = 1; i < count; ++i) differences[i - 1] = numbers[i] - numbers[i - 1];
}

INFERSCOPE_VECTOR_CLONES
std::size_t count_nonzero(const std::uint64_t* residuals, std::size_t count) {
    std::size_t nonzero = 0;
    for (std::size_t i = 0; i < count; ++i) nonzero += residuals[i] != 0 ? 1 : 0;
    return nonzero;
}

INFERSCOPE_VECTOR_CLONES
std::uint64_t sum_of_widths(const std::uint64_t* residuals, std::size_t count) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i)
        sum += static_cast<unsigned>(std::bit_width(zigzag(residuals[i])));
    return sum;
}

}  // namespace

ResidualPlan plan_dense_residuals(std::span<const std::uint64_t> residuals) {
    const auto low = smallest(residuals);
    auto above = plan_dense(widths_of(residuals, low, false), residuals.size());
    above.bias = low;
    if (residuals.size() < kBiasedRows) return above;
    const auto mid = middle(residuals);
    auto around = plan_dense(widths_of(residuals, mid, true), residuals.size());
    around.bias = mid;
    around.with_sign = true;
    return around.bits < above.bits ? around : above;
}

ResidualPlan plan_residuals(std::span<const std::uint64_t> residuals) {
    const auto nonzero = count_nonzero(residuals.data(), residuals.size());
    if (nonzero == 0) return {};
    const auto dense = plan_dense_residuals(residuals);
    if (nonzero > residuals.size() * 3 / 4) return dense;
    const auto sparse = plan_sparse(residuals, nonzero);
    return sparse.bits + sparse.bits / 16 < dense.bits ? sparse : dense;  // slower: it must pay
}

void append_residuals(std::string& out, std::span<const std::uint64_t> residuals,
                      const ResidualPlan& plan) {
    if (plan.form == ResidualForm::sparse) append_sparse(out, residuals, plan);
    if (plan.form == ResidualForm::dense) append_dense(out, residuals, plan);
}

std::uint64_t estimate_residual_bits(std::span<const std::uint64_t> residuals) {
    const auto nonzero = count_nonzero(residuals.data(), residuals.size());
    if (nonzero == 0) return 0;
    // Each that isn't zero needs its width and its place; never less than one bit a row in all.
    const auto place =
        nonzero * (1 + static_cast<unsigned>(std::bit_width(residuals.size() / nonzero)));
    return sum_of_widths(residuals.data(), residuals.size()) +
           std::min<std::uint64_t>(place, residuals.size());
}

std::optional<std::size_t> read_residuals(ResidualForm form, std::string_view bytes,
                                          std::span<std::uint64_t> out) {
    switch (form) {
        case ResidualForm::sparse:
            return read_sparse(bytes, out);
        case ResidualForm::dense:
            return read_dense(bytes, out);
        case ResidualForm::zero:
            break;
    }
    std::ranges::fill(out, 0);
    return 0;
}

void subtract_rows_before(std::span<const std::uint64_t> numbers,
                          std::span<std::uint64_t> differences) {
    subtract(numbers.data(), numbers.size(), differences.data());
}

std::optional<std::size_t> read_running_sum(ResidualForm form, std::string_view bytes,
                                            std::uint64_t first, std::span<std::uint64_t> out) {
    switch (form) {
        case ResidualForm::sparse:
            return read_sparse_running_sum(bytes, first, out);
        case ResidualForm::dense:
            return read_dense_running_sum(bytes, first, out);
        case ResidualForm::zero:
            break;
    }
    std::ranges::fill(out, first);
    return 0;
}

}  // namespace inferscope::tsdb
