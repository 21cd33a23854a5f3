// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_residuals.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tsdb/bit_packing.h"

namespace inferscope::tsdb {
namespace {

using Numbers = std::vector<std::uint64_t>;

std::uint64_t negative(std::uint64_t value) { return std::uint64_t{0} - value; }

void expect_round_trip(const Numbers& numbers, const ResidualPlan& plan) {
    std::string bytes;
    append_residuals(bytes, numbers, plan);
    const auto size = bytes.size();
    bytes.append(kReadPadding, '\xff');
    Numbers read(numbers.size(), 99);
    ASSERT_EQ(read_residuals(plan.form, bytes, read), size);
    ASSERT_EQ(read, numbers);
    Numbers sums(numbers.size() + 1, 99), expected{7};
    for (const auto number : numbers) expected.push_back(expected.back() + number);
    ASSERT_EQ(read_running_sum(plan.form, bytes, 7, sums), size);
    ASSERT_EQ(sums, expected);
}

ResidualForm round_trip(const Numbers& numbers) {
    const auto plan = plan_residuals(numbers);
    expect_round_trip(numbers, plan);
    if (!numbers.empty()) expect_round_trip(numbers, plan_dense_residuals(numbers));
    return plan.form;
}

TEST(Residuals, ZerosTakeNoBytes) {
    EXPECT_EQ(round_trip(Numbers(240)), ResidualForm::zero);
    EXPECT_EQ(round_trip({}), ResidualForm::zero);
}

TEST(Residuals, AFewStandSparse) {
    Numbers numbers(240);
    numbers[0] = 1;
    numbers[77] = negative(3);
    numbers[239] = 1'000'000;
    EXPECT_EQ(round_trip(numbers), ResidualForm::sparse);
}

TEST(Residuals, ASparseHugeOneIsEscaped) {
    for (const auto huge : {~std::uint64_t{0} >> 1, std::uint64_t{1} << 63}) {
        Numbers numbers(1000);
        for (std::size_t i = 0; i < numbers.size(); i += 20) numbers[i] = 1 + i % 3;
        numbers[101] = huge;
        EXPECT_EQ(round_trip(numbers), ResidualForm::sparse);
    }
}

TEST(Residuals, SparseOnesTakeTheirPlacesOnly) {
    Numbers numbers(240);
    for (std::size_t i = 5; i < numbers.size(); i += 24) numbers[i] = 1;
    EXPECT_EQ(round_trip(numbers), ResidualForm::sparse);
    const auto plan = plan_residuals(numbers);
    std::string bytes;
    append_residuals(bytes, numbers, plan);
    EXPECT_LE(bytes.size(), 12U);
}

TEST(Residuals, EachRangeOfNumbersComesBack) {
    std::mt19937_64 random(2);
    for (unsigned width = 1; width <= 64; ++width) {
        for (const int zeros_of_8 : {0, 1, 4, 7}) {
            Numbers numbers(241);
            for (auto& number : numbers) {
                const auto magnitude = random() & low_bits(width);
                number = random() % 8 < static_cast<unsigned>(zeros_of_8) ? 0
                         : random() % 2 == 0                              ? magnitude
                                                                          : negative(magnitude);
            }
            round_trip(numbers);
        }
    }
}

TEST(Residuals, OneHugeOneDoesNotWidenTheRest) {
    Numbers numbers(240);
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 60 + i * i % 17;
    std::string without, with;
    append_residuals(without, numbers, plan_residuals(numbers));
    for (const auto huge : {negative(1'000'000'000'000), ~std::uint64_t{0} >> 1}) {
        numbers[100] = huge;
        EXPECT_EQ(round_trip(numbers), ResidualForm::dense);
        with.clear();
        append_residuals(with, numbers, plan_residuals(numbers));
        EXPECT_LE(with.size(), without.size() + 48);
    }
}

TEST(Residuals, RubbishIsRefusedOrReadWithoutHarm) {
    std::mt19937_64 random(3);
    Numbers out(50);
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes(random() % 60, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random() >> (random() % 8));
        const auto size = bytes.size();
        bytes.append(kReadPadding, '\0');
        for (const auto form : {ResidualForm::sparse, ResidualForm::dense}) {
            const auto view = std::string_view(bytes).substr(0, size);
            for (const auto read :
                 {read_residuals(form, view, out), read_running_sum(form, view, 0, out)}) {
                if (read) EXPECT_LE(*read, size);
            }
        }
    }
}

}  // namespace
}  // namespace inferscope::tsdb
