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

/// The bits above `width` in unary, each number with a one at its end; long ones patched.
std::uint64_t unary_bits(const Widths& widths, unsigned width, std::size_t count) {
    std::uint64_t bits = count;
    for (unsigned w = width + 1; w < widths.size(); ++w) {
        if (widths[w] == 0) continue;
        // From 2^(w-1) to 2^w - 1, so 3/4 of 2^w, less a half for what the packed bits hold.
        const bool patched = w > width + kMostUnaryBits;
        bits += patched ? widths[w] * patch_bits(w)
                        : ((std::uint64_t{3 * widths[w]} << (w - width)) - 2 * widths[w]) / 4;
    }
    return bits;
}

/// Of unsigned numbers: how many bits stay packed, and whether the rest is unary or patched.
ResidualPlan plan_dense(const Widths& widths, std::size_t count) {
    ResidualPlan best{.form = ResidualForm::dense, .bits = ~std::uint64_t{0}};
    unsigned top = 64;
    while (top > 0 && widths[top] == 0) --top;
    std::uint64_t patches = 0;
    for (unsigned width = top + 1; width-- > 0;) {
        const auto packed = std::uint64_t{width} * count;
        if (packed + patches < best.bits)
            std::tie(best.width, best.unary, best.bits) =
                std::tuple(width, false, packed + patches);
        const auto unary = packed + unary_bits(widths, width, count);
        if (unary + unary / 32 < best.bits)
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
    for (unsigned width = 0; !plan.all_ones && width < 64; ++width) {
        const auto bits = nonzero * width + unary_bits(widths, width, nonzero);
        if (bits >= values) continue;
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

std::uint64_t get_rice(BitReader& bits, unsigned width) {
    const auto high = bits.get_unary(kLongestUnary);
    return high < kLongestUnary ? high << width | bits.get(width) : bits.get(64);
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

std::optional<std::size_t> read_sparse(std::string_view bytes, std::span<std::uint64_t> out) {
    std::ranges::fill(out, 0);
    ByteReader header(bytes);
    const auto count = header.varint();
    const unsigned gap_width = header.byte(), kind = header.byte();
    const unsigned width = kind % kSigned;
    if (!header.ok() || count > out.size() || gap_width > 63) return std::nullopt;
    BitReader bits(header.rest());
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < count; ++i, ++at) {
        const auto gap = get_rice(bits, gap_width);
        if (gap >= out.size() - at) return std::nullopt;
        at += gap;
        const auto value = (kind & kAllOnes) != 0 ? 0 : get_rice(bits, width);
        out[at] = (kind & kSigned) != 0 ? unzigzag(value) : value + 1;
        if (at + 1 == out.size() && i + 1 < count) return std::nullopt;
    }
    if (!bits.ok()) return std::nullopt;
    return bytes.size() - header.rest().size() + bits.bytes_read();
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

std::optional<std::size_t> read_dense(std::string_view bytes, std::span<std::uint64_t> out) {
    ByteReader reader(bytes);
    const unsigned kind = reader.byte(), flags = reader.byte(), width = kind % kZigzag;
    const auto bias = unzigzag(reader.varint());
    if (!reader.ok() || width > 64 || flags > (kUnary | kPatches)) return std::nullopt;
    const auto patches = (flags & kPatches) != 0 ? skip_patches(reader) : std::string_view{};
    const auto low = reader.take(packed_bytes(out.size(), width));
    if (!reader.ok()) return std::nullopt;
    unpack(low.data(), width, out);
    if ((flags & kUnary) != 0) {
        const auto high = width < 64 ? add_unary(reader.rest(), width, out) : std::nullopt;
        if (!high) return std::nullopt;
        reader.take(*high);
    }
    if (!patches.empty() && !read_patches(patches, out)) return std::nullopt;
    if ((kind & kZigzag) != 0) {
        unzigzag_and_add_bias(out.data(), out.size(), bias);
    } else if (bias != 0) {
        add_bias(out.data(), out.size(), bias);
    }
    return bytes.size() - reader.rest().size();
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
    const auto low = smallest(residuals), mid = middle(residuals);
    auto above = plan_dense(widths_of(residuals, low, false), residuals.size());
    auto around = plan_dense(widths_of(residuals, mid, true), residuals.size());
    above.bias = low;
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

}  // namespace inferscope::tsdb
