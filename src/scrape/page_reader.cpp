// SPDX-License-Identifier: Apache-2.0
#include "scrape/page_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/numbers.h"

namespace inferscope::scrape {
namespace {

constexpr std::size_t kBitsInWord = 64;

void set_bit(std::vector<std::uint64_t>& bits, std::size_t index) {
    bits[index / kBitsInWord] |= std::uint64_t{1} << (index % kBitsInWord);
}

/// What stands before the newline; empty if that is more than a value (spaces, a time, an
/// exemplar), or if there is no newline: to be read in full.
std::string_view changed_value(std::string_view text) {
    const auto end = std::ranges::find_if(
        text, [](char byte) { return static_cast<unsigned char>(byte) <= ' '; });
    if (end == text.end() || *end != '\n') return {};
    return {text.begin(), end};
}

}  // namespace

Result<PageValues, ParseError> PageReader::read(const std::string& page, exposition::Format format,
                                                NewSeries& sink) {
    const bool layout_known = read_by_difference(page, format);
    if (!layout_known) {
        if (auto read = read_by_line(page, format, sink); !read) return read.error();
    }
    return PageValues{.special = special_,
                      .samples = layout_->lines.size(),
                      .kept = kept_,
                      .added = layout_known ? 0 : added_,
                      .duplicates = duplicates_,
                      .layout_known = layout_known,
                      .names = names_};
}

void PageReader::ensure_columns(std::size_t count) {
    if (row_.size() >= count) return;
    row_.resize(count, kStaleMarker);
    line_fed_.resize(count, 0);
    changed_.resize((count + kBitsInWord - 1) / kBitsInWord, 0);
}

void PageReader::forget() {
    layout_.reset();
    texts_ = {};
    if (!columns_by_key_.empty()) keys_before_ = std::exchange(columns_by_key_, {});
    row_.clear();
    line_fed_.clear();
}

/// What changes is written beside what is known, which stays if the layout turns out to be another.
bool PageReader::read_by_difference(const std::string& page, exposition::Format format) {
    if (!layout_ || layout_->lines.empty()) return false;
    PageTexts texts;
    texts.bytes.reserve(texts_.bytes.size() + texts_.bytes.size() / 8);
    texts.sizes = texts_.sizes;
    auto size = texts.sizes.begin();
    std::vector<double> row(row_);
    changed_.assign((row_.size() + kBitsInWord - 1) / kBitsInWord, 0);
    special_.clear();
    names_.clear();

    const char* fixed = layout_->text.data();
    const char* old = texts_.bytes.data();
    std::size_t at = 0;
    for (const auto& line : layout_->lines) {
        const std::size_t value_at = at + line.fixed;
        if (value_at >= page.size() || std::memcmp(page.data() + at, fixed, line.fixed) != 0)
            return false;
        fixed += line.fixed;
        if (line.special != 0) {
            at = read_special(page, at, value_at, format, line.column, row);
            if (at == 0) return false;
            continue;
        }
        const auto text = std::string_view(page).substr(value_at);
        if (!text.starts_with(std::string_view(old, *size))) {
            const auto value = changed_value(text);
            if (value.empty() || !take_changed_value(value, line.column, row)) return false;
            old += std::exchange(*size, static_cast<std::uint32_t>(value.size() + 1));
        } else {
            old += *size;
        }
        texts.bytes += text.substr(0, *size);
        at = value_at + *size++;
    }
    const char* const known_end = layout_->text.data() + layout_->text.size();
    if (std::string_view(page).substr(at) != std::string_view(fixed, known_end)) return false;
    texts_ = std::move(texts);
    row_.swap(row);
    return true;
}

bool PageReader::take_changed_value(std::string_view text, ColumnIndex column,
                                    std::span<double> row) {
    const auto value = parse_number(text);
    if (!value) return false;
    if (is_in_row(column)) {
        row[column] = *value;
        set_bit(changed_, column);
    }
    return true;
}

std::size_t PageReader::read_special(std::string_view page, std::size_t at, std::size_t value_at,
                                     exposition::Format format, ColumnIndex column,
                                     std::span<double> row) {
    exposition::LineReader reader(page.substr(at), format);
    while (true) {
        const auto next = reader.next();
        if (!next || !*next) return 0;
        if ((*next)->kind != exposition::Line::Kind::sample) continue;
        if ((*next)->value_text.data() != page.data() + value_at) return 0;
        take_sample(**next, column, true, row);
        if (is_in_row(column)) set_bit(changed_, column);
        return at + reader.offset();
    }
}

void PageReader::take_sample(const exposition::Line& line, ColumnIndex column, bool special,
                             std::span<double> row) {
    if (column == kDropped) return;
    const auto time = honor_timestamps_ ? line.time : std::nullopt;
    if (special) special_.push_back({column, line.value, time, line.exemplar});
    if (is_in_row(column)) row[column] = time ? kStaleMarker : line.value;
}

Result<void, ParseError> PageReader::read_by_line(std::string_view page, exposition::Format format,
                                                  NewSeries& sink) {
    auto next_page = start_page(page.size());
    exposition::PageFamilies families(format);
    exposition::LineReader reader(page, format);
    const bool keys_are_known = format == format_ && !columns_by_key_.empty();
    format_ = format;
    std::size_t line_start = 0;
    const auto undo = [&](ParseError error) {
        columns_by_key_.take_back();
        line_fed_.resize(row_.size());
        return error;
    };
    while (true) {
        const auto key = keys_are_known ? reader.likely_key() : std::string_view();
        const auto known = find_column(key);
        const auto next = known ? reader.next_known(key.size()) : reader.next();
        if (!next) return undo(next.error());
        if (!*next) break;
        const auto& line = **next;
        if (line.kind != exposition::Line::Kind::sample) {
            families.on_metadata(line);
            continue;
        }
        if (names_.empty() || names_.back() != line.name) names_.push_back(line.name);
        const auto column =
            known ? Result<ColumnIndex>(*known) : column_of(line, families, sink, next_page);
        if (!column) return undo({"", reader.line_number(), 0, column.error().text});
        learn_line(line, *column, page.substr(line_start, reader.offset() - line_start), next_page);
        if (next_page.kept > max_samples_) {
            return undo({"", 0, 0,
                         fmt::format("more than {} samples: raise sample_limit, or drop series by "
                                     "metric_relabel_configs",
                                     max_samples_)});
        }
        line_start = reader.offset();
    }
    next_page.layout.text += page.substr(line_start);
    finish_page(std::move(next_page));
    return {};
}

PageReader::NextPage PageReader::start_page(std::size_t page_bytes) {
    NextPage next;
    next.layout.text.reserve(page_bytes);
    next.layout.lines.reserve(page_bytes / kUsualLineBytes);
    if (columns_by_key_.empty()) columns_by_key_.expect(page_bytes / kUsualLineBytes);
    next.row = row_;
    for (std::size_t i = 0; i < next.row.size(); ++i) {
        if (line_fed_[i] != 0) next.row[i] = kStaleMarker;
    }
    next.fed.assign(row_.size(), 0);
    special_.clear();
    names_.clear();
    unseen_ = 0;
    return next;
}

std::optional<ColumnIndex> PageReader::find_column(std::string_view key) const {
    if (key.empty()) return std::nullopt;
    return columns_by_key_.find(Fingerprint::of(key));
}

Result<ColumnIndex> PageReader::column_of(const exposition::Line& line,
                                          exposition::PageFamilies& families, NewSeries& sink,
                                          NextPage& next) {
    const auto key = Fingerprint::of(line.key);
    if (const auto known = columns_by_key_.find(key)) return *known;
    if (auto family = families.family_of(line.name); family != next.family) {
        next.shared_family = layouts_->share(family);
        next.family = std::move(family);
    }
    const auto column = sink.on_new_series(line, next.shared_family);
    if (!column) return column;
    columns_by_key_.insert(key, *column);
    if (is_in_row(*column) && !keys_before_.find(key)) ++unseen_;
    return column;
}

/// `bytes`: from the end of the line before to the end of this one.
void PageReader::learn_line(const exposition::Line& line, ColumnIndex column,
                            std::string_view bytes, NextPage& next) {
    if (is_in_row(column)) {
        if (column >= next.row.size()) {
            next.row.resize(column + 1, kStaleMarker);
            next.fed.resize(column + 1, 0);
        }
        if (column >= line_fed_.size()) line_fed_.resize(column + 1, 0);
        line_fed_[column] = 1;
        if (next.fed[column] != 0) {  // of two lines with one label set the first wins
            ++next.duplicates;
            column = kDropped;
        } else {
            next.fed[column] = 1;
            ++next.kept;
        }
    } else if (column != kDropped) {
        ++next.kept;
    }
    const bool special = line.time.has_value() || !line.exemplar.empty() ||
                         (column != kDropped && !is_in_row(column));
    take_sample(line, column, special, next.row);
    const auto fixed = static_cast<std::size_t>(line.value_text.data() - bytes.data());
    next.layout.text += bytes.substr(0, fixed);
    next.layout.lines.push_back(
        {.fixed = static_cast<std::uint32_t>(fixed), .column = column, .special = special});
    if (special) return;
    next.texts.bytes += bytes.substr(fixed);
    next.texts.sizes.push_back(static_cast<std::uint32_t>(bytes.size() - fixed));
}

void PageReader::finish_page(NextPage next) {
    line_fed_.resize(next.row.size(), 0);
    changed_.assign((next.row.size() + kBitsInWord - 1) / kBitsInWord, 0);
    added_ = 0;
    for (std::size_t i = 0; i < next.row.size(); ++i) {
        const bool was_there = i < row_.size() && !is_stale_marker(row_[i]);
        if (!was_there && !is_stale_marker(next.row[i])) ++added_;
        const bool same = i < row_.size() && std::bit_cast<std::uint64_t>(row_[i]) ==
                                                 std::bit_cast<std::uint64_t>(next.row[i]);
        if (!same) set_bit(changed_, i);
    }
    if (!std::exchange(keys_before_, {}).empty()) added_ = unseen_;
    kept_ = next.kept;
    duplicates_ = next.duplicates;
    columns_by_key_.settle();
    layout_ = layouts_->share(std::move(next.layout));
    texts_ = std::move(next.texts);
    row_ = std::move(next.row);
    row_.shrink_to_fit();
}

}  // namespace inferscope::scrape
