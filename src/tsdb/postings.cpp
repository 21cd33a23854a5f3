// SPDX-License-Identifier: Apache-2.0
#include "tsdb/postings.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kMaxSparse = 4096;    // as a bitmap, so many take the same room
constexpr std::size_t kMinDense = 3072;     // a gap, so that one id doesn't turn it back and forth
constexpr std::size_t kBitmapWords = 4096;  // of 16 bits

/// The first element that isn't below `value`, near to `first`.
template <class It, class T>
It gallop(It first, It last, T value) {
    std::ptrdiff_t step = 1;
    while (step < last - first && first[step] < value) {
        first += step;
        step *= 2;
    }
    return std::lower_bound(first, first + std::min(step + 1, last - first), value);
}

}  // namespace

void intersect(Ids& ids, std::span<const SeriesId> others) {
    auto kept = ids.begin();
    auto at = ids.begin();
    auto other = others.begin();
    while (at != ids.end() && other != others.end()) {
        if (*at < *other) {
            at = gallop(at, ids.end(), *other);
        } else if (*other < *at) {
            other = gallop(other, others.end(), *at);
        } else {
            *kept++ = *at++;
            ++other;
        }
    }
    ids.erase(kept, ids.end());
}

void subtract(Ids& ids, std::span<const SeriesId> others) {
    auto other = others.begin();
    std::erase_if(ids, [&](SeriesId id) {
        if (other != others.end() && *other < id) other = gallop(other, others.end(), id);
        return other != others.end() && *other == id;
    });
}

/// Ids with the same upper half.
struct Postings::Container {
    std::uint16_t high = 0;
    bool dense = false;
    std::uint32_t count = 0;
    std::vector<std::uint16_t> words;  ///< the lower halves, sorted; if dense, a bitmap of them

    void insert(std::uint16_t low) {
        ++count;
        if (dense) {
            words[low / 16] |= bit(low);
            return;
        }
        if (words.size() == words.capacity()) words.reserve(words.size() + words.size() / 4 + 4);
        const bool is_last = words.empty() || words.back() < low;  // mostly
        words.insert(is_last ? words.end() : std::lower_bound(words.begin(), words.end(), low),
                     low);
        if (count > kMaxSparse) make_dense();
    }

    void erase(std::uint16_t low) {
        --count;
        if (!dense) {
            words.erase(std::lower_bound(words.begin(), words.end(), low));
            if (words.size() < words.capacity() / 2) words.shrink_to_fit();
            return;
        }
        words[low / 16] &= static_cast<std::uint16_t>(~bit(low));
        if (count < kMinDense) make_sparse();
    }

    template <class Visit>
    void for_each(Visit visit) const {
        if (!dense) {
            for (const auto low : words) visit(low);
            return;
        }
        for (std::size_t i = 0; i < kBitmapWords; i += 4) {
            std::uint64_t bits = 0;
            std::memcpy(&bits, &words[i], sizeof bits);
            for (; bits != 0; bits &= bits - 1) {
                visit(static_cast<std::uint16_t>(i * 16 +
                                                 static_cast<std::size_t>(std::countr_zero(bits))));
            }
        }
    }

    /// Keeps of [first, last), which all have this upper half, what stands here, at `kept`.
    Ids::iterator retain(Ids::iterator first, Ids::iterator last, Ids::iterator kept) const {
        auto at = words.begin();
        for (; first != last; ++first) {
            const auto low = static_cast<std::uint16_t>(*first);
            if (dense) {
                if ((words[low / 16] & bit(low)) != 0) *kept++ = *first;
                continue;
            }
            if (at != words.end() && *at < low) at = gallop(at, words.end(), low);
            if (at == words.end()) break;
            if (*at == low) *kept++ = *first;
        }
        return kept;
    }

private:
    static std::uint16_t bit(std::uint16_t low) {
        return static_cast<std::uint16_t>(1U << (low % 16U));
    }
    void make_dense() {
        std::vector<std::uint16_t> bitmap(kBitmapWords);
        for (const auto low : words) bitmap[low / 16] |= bit(low);
        words = std::move(bitmap);
        dense = true;
    }
    void make_sparse() {
        std::vector<std::uint16_t> lows;
        lows.reserve(count);
        for_each([&](std::uint16_t low) { lows.push_back(low); });
        words = std::move(lows);
        dense = false;
    }
};

namespace {

std::uint16_t high_of(SeriesId id) { return static_cast<std::uint16_t>(id >> 16); }
std::uint16_t low_of(SeriesId id) { return static_cast<std::uint16_t>(id); }

/// The container for `high`, or where it belongs. New ids are mostly the greatest.
template <class Containers>
auto find(Containers& containers, std::uint16_t high) {
    if (!containers.empty() && containers.back().high == high) return std::prev(containers.end());
    return std::ranges::lower_bound(containers, high, {},
                                    [](const auto& container) { return container.high; });
}

}  // namespace

Postings::Postings(Postings&& other) noexcept { *this = std::move(other); }

