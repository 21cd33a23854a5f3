// SPDX-License-Identifier: Apache-2.0
// The labels of an index in memory: each pair of name and value stands here once and has a number.
// Label sets are then a few bytes of numbers.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace inferscope::tsdb {

/// Number of a label name.
using NameNumber = std::uint32_t;
/// Number of a label: of one name with one value.
using LabelNumber = std::uint32_t;
inline constexpr LabelNumber kNoLabel = UINT32_MAX;

/// Gives room that is freed as a whole only: no header and no rounding for each text.
class Arena {
public:
    /// Stays where it is until the arena ends.
    char* allocate(std::size_t bytes);
    /// Taken from the heap.
    [[nodiscard]] std::size_t heap_bytes() const { return heap_bytes_; }

private:
    std::vector<std::unique_ptr<char[]>> chunks_;
    char* at_ = nullptr;
    std::size_t left_ = 0;
    std::size_t heap_bytes_ = 0;
};

/// LEB128, for records that this process wrote itself.
std::size_t varint_size(std::uint64_t value);
char* write_varint(char* at, std::uint64_t value);
inline std::uint32_t read_varint(const char*& at) {
    std::uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(*at++);
        value |= static_cast<std::uint32_t>(byte & 0x7fU) << shift;
        if (byte < 0x80) return value;
    }
}

/// push_back that grows by a quarter instead of the double: these arrays are long.
template <class Vector, class Value>
void push_back_tight(Vector& vector, Value&& value) {
    if (vector.size() == vector.capacity()) vector.reserve(vector.size() + vector.size() / 4 + 16);
    vector.push_back(std::forward<Value>(value));
}

/// Thread: the owner's lock. Texts are valid until the next compact().
class Symbols {
public:
    Symbols() = default;
    Symbols(const Symbols&) = delete;
    Symbols& operator=(const Symbols&) = delete;

    /// The label's number; a new one if it isn't known. A name or value has less than 4 GiB.
    LabelNumber intern(std::string_view name, std::string_view value);
    /// The same where the name's number is known, as label_name() gave it.
    LabelNumber intern(NameNumber name, std::string_view value);
    /// Forgets a label: its number, and its name's if no other label has it, is given again.
    void release(LabelNumber label);

    [[nodiscard]] std::optional<NameNumber> find_name(std::string_view name) const;
    [[nodiscard]] std::optional<LabelNumber> find(NameNumber name, std::string_view value) const;
    [[nodiscard]] std::string_view name(NameNumber name) const { return names_[name].text; }
    [[nodiscard]] NameNumber name_of(LabelNumber label) const { return labels_[label].name; }
    [[nodiscard]] std::string_view value(LabelNumber label) const {
        return text_of(labels_[label]);
    }

    /// In no particular order.
    void for_each_name(absl::FunctionRef<void(NameNumber, std::string_view)> visit) const;
    void for_each_label(NameNumber name,
                        absl::FunctionRef<void(LabelNumber, std::string_view)> visit) const;
    /// Labels with this name.
    [[nodiscard]] std::size_t count(NameNumber name) const { return names_[name].labels.size(); }
    [[nodiscard]] std::size_t size() const { return labels_.size() - free_labels_.size(); }
    /// Greater than every number given.
    [[nodiscard]] LabelNumber limit() const { return static_cast<LabelNumber>(labels_.size()); }

    /// Bytes that compact() would give back, and those that it would keep.
    [[nodiscard]] std::size_t dead_bytes() const;
    [[nodiscard]] std::size_t live_bytes() const;
    [[nodiscard]] std::size_t heap_bytes() const;
    /// Makes everything anew without what was released. Returns the new number of each old one
    /// (order kept), kNoLabel for those released.
    std::vector<LabelNumber> compact();

private:
    struct Entry {
        const char* text = nullptr;  // its length (LEB128), then its bytes; null if released
        std::uint32_t hash = 0;
        NameNumber name = 0;
    };
    struct Key {
        std::string_view value;
        std::uint32_t hash;
    };
    struct Hash {
        using is_transparent = void;
        const Symbols* symbols;
        std::size_t operator()(LabelNumber label) const {
            return spread(symbols->labels_[label].hash);
        }
        std::size_t operator()(const Key& key) const { return spread(key.hash); }
    };
    struct Equal {
        using is_transparent = void;
        const Symbols* symbols;
        bool operator()(LabelNumber a, LabelNumber b) const { return a == b; }
        bool operator()(LabelNumber label, const Key& key) const {
            const auto& entry = symbols->labels_[label];
            return entry.hash == key.hash && text_of(entry) == key.value;
        }
    };
    using LabelSet = absl::flat_hash_set<LabelNumber, Hash, Equal>;
    struct Name {
        std::string text;
        LabelSet labels;
    };

    /// 32 bits of hash as Abseil wants them: all of them count in the upper and the lower bits.
    static std::size_t spread(std::uint32_t hash) { return hash * std::size_t{0x9e3779b97f4a7c15}; }
    static std::string_view text_of(const Entry& entry) {
        const char* at = entry.text;
        const std::uint32_t length = read_varint(at);
        return {at, length};
    }
    static Key key_of(std::string_view value);
    NameNumber intern_name(std::string_view name);
    void release_name(NameNumber name);
    [[nodiscard]] LabelSet empty_set() const { return LabelSet(0, Hash{this}, Equal{this}); }
    [[nodiscard]] const char* store(std::string_view value);

    std::vector<Name> names_;
    std::vector<NameNumber> free_names_;
    absl::flat_hash_map<std::string, NameNumber> names_by_text_;
    std::vector<Entry> labels_;
    std::vector<LabelNumber> free_labels_;
    Arena texts_;
    std::size_t live_text_bytes_ = 0;
    std::size_t dead_text_bytes_ = 0;
};

}  // namespace inferscope::tsdb
