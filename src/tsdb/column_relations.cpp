// SPDX-License-Identifier: Apache-2.0
#include "tsdb/column_relations.h"

#include <algorithm>

#include "tsdb/bit_packing.h"

namespace inferscope::tsdb {
namespace {

/// Odd factors without a pattern, one for each row. Source: splitmix64.
constexpr auto kFactors = [] {
    std::array<std::uint64_t, kMaxChunkRows> factors{};
    std::uint64_t state = 0;
    for (auto& factor : factors) {
        auto z = state += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        factor = (z ^ z >> 31) | 1;
    }
    return factors;
}();

INFERSCOPE_VECTOR_CLONES
std::uint64_t linear_hash(const std::uint64_t* differences, std::size_t count) {
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < count; ++i) hash += differences[i] * kFactors[i];
    return hash;
}

bool is_combination(std::span<const std::uint64_t> differences, const ColumnRelations::Found& of) {
    const auto& a = of.columns[0]->differences;
    if (of.relation == Relation::same) return std::ranges::equal(differences, a);
    const auto& b = of.columns[1]->differences;
    const auto sign = of.relation == Relation::sum ? 1 : ~std::uint64_t{0};
    for (std::size_t i = 0; i < differences.size(); ++i)
        if (differences[i] != a[i] + sign * b[i]) return false;
    return true;
}

}  // namespace

std::uint32_t ColumnRelations::Found::steps() const {
    std::uint32_t steps = 1;
    for (std::size_t i = 0; i < columns_in(relation); ++i) steps += columns[i]->steps;
    return steps;
}

void ColumnRelations::clear() {
    count_ = 0;
    by_hash_.clear();
    known_bits_.reset();
}

const ColumnRelations::Known* ColumnRelations::look_up(std::uint64_t hash,
                                                       const NumberScale& scale) const {
    const auto at = by_hash_.find(hash);
    if (at == by_hash_.end()) return nullptr;
    const Known& known = known_[at->second];
    return known.hash == hash && known.scale == scale ? &known : nullptr;
}

std::optional<ColumnRelations::Found> ColumnRelations::find(
    const NumberScale& scale, std::span<const std::uint64_t> differences) const {
    const auto hash = linear_hash(differences.data(), differences.size());
    const auto holds = [&](const Found& found) {
        return found.steps() <= kMaxDecodeSteps && is_combination(differences, found);
    };
    if (const auto* same = look_up(hash, scale)) {
        const Found found{Relation::same, {same, nullptr}};
        if (holds(found)) return found;
    }
    for (std::size_t i = 0; i < std::min(count_, kRemembered); ++i) {
        const auto of_a = hashes_[(count_ - 1 - i) % kRemembered];
        if (!may_be_known(hash - of_a) && !may_be_known(of_a - hash)) continue;
        const auto* a = newest(i);
        if (a->scale != scale) continue;
        if (const auto* b = look_up(hash - a->hash, scale)) {
            const Found found{Relation::sum, {a, b}};
            if (holds(found)) return found;
        }
        if (const auto* b = look_up(a->hash - hash, scale)) {
            const Found found{Relation::difference, {a, b}};
            if (holds(found)) return found;
        }
    }
    return std::nullopt;
}

const ColumnRelations::Known* ColumnRelations::newest(std::size_t i) const {
    if (i >= std::min(count_, kRemembered)) return nullptr;
    return &known_[(count_ - 1 - i) % kRemembered];
}

void ColumnRelations::remember(std::uint32_t column, std::uint32_t steps, const NumberScale& scale,
                               std::span<const std::uint64_t> differences) {
    const std::size_t slot = count_++ % kRemembered;
    Known& known = known_[slot];
    if (const auto at = by_hash_.find(known.hash); at != by_hash_.end() && at->second == slot)
        by_hash_.erase(at);
    known.column = column;
    known.steps = steps;
    known.scale = scale;
    known.hash = linear_hash(differences.data(), differences.size());
    known.differences.assign(differences.begin(), differences.end());
    by_hash_[known.hash] = slot;
    hashes_[slot] = known.hash;
    known_bits_.set(known.hash % known_bits_.size());
}

}  // namespace inferscope::tsdb
