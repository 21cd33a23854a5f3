// SPDX-License-Identifier: Apache-2.0
// The index of what is in memory: label sets to ids and back, and for each label the series that
// have it. A label set is a list of label numbers (LEB128), about 20 bytes for ten labels.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/labels.h"
#include "tsdb/index.h"
#include "tsdb/postings.h"
#include "tsdb/symbols.h"

namespace inferscope::tsdb {

struct IndexCount {
    std::string name;
    std::uint64_t count = 0;
    bool operator==(const IndexCount&) const = default;
};

/// What /api/v1/status/tsdb tells; each list falls, equal counts by name.
struct IndexStats {
    std::uint64_t series = 0;
    std::uint64_t labels = 0;  ///< pairs of name and value
    std::uint64_t names = 0;
    std::vector<IndexCount> series_by_metric_name;
    std::vector<IndexCount> values_by_label_name;
    std::vector<IndexCount> bytes_by_label_name;  ///< texts and lists of ids, as they lie in memory
    std::vector<IndexCount> series_by_label;      ///< "name=value"
};

/// Ids are dense. An id that was removed is given again to a later series, so whoever keeps one
/// beyond the lock must know that its series wasn't removed meanwhile; until then it costs 16
/// bytes. Memory of removed series is reused; when more is dead than alive, remove() makes
/// everything anew, which costs about 0.3 us for each series that is left, so less than what was
/// removed cost. Thread: the head's lock.
class HeadIndex final : public Index {
public:
    struct Added {
        SeriesId id = 0;
        bool is_new = false;
    };

    HeadIndex();
    HeadIndex(const HeadIndex&) = delete;
    HeadIndex& operator=(const HeadIndex&) = delete;

    Added get_or_add(const Labels& labels);
    [[nodiscard]] std::optional<SeriesId> find(const Labels& labels) const;
    /// Each id is of this index, and none stands twice.
    void remove(std::span<const SeriesId> ids);

    [[nodiscard]] std::size_t series_count() const override { return series_.size(); }
    [[nodiscard]] Labels labels(SeriesId id) const override;
    /// Greater than every id: for arrays beside the index.
    [[nodiscard]] SeriesId id_limit() const override {
        return static_cast<SeriesId>(records_.size());
    }

    /// The `most` first of each list.
    [[nodiscard]] IndexStats stats(std::size_t most) const;
    [[nodiscard]] std::size_t heap_bytes() const;

private:
    struct Key {
        const Labels& labels;
        std::uint32_t hash;
    };
    struct Hash {
        using is_transparent = void;
        const HeadIndex* index;
        std::size_t operator()(SeriesId id) const { return spread(index->hashes_[id]); }
        std::size_t operator()(const Key& key) const { return spread(key.hash); }
    };
    struct Equal {
        using is_transparent = void;
        const HeadIndex* index;
        bool operator()(SeriesId a, SeriesId b) const { return a == b; }
        bool operator()(SeriesId id, const Key& key) const {
            return index->hashes_[id] == key.hash && index->has_labels(id, key.labels);
        }
    };
    using SeriesSet = absl::flat_hash_set<SeriesId, Hash, Equal>;
    class Record;

    static std::size_t spread(std::uint32_t hash) { return hash * std::size_t{0x9e3779b97f4a7c15}; }
    static Key key_of(const Labels& labels);
    [[nodiscard]] SeriesSet empty_set() const { return SeriesSet(0, Hash{this}, Equal{this}); }
    [[nodiscard]] bool has_labels(SeriesId id, const Labels& labels) const;
    [[nodiscard]] Record record(SeriesId id) const;
    [[nodiscard]] const char* store(std::span<const LabelNumber> labels);
    void intern(const Labels& labels);
    SeriesId new_id();
    void remove_one(SeriesId id);
    [[nodiscard]] bool is_mostly_dead() const;
    void compact();
    void compact_ids();

    void append_all(Ids& ids) const override;
    [[nodiscard]] std::optional<NameNumber> find_name(std::string_view name) const override;
    void for_each_name(VisitName visit) const override;
    [[nodiscard]] NameNumber name_of(LabelNumber label) const override;
    [[nodiscard]] std::size_t count_labels(NameNumber name) const override;
    [[nodiscard]] std::optional<LabelNumber> find_label(NameNumber name,
                                                        std::string_view value) const override;
    void for_each_label(NameNumber name, std::string_view prefix, VisitLabel visit) const override;
    [[nodiscard]] std::string value(LabelNumber label) const override;
    [[nodiscard]] std::size_t count_ids(LabelNumber label) const override;
    void append_ids(LabelNumber label, Ids& ids) const override;
    [[nodiscard]] bool any_of(LabelNumber label, IsWanted is_wanted) const override;
    void retain(LabelNumber label, Ids& ids) const override;
    void filter(NameNumber name, Ids& ids, KeepIf keep) const override;
    void for_each_set(std::span<const SeriesId> ids, VisitNumbers visit) const override;

    Symbols symbols_;
    std::vector<Postings> postings_;     // by label number
    std::vector<const char*> records_;   // by id: how many labels, their numbers; null = free
    std::vector<std::uint32_t> hashes_;  // by id: of the label set's bytes
    std::vector<SeriesId> free_ids_;
    SeriesSet series_;
    Arena record_bytes_;
    std::size_t live_record_bytes_ = 0;
    std::size_t dead_record_bytes_ = 0;
    std::vector<LabelNumber> added_;  // labels of the newest series: the next one shares most
};

}  // namespace inferscope::tsdb
