// SPDX-License-Identifier: Apache-2.0
#include "tsdb/kept_columns.h"

#include <utility>

namespace inferscope::tsdb {

const NarrowColumn* KeptColumns::wanted_once() {
    static const NarrowColumn mark;
    return &mark;
}

KeptColumns::~KeptColumns() {
    for (auto& place : places_) {
        const auto* const kept = place.load(std::memory_order_relaxed);
        if (kept != wanted_once()) delete kept;
    }
}

const NarrowColumn* KeptColumns::find(std::size_t column) const {
    const auto* const kept = places_[column].load(std::memory_order_acquire);
    return kept == wanted_once() ? nullptr : kept;
}

bool KeptColumns::was_wanted(std::size_t column) const {
    const NarrowColumn* before = nullptr;
    return !places_[column].compare_exchange_strong(before, wanted_once(),
                                                    std::memory_order_relaxed);
}

const NarrowColumn& KeptColumns::keep(std::size_t column, NarrowColumn decoded) const {
    auto mine = std::make_unique<const NarrowColumn>(std::move(decoded));
    const auto* before = wanted_once();
    if (!places_[column].compare_exchange_strong(before, mine.get(), std::memory_order_acq_rel))
        return *before;
    bytes_.fetch_add(sizeof *mine + mine->heap_bytes(), std::memory_order_relaxed);
    return *mine.release();
}

std::size_t KeptColumns::heap_bytes() const {
    return places_.capacity() * sizeof(Place) + bytes_.load(std::memory_order_relaxed);
}

}  // namespace inferscope::tsdb
