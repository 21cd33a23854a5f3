// SPDX-License-Identifier: Apache-2.0
#include "tsdb/narrow_column.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/vector_clones.h"

namespace inferscope::tsdb {
namespace {

template <class Distance>
[[gnu::always_inline]] inline void add_to(std::uint64_t least, const Distance* distances,
                                          std::size_t count, double* values) {
    for (std::size_t i = 0; i < count; ++i) values[i] = exact_double(least + distances[i]);
}

INFERSCOPE_VECTOR_CLONES
void widen(std::uint64_t least, const std::uint8_t* distances, std::size_t count, double* values) {
    add_to(least, distances, count, values);
}
INFERSCOPE_VECTOR_CLONES
void widen(std::uint64_t least, const std::uint16_t* distances, std::size_t count, double* values) {
    add_to(least, distances, count, values);
}
INFERSCOPE_VECTOR_CLONES
void widen(std::uint64_t least, const std::uint32_t* distances, std::size_t count, double* values) {
    add_to(least, distances, count, values);
}

struct Bounds {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    std::int64_t most = std::numeric_limits<std::int64_t>::min();
};

Bounds bounds_of(std::span<const std::uint64_t> numbers) {
    Bounds bounds;
    for (const auto bits : numbers) {
        const auto number = static_cast<std::int64_t>(bits);
        bounds.least = std::min(bounds.least, number);
        bounds.most = std::max(bounds.most, number);
    }
    return bounds;
}

bool are_one_value(std::span<const double> values) {
    return std::memcmp(values.data(), values.data() + 1, values.size_bytes() - sizeof(double)) == 0;
}

}  // namespace

NarrowColumn::NarrowColumn(const ColumnHeader& header, std::span<const std::uint64_t> numbers,
                           std::span<const double> values, std::span<const std::uint64_t> present)
    : scale_(header.scale),
      present_(present.begin(), present.end()),
      rows_(static_cast<std::uint32_t>(values.size())) {
    if (present.empty()) facts_ = facts_of(values);
    const auto [least, most] = bounds_of(numbers);
    const auto distance = static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least);
    if (are_one_value(values)) {
        least_ = std::bit_cast<std::uint64_t>(values[0]);
    } else if (header.gaps_size == 0 && scale_.kind != NumberScale::Kind::bits &&
               least >= -kExactLimit && most < kExactLimit &&
               distance <= std::numeric_limits<std::uint32_t>::max()) {
        least_ = static_cast<std::uint64_t>(least);
        keep_distances(numbers, distance);
    } else {
        width_ = sizeof(double);
        bytes_ = std::make_unique_for_overwrite<std::byte[]>(values.size_bytes());
        std::memcpy(bytes_.get(), values.data(), values.size_bytes());
    }
}

void NarrowColumn::keep_distances(std::span<const std::uint64_t> numbers, std::uint64_t most) {
    width_ = most <= 0xff ? 1 : most <= 0xffff ? 2 : 4;
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(numbers.size() * width_);
    for (std::size_t row = 0; row < numbers.size(); ++row) {
        const std::uint64_t distance = numbers[row] - least_;
        std::memcpy(bytes_.get() + row * width_, &distance, width_);  // lowest byte first
    }
}

std::size_t NarrowColumn::heap_bytes() const {
    return rows_ * std::size_t{width_} + present_.capacity() * sizeof(std::uint64_t);
}

void NarrowColumn::copy(std::size_t begin, std::span<double> out) const {
    const auto* const at = bytes_.get() + begin * width_;
    const auto widen_as = [&]<class Distance>(Distance) {
        widen(least_, reinterpret_cast<const Distance*>(at), out.size(), out.data());
        scale_values(scale_, out);
    };
    switch (width_) {
        case 0:
            std::ranges::fill(out, std::bit_cast<double>(least_));
            return;
        case 1:
            return widen_as(std::uint8_t{});
        case 2:
            return widen_as(std::uint16_t{});
        case 4:
            return widen_as(std::uint32_t{});
        default:
            std::memcpy(out.data(), at, out.size_bytes());
    }
}

}  // namespace inferscope::tsdb
