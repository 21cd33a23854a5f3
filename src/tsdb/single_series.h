// SPDX-License-Identifier: Apache-2.0
// A series by itself: its samples came with times of their own. There may be a million of them, so
// an object is 40 bytes, and room for samples grows from one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "telemetry/sample.h"
#include "tsdb/epoch.h"
#include "tsdb/sealed_chunk.h"

namespace inferscope::tsdb {

/// Copied under the lock, decoded without it.
struct SingleSnapshot {
    std::vector<SealedChunk> chunks;
    std::vector<Sample> open;
    std::vector<Sample> late;

    /// Between `from` and `to`, inclusive, by time.
    [[nodiscard]] std::vector<Sample> samples(Timestamp from, Timestamp to) const;
};

/// Thread: the lock around it.
class SingleSeries {
public:
    /// kNever if there is none.
    [[nodiscard]] Timestamp last() const { return last_; }
    /// Of those in memory; kForever if there is none.
    [[nodiscard]] Timestamp oldest() const;
    [[nodiscard]] std::optional<double> find(Timestamp time) const;
    /// There is none at its time yet.
    void insert(Sample sample);
    [[nodiscard]] SingleSnapshot snapshot(Timestamp from, Timestamp to) const;

    /// Not sealed yet, in order.
    [[nodiscard]] std::span<const Sample> open() const { return {open_.get(), size_}; }
    [[nodiscard]] std::span<const SealedChunk> chunks() const;
    /// In place of the last `merged` chunks and the first `samples` open samples.
    void put(std::size_t merged, std::size_t samples, SealedChunk chunk);
    void forget_before(Timestamp time);
    /// What it has now is to go to a block; it stays readable. Nothing may be sealed or forgotten
    /// until drop() or thaw().
    void freeze();
    /// Of a frozen series, by time.
    [[nodiscard]] std::vector<Sample> frozen() const;
    /// What was frozen is in a block.
    void drop();
    /// It isn't.
    void thaw();
    /// Columns of loose groups that fill the series: it stays as long as there is one.
    void add_user() { ++users_; }
    void remove_user() { --users_; }
    /// It stands in the list of those that have enough to be sealed.
    [[nodiscard]] bool is_waiting() const { return is_waiting_; }
    void set_waiting(bool waits) { is_waiting_ = waits; }
    [[nodiscard]] bool is_over() const { return users_ == 0 && size_ == 0 && stored_ == nullptr; }
    void measure(MemoryUse& use) const;

private:
    struct Stored {
        std::vector<SealedChunk> chunks;
        std::vector<Sample> late;         // by time
        std::vector<Sample> frozen_late;  // likewise; none of the times is the same

        [[nodiscard]] bool empty() const {
            return chunks.empty() && late.empty() && frozen_late.empty();
        }
    };
    Stored& stored();
    void drop_open(std::size_t samples);
    void set_capacity(std::uint32_t capacity);

    std::unique_ptr<Sample[]> open_;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    std::uint32_t users_ : 31 = 0;
    bool is_waiting_ : 1 = false;
    std::uint32_t frozen_ = 0;  // of the open ones, the first
    Timestamp last_ = kNever;
    std::unique_ptr<Stored> stored_;  // null while there is nothing in it
};

}  // namespace inferscope::tsdb
