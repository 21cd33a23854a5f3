// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_head.h"

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace inferscope::tsdb {

/// A stored label set, read from front to back.
class HeadIndex::Record {
public:
    explicit Record(const char* bytes) : at_(bytes), left_(read_varint(at_)) {}

    [[nodiscard]] std::uint32_t left() const { return left_; }
    LabelNumber next() {
        --left_;
        return read_varint(at_);
    }
    [[nodiscard]] const char* end() const { return at_; }

private:
    const char* at_;
    std::uint32_t left_;
};

HeadIndex::HeadIndex() : series_(empty_set()) {}

HeadIndex::Key HeadIndex::key_of(const Labels& labels) {
    const absl::string_view bytes(labels.bytes().data(), labels.bytes().size());
    return {labels, static_cast<std::uint32_t>(absl::HashOf(bytes))};
}

HeadIndex::Record HeadIndex::record(SeriesId id) const { return Record(records_[id]); }

bool HeadIndex::has_labels(SeriesId id, const Labels& labels) const {
    Record stored = record(id);
    for (const auto& label : labels) {
        if (stored.left() == 0) return false;
        const LabelNumber number = stored.next();
        if (symbols_.value(number) != label.value) return false;
        if (symbols_.name(symbols_.name_of(number)) != label.name) return false;
    }
    return stored.left() == 0;
}

std::optional<SeriesId> HeadIndex::find(const Labels& labels) const {
    const auto found = series_.find(key_of(labels));
    if (found == series_.end()) return std::nullopt;
    return *found;
}

HeadIndex::Added HeadIndex::get_or_add(const Labels& labels) {
    const Key key = key_of(labels);
    if (const auto known = series_.find(key); known != series_.end()) return {*known, false};
    intern(labels);
    const SeriesId id = new_id();
    records_[id] = store(added_);
    hashes_[id] = key.hash;
    while (postings_.size() < symbols_.limit()) push_back_tight(postings_, Postings());
    for (const auto label : added_) postings_[label].insert(id);
    series_.insert(id);
    return {id, true};
}

/// Puts the labels' numbers into `added_`, where those of the series before stand: what is the same
/// at the same place needs no look-up.
void HeadIndex::intern(const Labels& labels) {
    std::size_t place = 0;
    for (const auto& label : labels) {
        if (place == added_.size()) added_.push_back(kNoLabel);
        LabelNumber& number = added_[place++];
        const bool same_name =
            number != kNoLabel && symbols_.name(symbols_.name_of(number)) == label.name;
        if (same_name && symbols_.value(number) == label.value) continue;
        number = same_name ? symbols_.intern(symbols_.name_of(number), label.value)
                           : symbols_.intern(label.name, label.value);
    }
    added_.resize(place);
}

const char* HeadIndex::store(std::span<const LabelNumber> labels) {
    std::size_t bytes = varint_size(labels.size());
    for (const auto label : labels) bytes += varint_size(label);
    char* const stored = record_bytes_.allocate(bytes);
    char* at = write_varint(stored, labels.size());
    for (const auto label : labels) at = write_varint(at, label);
    live_record_bytes_ += bytes;
    return stored;
}

SeriesId HeadIndex::new_id() {
    if (!free_ids_.empty()) {
        const SeriesId id = free_ids_.back();
        free_ids_.pop_back();
        return id;
    }
    push_back_tight(records_, nullptr);
    push_back_tight(hashes_, 0U);
    return id_limit() - 1;
}

void HeadIndex::remove(std::span<const SeriesId> ids) {
    for (const auto id : ids) remove_one(id);
    added_.clear();  // some of them may be released
    if (is_mostly_dead()) compact();
}

void HeadIndex::remove_one(SeriesId id) {
    assert(id < id_limit() && records_[id] != nullptr);
    series_.erase(id);
    Record stored = record(id);
    while (stored.left() > 0) {
        const LabelNumber label = stored.next();
        postings_[label].erase(id);
        if (postings_[label].empty()) symbols_.release(label);
    }
    const auto bytes = static_cast<std::size_t>(stored.end() - records_[id]);
    live_record_bytes_ -= bytes;
    dead_record_bytes_ += bytes;
    records_[id] = nullptr;
    push_back_tight(free_ids_, id);
}

bool HeadIndex::is_mostly_dead() const {
    constexpr std::size_t kWorthIt = std::size_t{1} << 18;
    const std::size_t dead = symbols_.dead_bytes() + dead_record_bytes_;
    return dead > kWorthIt && dead > symbols_.live_bytes() + live_record_bytes_;
}

void HeadIndex::compact() {
    const auto moved = symbols_.compact();
    std::vector<Postings> postings(symbols_.limit());
    for (std::size_t i = 0; i < moved.size(); ++i) {
        if (moved[i] != kNoLabel) postings[moved[i]] = std::move(postings_[i]);
    }
    postings_ = std::move(postings);

    const Arena before = std::exchange(record_bytes_, {});
    live_record_bytes_ = 0;
    dead_record_bytes_ = 0;
    std::vector<LabelNumber> labels;
    for (const char*& bytes : records_) {
        if (bytes == nullptr) continue;
        labels.clear();
        for (Record stored(bytes); stored.left() > 0;) labels.push_back(moved[stored.next()]);
        bytes = store(labels);
    }
    compact_ids();
}

/// Gives the ids behind the last series back, and the hash table's empty room.
void HeadIndex::compact_ids() {
    while (!records_.empty() && records_.back() == nullptr) records_.pop_back();
    hashes_.resize(records_.size());
    records_.shrink_to_fit();
    hashes_.shrink_to_fit();
    std::erase_if(free_ids_, [&](SeriesId id) { return id >= id_limit(); });
    free_ids_.shrink_to_fit();
    const std::size_t count = series_.size();
    series_ = empty_set();
    series_.reserve(count);
    for (SeriesId id = 0; id < id_limit(); ++id) {
        if (records_[id] != nullptr) series_.insert(id);
    }
}

Labels HeadIndex::labels(SeriesId id) const {
    std::vector<Label> labels;
    for (Record stored = record(id); stored.left() > 0;) {
        const LabelNumber label = stored.next();
        labels.push_back({symbols_.name(symbols_.name_of(label)), symbols_.value(label)});
    }
    return Labels::from(labels);
}

std::size_t HeadIndex::heap_bytes() const {
    constexpr std::size_t kSlotBytes = sizeof(SeriesId) + 1;  // Abseil's control byte
    std::size_t bytes = symbols_.heap_bytes() + postings_.capacity() * sizeof(Postings) +
                        records_.capacity() * sizeof(const char*) +
                        hashes_.capacity() * sizeof(std::uint32_t) +
                        free_ids_.capacity() * sizeof(SeriesId) + series_.capacity() * kSlotBytes +
                        record_bytes_.heap_bytes();
    for (const auto& postings : postings_) bytes += postings.heap_bytes();
    return bytes;
}

void HeadIndex::append_all(Ids& ids) const {
    ids.reserve(ids.size() + series_count());
    for (SeriesId id = 0; id < id_limit(); ++id) {
        if (records_[id] != nullptr) ids.push_back(id);
    }
}

std::optional<NameNumber> HeadIndex::find_name(std::string_view name) const {
    return symbols_.find_name(name);
}

void HeadIndex::for_each_name(VisitName visit) const { symbols_.for_each_name(visit); }

NameNumber HeadIndex::name_of(LabelNumber label) const { return symbols_.name_of(label); }

std::size_t HeadIndex::count_labels(NameNumber name) const { return symbols_.count(name); }

std::optional<LabelNumber> HeadIndex::find_label(NameNumber name, std::string_view value) const {
    return symbols_.find(name, value);
}

void HeadIndex::for_each_label(NameNumber name, std::string_view prefix, VisitLabel visit) const {
    symbols_.for_each_label(name, [&](LabelNumber label, std::string_view value) {
        if (value.starts_with(prefix)) visit(label, value);
    });
}

std::string HeadIndex::value(LabelNumber label) const { return std::string(symbols_.value(label)); }

std::size_t HeadIndex::count_ids(LabelNumber label) const { return postings_[label].size(); }

void HeadIndex::append_ids(LabelNumber label, Ids& ids) const { postings_[label].append_to(ids); }

bool HeadIndex::any_of(LabelNumber label, IsWanted is_wanted) const {
    return postings_[label].any_of(is_wanted);
}

void HeadIndex::retain(LabelNumber label, Ids& ids) const { postings_[label].retain(ids); }

void HeadIndex::filter(NameNumber name, Ids& ids, KeepIf keep) const {
    std::erase_if(ids, [&](SeriesId id) {
        for (Record stored = record(id); stored.left() > 0;) {
            const LabelNumber label = stored.next();
            if (symbols_.name_of(label) == name) return !keep(label);
        }
        return !keep(kNoLabel);
    });
}

void HeadIndex::for_each_set(std::span<const SeriesId> ids, VisitNumbers visit) const {
    std::vector<LabelNumber> labels;
    for (const auto id : ids) {
        labels.clear();
        for (Record stored = record(id); stored.left() > 0;) labels.push_back(stored.next());
        visit(labels);
    }
}

}  // namespace inferscope::tsdb