Postings& Postings::operator=(Postings&& other) noexcept {
    if (this == &other) return *this;
    clear();
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, kInline);
    std::memcpy(inline_, other.inline_, sizeof inline_);
    return *this;
}

void Postings::clear() {
    if (has_containers()) {
        delete containers_;
    } else if (capacity_ != kInline) {
        delete[] array_;
    }
    size_ = 0;
    capacity_ = kInline;
}

void Postings::use_array(std::span<const SeriesId> ids, std::uint32_t capacity) {
    const auto size = static_cast<std::uint32_t>(ids.size());
    auto* const array = capacity == kInline ? nullptr : new SeriesId[capacity];
    SeriesId few[kInline] = {};
    std::ranges::copy(ids, array == nullptr ? few : array);
    clear();
    if (array == nullptr) {
        std::ranges::copy(few, inline_);
    } else {
        array_ = array;
    }
    size_ = size;
    capacity_ = capacity;
}

/// Half as much again as there is; with malloc's header of 8 bytes whole units of 16.
std::uint32_t Postings::roomy(std::uint32_t size) {
    if (size < kInline) return kInline;
    const std::uint32_t wanted = std::max(6U, size + size / 2);
    return std::min(wanted + (2U - wanted) % 4U, kMaxArray);
}

void Postings::use_containers() {
    auto* const containers = new Containers;
    for (const auto id : array()) {
        if (containers->empty() || containers->back().high != high_of(id)) {
            containers->push_back({.high = high_of(id), .dense = false, .count = 0, .words = {}});
        }
        containers->back().insert(low_of(id));
    }
    const auto size = size_;
    clear();
    containers_ = containers;
    capacity_ = kIsContainers;
    size_ = size;
}

void Postings::insert(SeriesId id) {
    if (!has_containers() && size_ == capacity_) {
        if (size_ < kMaxArray) {
            use_array(array(), roomy(size_));
        } else {
            use_containers();
        }
    }
    if (has_containers()) {
        auto at = find(*containers_, high_of(id));
        if (at == containers_->end() || at->high != high_of(id)) {
            at = containers_->insert(
                at, {.high = high_of(id), .dense = false, .count = 0, .words = {}});
        }
        at->insert(low_of(id));
        ++size_;
        return;
    }
    SeriesId* const end = data() + size_;
    SeriesId* const at = size_ == 0 || end[-1] < id ? end : std::lower_bound(data(), end, id);
    std::copy_backward(at, end, end + 1);
    *at = id;
    ++size_;
}

void Postings::erase(SeriesId id) {
    if (!has_containers()) {
        SeriesId* const end = data() + size_;
        SeriesId* const at = std::lower_bound(data(), end, id);
        std::copy(at + 1, end, at);
        --size_;
        if (capacity_ != kInline && size_ < capacity_ / 4) use_array(array(), roomy(size_));
        return;
    }
    const auto at = find(*containers_, high_of(id));
    assert(at != containers_->end() && at->high == high_of(id));
    at->erase(low_of(id));
    if (at->count == 0) containers_->erase(at);
    --size_;
    if (size_ > kMaxArray / 2) return;
    Ids ids;
    append_to(ids);
    use_array(ids, roomy(size_));
}

void Postings::append_to(Ids& ids) const {
    if (!has_containers()) {
        ids.insert(ids.end(), array().begin(), array().end());
        return;
    }
    const std::size_t before = ids.size();
    ids.resize(before + size_);
    auto* out = ids.data() + before;
    for (const auto& container : *containers_) {
        const SeriesId base = SeriesId{container.high} << 16;
        container.for_each([&](std::uint16_t low) { *out++ = base | low; });
    }
}

void Postings::retain(Ids& ids) const {
    if (!has_containers()) {
        intersect(ids, array());
        return;
    }
    auto kept = ids.begin();
    auto first = ids.begin();
    for (const auto& container : *containers_) {
        const SeriesId base = SeriesId{container.high} << 16;
        first = std::lower_bound(first, ids.end(), base);
        const auto last = std::upper_bound(first, ids.end(), base | 0xffffU);
        kept = container.retain(first, last, kept);
        first = last;
    }
    ids.erase(kept, ids.end());
}

bool Postings::any_of(absl::FunctionRef<bool(SeriesId)> is_wanted) const {
    if (!has_containers())
        return std::ranges::any_of(array(), [&](SeriesId id) { return is_wanted(id); });
    bool found = false;
    for (const auto& container : *containers_) {
        const SeriesId base = SeriesId{container.high} << 16;
        container.for_each([&](std::uint16_t low) { found = found || is_wanted(base | low); });
        if (found) break;
    }
    return found;
}

std::size_t Postings::heap_bytes() const {
    if (!has_containers()) return capacity_ == kInline ? 0 : capacity_ * sizeof(SeriesId);
    std::size_t bytes = sizeof(Containers) + containers_->capacity() * sizeof(Container);
    for (const auto& container : *containers_) {
        bytes += container.words.capacity() * sizeof(std::uint16_t);
    }
    return bytes;
}

}  // namespace inferscope::tsdb
