// SPDX-License-Identifier: Apache-2.0
#include "tsdb/symbols.h"

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace inferscope::tsdb {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 18;  // its own mapping: given back when freed

absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

char* Arena::allocate(std::size_t bytes) {
    if (bytes > left_) {
        const std::size_t size = std::max(kChunkBytes, bytes);
        chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
        heap_bytes_ += size;
        if (bytes >= kChunkBytes / 4) return chunks_.back().get();  // goes on with the chunk before
        at_ = chunks_.back().get();
        left_ = size;
    }
    left_ -= bytes;
    return std::exchange(at_, at_ + bytes);
}

std::size_t varint_size(std::uint64_t value) {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7) ++size;
    return size;
}

char* write_varint(char* at, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(0x80 | (value & 0x7f));
    *at++ = static_cast<char>(value);
    return at;
}

Symbols::Key Symbols::key_of(std::string_view value) {
    return {value, static_cast<std::uint32_t>(absl::HashOf(as_absl(value)))};
}

std::optional<NameNumber> Symbols::find_name(std::string_view name) const {
    const auto found = names_by_text_.find(as_absl(name));
    if (found == names_by_text_.end()) return std::nullopt;
    return found->second;
}

std::optional<LabelNumber> Symbols::find(NameNumber name, std::string_view value) const {
    const auto& labels = names_[name].labels;
    const auto found = labels.find(key_of(value));
    if (found == labels.end()) return std::nullopt;
    return *found;
}

NameNumber Symbols::intern_name(std::string_view name) {
    if (const auto known = find_name(name)) return *known;
    auto number = static_cast<NameNumber>(names_.size());
    if (free_names_.empty()) {
        names_.push_back({std::string(name), empty_set()});
    } else {
        number = free_names_.back();
        free_names_.pop_back();
        names_[number].text = name;
    }
    names_by_text_.emplace(std::string(name), number);
    return number;
}

LabelNumber Symbols::intern(std::string_view name, std::string_view value) {
    return intern(intern_name(name), value);
}

LabelNumber Symbols::intern(NameNumber name, std::string_view value) {
    auto& labels = names_[name].labels;
    const Key key = key_of(value);
    if (const auto known = labels.find(key); known != labels.end()) return *known;
    const Entry entry{store(value), key.hash, name};
    auto number = static_cast<LabelNumber>(labels_.size());
    if (free_labels_.empty()) {
        push_back_tight(labels_, entry);
    } else {
        number = free_labels_.back();
        free_labels_.pop_back();
        labels_[number] = entry;
    }
    labels.insert(number);
    return number;
}

const char* Symbols::store(std::string_view value) {
    const std::size_t bytes = varint_size(value.size()) + value.size();
    char* const text = texts_.allocate(bytes);
    char* const at = write_varint(text, value.size());
    if (!value.empty()) std::memcpy(at, value.data(), value.size());
    live_text_bytes_ += bytes;
    return text;
}

void Symbols::release(LabelNumber label) {
    Entry& entry = labels_[label];
    Name& name = names_[entry.name];
    const std::size_t length = value(label).size();
    const std::size_t bytes = varint_size(length) + length;
    live_text_bytes_ -= bytes;
    dead_text_bytes_ += bytes;
    name.labels.erase(label);
    if (name.labels.empty()) release_name(entry.name);
    entry.text = nullptr;
    push_back_tight(free_labels_, label);
}

void Symbols::release_name(NameNumber name) {
    names_by_text_.erase(names_[name].text);
    names_[name] = {std::string(), empty_set()};
    free_names_.push_back(name);
}

void Symbols::for_each_name(absl::FunctionRef<void(NameNumber, std::string_view)> visit) const {
    for (const auto& [text, number] : names_by_text_) visit(number, text);
}

void Symbols::for_each_label(NameNumber name,
                             absl::FunctionRef<void(LabelNumber, std::string_view)> visit) const {
    for (const auto label : names_[name].labels) visit(label, value(label));
}

std::size_t Symbols::dead_bytes() const {
    return dead_text_bytes_ + free_labels_.size() * sizeof(Entry);
}

std::size_t Symbols::live_bytes() const { return live_text_bytes_ + size() * sizeof(Entry); }

std::size_t Symbols::heap_bytes() const {
    constexpr std::size_t kSlotBytes = sizeof(LabelNumber) + 1;  // Abseil's control byte
    std::size_t bytes = texts_.heap_bytes() + labels_.capacity() * sizeof(Entry) +
                        free_labels_.capacity() * sizeof(LabelNumber) +
                        names_.capacity() * sizeof(Name);
    for (const auto& name : names_) {
        bytes += name.labels.capacity() * kSlotBytes + 2 * name.text.capacity();
    }
    return bytes;
}

std::vector<LabelNumber> Symbols::compact() {
    std::vector<LabelNumber> moved(labels_.size(), kNoLabel);
    const std::vector<Entry> before = std::exchange(labels_, {});
    const Arena texts_before = std::exchange(texts_, {});
    labels_.reserve(before.size() - free_labels_.size());
    live_text_bytes_ = 0;
    dead_text_bytes_ = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i].text == nullptr) continue;
        moved[i] = static_cast<LabelNumber>(labels_.size());
        labels_.push_back({store(text_of(before[i])), before[i].hash, before[i].name});
    }
    free_labels_ = std::vector<LabelNumber>();  // not "= {}": that keeps the room
    for (auto& name : names_) {
        const std::size_t count = name.labels.size();
        name.labels = empty_set();
        name.labels.reserve(count);
    }
    for (LabelNumber label = 0; label < limit(); ++label) {
        names_[labels_[label].name].labels.insert(label);
    }
    return moved;
}

}  // namespace inferscope::tsdb
