// SPDX-License-Identifier: Apache-2.0
#include "tsdb/bit_packing.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tsdb/bit_varint.h"

namespace inferscope::tsdb {
namespace {

TEST(BitPacking, UnpacksEveryWidthAsItWasWritten) {
    std::mt19937_64 random(1);
    for (unsigned width = 0; width <= 64; ++width) {
        for (const std::size_t count : {0U, 1U, 7U, 64U, 241U}) {
            std::vector<std::uint64_t> numbers(count);
            for (auto& number : numbers) number = random() & low_bits(width);
            std::string bytes;
            BitWriter writer(bytes);
            for (const auto number : numbers) writer.put(number, width);
            writer.finish();
            ASSERT_EQ(bytes.size(), packed_bytes(count, width));
            BitReader reader(bytes);
            for (const auto number : numbers) ASSERT_EQ(reader.get(width), number) << width;
            EXPECT_TRUE(reader.ok());
            std::string packed = "before";
            append_packed(packed, width, numbers);
            ASSERT_EQ(packed, "before" + bytes) << width;
            bytes.append(kReadPadding, '\xff');
            std::vector<std::uint64_t> read(count);
            unpack(bytes.data(), width, read);
            ASSERT_EQ(read, numbers) << width;
        }
    }
}

TEST(BitPacking, AddsUnaryNumbersAndSaysHowManyBytesTheyTook) {
    const std::vector<std::uint64_t> numbers{0, 3, 64, 0, 200, 1, 31, 32, 33};
    std::string bytes;
    BitWriter writer(bytes);
    for (const auto number : numbers) writer.put_unary(number);
    writer.finish();
    const auto size = bytes.size();
    bytes += "more";
    std::vector<std::uint64_t> sums(numbers.size(), 5);
    ASSERT_EQ(add_unary(bytes, 3, sums), size);
    for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(sums[i], 5 + numbers[i] * 8);
    EXPECT_EQ(add_unary(std::string_view(bytes).substr(0, size - 1), 0, sums), std::nullopt);
}

TEST(BitPacking, ReaderStopsAtTheLimitOfAUnaryNumberAndAtTheEnd) {
    std::string bytes(5, '\0');
    BitReader limited(bytes);
    EXPECT_EQ(limited.get_unary(31), 31U);
    EXPECT_TRUE(limited.ok());
    BitReader reader(bytes);
    reader.get_unary(1000);
    EXPECT_FALSE(reader.ok());
    BitReader empty("");
    EXPECT_EQ(empty.get(64), 0U);
    EXPECT_FALSE(empty.ok());
}

TEST(Varint, TakesEachNumberInOneFormOnly) {
    for (const std::uint64_t number : {0ULL, 127ULL, 128ULL, 1ULL << 63, ~0ULL}) {
        std::string bytes;
        append_varint(bytes, number);
        ByteReader reader(bytes);
        EXPECT_EQ(reader.varint(), number);
        EXPECT_TRUE(reader.ok() && reader.rest().empty());
        ByteReader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
        cut.varint();
        EXPECT_FALSE(cut.ok());
    }
    using namespace std::string_view_literals;
    for (const auto bytes : {"\x80\x00"sv, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv}) {
        ByteReader reader(bytes);
        reader.varint();
        EXPECT_FALSE(reader.ok());
    }
}

}  // namespace
}  // namespace inferscope::tsdb
