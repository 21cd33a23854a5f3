// SPDX-License-Identifier: Apache-2.0
#include "tsdb/single_series.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "tsdb/decode.h"

namespace inferscope::tsdb {

std::vector<Sample> SingleSnapshot::samples(Timestamp from, Timestamp to) const {
    std::vector<Sample> samples;
    decode(chunks, samples);
    samples.insert(samples.end(), open.begin(), open.end());
    merge_by_time(samples, late);
    keep_between(samples, from, to);
    return samples;
}

std::optional<double> SingleSeries::find(Timestamp time) const {
    if (const auto known = find_by_time(open(), time)) return known;
    if (!stored_) return std::nullopt;
    if (const auto known = find_by_time(stored_->late, time)) return known;
    if (const auto known = find_by_time(stored_->frozen_late, time)) return known;
    const auto* chunk = find_chunk(stored_->chunks, time);
    if (chunk == nullptr) return std::nullopt;
    std::vector<Sample> samples;
    decode(std::span(chunk, 1), samples);
    return find_by_time(samples, time);
}

void SingleSeries::insert(Sample sample) {
    if (sample.time <= last_) {
        insert_by_time(stored().late, sample);
        return;
    }
    if (size_ == capacity_) set_capacity(std::max(1U, capacity_ * 2));
    open_[size_++] = sample;
    last_ = sample.time;
}

SingleSnapshot SingleSeries::snapshot(Timestamp from, Timestamp to) const {
    SingleSnapshot snapshot;
    snapshot.open.assign(open().begin(), open().end());
    if (!stored_) return snapshot;
    std::ranges::copy_if(stored_->chunks, std::back_inserter(snapshot.chunks),
                         [&](const auto& rows) { return rows.first <= to && rows.last >= from; });
    snapshot.late = stored_->late;
    merge_by_time(snapshot.late, stored_->frozen_late);
    return snapshot;
}

std::span<const SealedChunk> SingleSeries::chunks() const {
    return stored_ ? std::span<const SealedChunk>(stored_->chunks) : std::span<const SealedChunk>();
}

void SingleSeries::put(std::size_t merged, std::size_t samples, SealedChunk chunk) {
    auto& chunks = stored().chunks;
    chunks.resize(chunks.size() - merged);
    chunks.push_back(std::move(chunk));
    drop_open(samples);
}

void SingleSeries::forget_before(Timestamp time) {
    const auto old = std::ranges::lower_bound(open(), time, {}, &Sample::time);
    if (const auto count = static_cast<std::size_t>(old - open().begin()); count > 0)
        drop_open(count);
    if (!stored_) return;
    tsdb::forget_before(stored_->chunks, time);
    tsdb::forget_before(stored_->late, time);
    if (stored_->empty()) stored_.reset();
}

void SingleSeries::freeze() {
    frozen_ = size_;
    if (stored_) stored_->frozen_late = std::exchange(stored_->late, {});
}

std::vector<Sample> SingleSeries::frozen() const {
    SingleSnapshot snapshot;
    snapshot.open.assign(open().begin(), open().begin() + frozen_);
    if (stored_) {
        snapshot.chunks = stored_->chunks;
        snapshot.late = stored_->frozen_late;
    }
    return snapshot.samples(kNever, kForever);
}

void SingleSeries::drop() {
    if (frozen_ > 0) drop_open(std::exchange(frozen_, 0));
    if (!stored_) return;
    stored_->chunks.clear();
    stored_->frozen_late.clear();
    if (stored_->empty()) stored_.reset();
}

void SingleSeries::thaw() {
    frozen_ = 0;
    if (stored_) merge_by_time(stored_->late, std::exchange(stored_->frozen_late, {}));
}

Timestamp SingleSeries::oldest() const {
    MemoryUse use;
    measure(use);
    return use.oldest;
}

void SingleSeries::measure(MemoryUse& use) const {
    use.bytes += sizeof(*this) + capacity_ * sizeof(Sample);
    if (size_ > 0) use.oldest = std::min(use.oldest, open_[0].time);
    if (!stored_) return;
    use.bytes += sizeof(Stored) +
                 (stored_->late.capacity() + stored_->frozen_late.capacity()) * sizeof(Sample);
    use.add(stored_->chunks);
    for (const auto* late : {&stored_->late, &stored_->frozen_late}) {
        if (!late->empty()) use.oldest = std::min(use.oldest, late->front().time);
    }
}

SingleSeries::Stored& SingleSeries::stored() {
    if (!stored_) stored_ = std::make_unique<Stored>();
    return *stored_;
}

void SingleSeries::drop_open(std::size_t samples) {
    std::move(&open_[samples], &open_[size_], &open_[0]);
    size_ -= static_cast<std::uint32_t>(samples);
    set_capacity(size_);
}

void SingleSeries::set_capacity(std::uint32_t capacity) {
    auto room = capacity == 0 ? nullptr : std::make_unique_for_overwrite<Sample[]>(capacity);
    std::copy_n(open_.get(), size_, room.get());
    open_ = std::move(room);
    capacity_ = capacity;
}

}  // namespace inferscope::tsdb
