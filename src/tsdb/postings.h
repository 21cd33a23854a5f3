// SPDX-License-Identifier: Apache-2.0
// Sets of series ids, as the index in memory keeps one for each label.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace inferscope::tsdb {

/// Number of a series within one index.
using SeriesId = std::uint32_t;
/// Ascending, no id twice.
using Ids = std::vector<SeriesId>;

/// Keeps of `ids` what stands in `others` too. Cost: the shorter list times the logarithm of the
/// gaps.
void intersect(Ids& ids, std::span<const SeriesId> others);
/// Keeps of `ids` what doesn't stand in `others`.
void subtract(Ids& ids, std::span<const SeriesId> others);

/// A set that changes, small in memory at every size (after Roaring bitmaps, Lemire et al. 2016):
/// up to two ids stand in the object itself, up to 250 in one sorted array, more in containers of
/// 65,536 neighbours each, which are arrays of the lower halves (two bytes an id) or, above 4,096
/// ids, bitmaps.
class Postings {
public:
    Postings() = default;
    ~Postings() { clear(); }
    Postings(Postings&& other) noexcept;
    Postings& operator=(Postings&& other) noexcept;

    /// `id` isn't in it yet.
    void insert(SeriesId id);
    /// `id` is in it.
    void erase(SeriesId id);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    void append_to(Ids& ids) const;
    /// Keeps of `ids` what stands in this set.
    void retain(Ids& ids) const;
    /// Asks in ascending order, until one is.
    [[nodiscard]] bool any_of(absl::FunctionRef<bool(SeriesId)> is_wanted) const;
    /// Without the object itself.
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    struct Container;
    using Containers = std::vector<Container>;
    static constexpr std::uint32_t kInline = 2;
    static constexpr std::uint32_t kMaxArray = 250;
    static constexpr std::uint32_t kIsContainers = UINT32_MAX;

    [[nodiscard]] bool has_containers() const { return capacity_ == kIsContainers; }
    [[nodiscard]] SeriesId* data() { return capacity_ == kInline ? inline_ : array_; }
    [[nodiscard]] std::span<const SeriesId> array() const {
        return {capacity_ == kInline ? inline_ : array_, size_};
    }
    void clear();
    static std::uint32_t roomy(std::uint32_t size);
    void use_array(std::span<const SeriesId> ids, std::uint32_t capacity);
    void use_containers();

    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = kInline;  // of the array, or kIsContainers
    union {
        SeriesId inline_[kInline] = {};
        SeriesId* array_;
        Containers* containers_;
    };
};

}  // namespace inferscope::tsdb
