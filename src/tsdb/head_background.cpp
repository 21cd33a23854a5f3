// SPDX-License-Identifier: Apache-2.0
// What the head does besides: sealing and forgetting, one step after the other, each step under the
// lock of what it changes. Encoding runs without any lock that others need.
#include <algorithm>
#include <utility>

#include "tsdb/head.h"

namespace inferscope::tsdb {
namespace {

/// Series by themselves copied under one hold of the catalog's lock.
constexpr std::size_t kSinglesAtOnce = 256;

}  // namespace

std::vector<SharedEpoch> Head::epochs() const {
    return epochs_.with([](const auto& epochs) { return epochs; });
}

std::size_t Head::seal() {
    return background_.with(
        [&](Sealer& sealer) { return seal_epochs(sealer) + seal_singles(sealer); });
}

std::size_t Head::seal_epochs(Sealer& sealer) {
    std::size_t chunks = 0;
    for (const auto& epoch : epochs()) {
        while (const auto work = epoch->with([](const Epoch& rows) { return rows.to_seal(); })) {
            auto chunk = work->seal(sealer);
            epoch->with([&](Epoch& rows) { rows.put(*work, std::move(chunk)); });
            ++chunks;
        }
    }
    return chunks;
}

std::size_t Head::seal_singles(Sealer& sealer) {
    std::size_t chunks = 0;
    while (true) {
        const auto works =
            catalog_.with([](Catalog& catalog) { return catalog.full_singles(kSinglesAtOnce); });
        if (works.empty()) return chunks;
        chunks += seal_works(sealer, works);
    }
}

std::size_t Head::seal_works(Sealer& sealer, std::span<const SingleWork> works) {
    std::vector<SealedChunk> chunks;
    chunks.reserve(works.size());
    for (const auto& work : works) chunks.push_back(sealer.seal(work.before, work.samples));
    catalog_.with([&](Catalog& catalog) {
        for (std::size_t i = 0; i < works.size(); ++i) catalog.put(works[i], std::move(chunks[i]));
    });
    return works.size();
}

std::size_t Head::seal_idle(Timestamp time) {
    for (const auto& epoch : epochs())
        epoch->with([&](Epoch& rows) { rows.close_tile_before(time); });
    const std::size_t singles = background_.with([&](Sealer& sealer) {
        std::size_t chunks = 0;
        SeriesId limit = 1;
        for (SeriesId at = 0; at < limit; at += kSeriesAtOnce) {
            const auto works = catalog_.with([&](Catalog& catalog) {
                limit = catalog.index().id_limit();
                return catalog.idle_singles(at, at + kSeriesAtOnce, time);
            });
            chunks += seal_works(sealer, works);
        }
        return chunks;
    });
    return singles + seal();
}

void Head::forget_before(Timestamp time) {
    background_.with([&](Sealer&) {
        if (time <= oldest_.load(std::memory_order_relaxed)) return;
        oldest_.store(time, std::memory_order_relaxed);
        for (const auto& epoch : epochs())
            epoch->with([&](Epoch& rows) { rows.forget_before(time); });
        for_each_slice([&](Catalog& catalog, SeriesId begin, SeriesId end) {
            catalog.forget_before(time, begin, end);
        });
        exemplars_.with([&](ExemplarRing& ring) { ring.forget_before(time); });
        forget_ended_epochs();
        changes_.note(ChangeLog::kEverything);
    });
}

void Head::forget_ended_epochs() {
    epochs_.with([](auto& epochs) {
        std::erase_if(epochs, [](const SharedEpoch& epoch) {
            return epoch->with([](const Epoch& rows) { return rows.is_over(); });
        });
    });
}

}  // namespace inferscope::tsdb
