// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_labels.h"

#include <algorithm>

namespace inferscope::tsdb::wal {
namespace {

constexpr std::size_t kMostShared = 255;  ///< at either end

// How a family is written: none, in full, or kFirstKnown and on: the n-th that is in the record.
constexpr std::uint64_t kNoFamily = 0;
constexpr std::uint64_t kNewFamily = 1;
constexpr std::uint64_t kFirstKnown = 2;

void append_text(std::string& out, std::string_view text) {
    append_varint(out, text.size());
    out += text;
}

std::size_t shared_front(std::string_view a, std::string_view b) {
    const auto most = std::min({a.size(), b.size(), kMostShared});
    std::size_t shared = 0;
    while (shared < most && a[shared] == b[shared]) ++shared;
    return shared;
}

std::size_t shared_back(std::string_view a, std::string_view b) {
    const auto most = std::min({a.size(), b.size(), kMostShared});
    std::size_t shared = 0;
    while (shared < most && a[a.size() - 1 - shared] == b[b.size() - 1 - shared]) ++shared;
    return shared;
}

/// The labels whose stored form is `bytes`; nothing if it is none.
std::optional<Labels> labels_from(std::string_view bytes) {
    std::vector<Label> labels;
    ByteReader in(bytes);
    while (in.ok() && !in.rest().empty()) {
        const auto name_size = in.varint();
        const auto value_size = in.varint();
        const Label label{in.take(name_size), in.take(value_size)};
        const bool sorted = labels.empty() || labels.back().name < label.name;
        if (!in.ok() || !sorted || label.value.empty()) return std::nullopt;
        labels.push_back(label);
    }
    return in.ok() ? std::optional(Labels::from_sorted(labels)) : std::nullopt;
}

}  // namespace

void LabelsWriter::labels(const Labels& labels) {
    const std::string_view bytes = labels.bytes();
    const auto front = shared_front(before_, bytes);
    const auto back =
        shared_back(std::string_view(before_).substr(front), std::string_view(bytes).substr(front));
    out_ += static_cast<char>(front);
    out_ += static_cast<char>(back);
    append_text(out_, bytes.substr(front, bytes.size() - front - back));
    before_ = bytes;
}

void LabelsWriter::family(const FamilyPtr& family) {
    if (!family) return append_varint(out_, kNoFamily);
    const auto [known, fresh] = families_.try_emplace(family.get(), kFirstKnown + families_.size());
    if (!fresh) return append_varint(out_, known->second);
    append_varint(out_, kNewFamily);
    append_text(out_, family->name);
    out_ += static_cast<char>(family->type);
    append_text(out_, family->help);
    append_text(out_, family->unit);
}

void LabelsWriter::column(const Column& column) {
    labels(column.labels);
    family(column.family);
    out_ += static_cast<char>(column.shown_on);
    append_varint(out_, column.second_names.size());
    for (const auto& second : column.second_names) {
        labels(second.labels);
        family(second.family);
        out_ += static_cast<char>(second.shown_on);
    }
}

Labels LabelsReader::labels() {
    const std::size_t front = in_.byte();
    const std::size_t back = in_.byte();
    const auto middle = in_.take(in_.varint());
    if (front + back > before_.size()) in_.fail();
    if (!in_.ok()) return {};
    std::string bytes = before_.substr(0, front);
    bytes += middle;
    bytes += std::string_view(before_).substr(before_.size() - back);
    before_ = std::move(bytes);
    auto labels = labels_from(before_);
    if (!labels) in_.fail();
    return std::move(labels).value_or(Labels());
}

FamilyPtr LabelsReader::family() {
    const auto which = in_.varint();
    if (which == kNewFamily) return new_family();
    if (which == kNoFamily || !in_.ok()) return nullptr;
    if (which - kFirstKnown < families_.size()) return families_[which - kFirstKnown];
    in_.fail();
    return nullptr;
}

FamilyPtr LabelsReader::new_family() {
    Family family;
    family.name = in_.take(in_.varint());
    const auto type = in_.byte();
    family.help = in_.take(in_.varint());
    family.unit = in_.take(in_.varint());
    if (type > static_cast<std::uint8_t>(MetricType::state_set)) in_.fail();
    if (!in_.ok()) return nullptr;
    family.type = static_cast<MetricType>(type);
    return families_.emplace_back(std::make_shared<const Family>(std::move(family)));
}

ShownOn LabelsReader::shown_on() {
    const auto page = in_.byte();
    if (page > static_cast<std::uint8_t>(ShownOn::raw)) in_.fail();
    return in_.ok() ? static_cast<ShownOn>(page) : ShownOn::metrics;
}

Column LabelsReader::column() {
    Column column;
    column.labels = labels();
    column.family = family();
    column.shown_on = shown_on();
    for (auto left = in_.varint(); left > 0 && in_.ok(); --left) {
        auto& second = column.second_names.emplace_back();
        second.labels = labels();
        second.family = family();
        second.shown_on = shown_on();
    }
    return column;
}

}  // namespace inferscope::tsdb::wal
