// SPDX-License-Identifier: Apache-2.0
#include "scrape/page_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "base/numbers.h"

namespace inferscope::scrape {
namespace {

constexpr std::size_t kBitsInWord = 64;

void set_bit(std::vector<std::uint64_t>& bits, std::size_t index) {
    bits[index / kBitsInWord] |= std::uint64_t{1} << (index % kBitsInWord);
}

}  // namespace

Result<PageValues, ParseError> PageReader::read(std::string& page, exposition::Format format,
                                                NewSeries& sink) {
    page.reserve(2 * sizeof(std::string));  // on the heap, so that views survive the swap below
    const bool layout_known = read_by_difference(page, format);
    if (!layout_known) {
        if (auto read = read_by_line(page, format, sink); !read) return read.error();
    }
    layout_.swap(next_layout_);
    row_.swap(next_row_);
    page_.swap(page);
    return PageValues{.special = special_,
                      .samples = layout_.size(),
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
    layout_.clear();
    if (!columns_by_key_.empty()) keys_before_ = std::exchange(columns_by_key_, {});
    row_.clear();
    line_fed_.clear();
    page_.clear();
    tail_bytes_ = 0;
}

std::size_t PageReader::memory() const {
    return page_.capacity() + (layout_.capacity() + next_layout_.capacity()) * sizeof(LineLayout) +
           (row_.capacity() + next_row_.capacity()) * sizeof(double) +
           columns_by_key_.capacity() * (sizeof(Fingerprint) + sizeof(ColumnIndex));
}

bool PageReader::read_by_difference(std::string_view page, exposition::Format format) {
    if (layout_.empty()) return false;
    next_layout_.assign(layout_.begin(), layout_.end());
    next_row_.assign(row_.begin(), row_.end());
    changed_.assign((row_.size() + kBitsInWord - 1) / kBitsInWord, 0);
    special_.clear();
    names_.clear();

    const char* old = page_.data();
    std::size_t at = 0;
    for (auto& line : next_layout_) {
        const std::size_t value_at = at + line.fixed;
        const std::size_t unchanged_end = value_at + line.value + line.tail;
        const char* old_value = old + line.fixed;
        const std::size_t old_length = line.value + line.tail;
        if (value_at >= page.size() || std::memcmp(page.data() + at, old, line.fixed) != 0)
            return false;
        const bool same = unchanged_end <= page.size() &&
                          std::memcmp(page.data() + value_at, old_value, old_length) == 0;
        if (line.special) {
            if (!read_special(page, at, format, line)) return false;
        } else if (!same && !read_changed_value(page, value_at, line)) {
            return false;
        }
        old = old_value + old_length;
        at = value_at + line.value + line.tail;
    }
    return page.substr(at) == std::string_view(page_).substr(page_.size() - tail_bytes_);
}

/// The value at `value_at` differs from the page before: reads it and the line's new lengths.
bool PageReader::read_changed_value(std::string_view page, std::size_t value_at, LineLayout& line) {
    const char* begin = page.data() + value_at;
    const char* end = page.data() + page.size();
    const char* stop = begin;
    while (stop != end && static_cast<unsigned char>(*stop) > ' ') ++stop;
    if (stop == end || *stop != '\n')
        return false;  // spaces, a time, an exemplar, no newline: read in full
    const auto value = parse_number({begin, static_cast<std::size_t>(stop - begin)});
    if (!value) return false;
    line.value = static_cast<std::uint32_t>(stop - begin);
    line.tail = 1;
    if (is_in_row(line.column)) {
        next_row_[line.column] = *value;
        set_bit(changed_, line.column);
    }
    return true;
}

bool PageReader::read_special(std::string_view page, std::size_t at, exposition::Format format,
                              LineLayout& line) {
    exposition::LineReader reader(page.substr(at), format);
    while (true) {
        const auto next = reader.next();
        if (!next || !*next) return false;
        if ((*next)->kind != exposition::Line::Kind::sample) continue;
        const auto value_at = static_cast<std::size_t>((*next)->value_text.data() - page.data());
        line.fixed = static_cast<std::uint32_t>(value_at - at);
        line.value = static_cast<std::uint32_t>((*next)->value_text.size());
        line.tail = static_cast<std::uint32_t>(at + reader.offset() - value_at) - line.value;
        take_sample(**next, line.column, true);
        if (is_in_row(line.column)) set_bit(changed_, line.column);
        return true;
    }
}

void PageReader::take_sample(const exposition::Line& line, ColumnIndex column, bool special) {
    if (column == kDropped) return;
    const auto time = honor_timestamps_ ? line.time : std::nullopt;
    if (special) special_.push_back({column, line.value, time, line.exemplar});
    if (is_in_row(column)) next_row_[column] = time ? kStaleMarker : line.value;
}

Result<void, ParseError> PageReader::read_by_line(std::string_view page, exposition::Format format,
                                                  NewSeries& sink) {
    start_row_by_line(page.size());
    exposition::PageFamilies families(format);
    exposition::LineReader reader(page, format);
    const bool keys_are_known = format == format_ && !columns_by_key_.empty();
    format_ = format;
    std::size_t line_start = 0;
    const auto undo = [&](ParseError error) {
        for (const auto& key : learnt_keys_) columns_by_key_.erase(key);
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
        const auto column = known ? Result<ColumnIndex>(*known) : column_of(line, families, sink);
        if (!column) return undo({"", reader.line_number(), 0, column.error().text});
        learn_line(line, *column, line_start, reader.offset(), page);
        if (kept_ > max_samples_) {
            return undo({"", 0, 0,
                         fmt::format("more than {} samples: raise sample_limit, or drop series by "
                                     "metric_relabel_configs",
                                     max_samples_)});
        }
        line_start = reader.offset();
    }
    tail_bytes_ = page.size() - line_start;
    finish_row_by_line();
    return {};
}

void PageReader::start_row_by_line(std::size_t page_bytes) {
    if (columns_by_key_.empty()) {
        columns_by_key_.reserve(page_bytes / kUsualLineBytes);
        next_layout_.reserve(page_bytes / kUsualLineBytes);
    }
    next_layout_.clear();
    next_row_.assign(row_.begin(), row_.end());
    for (std::size_t i = 0; i < next_row_.size(); ++i) {
        if (line_fed_[i] != 0) next_row_[i] = kStaleMarker;
    }
    fed_now_.assign(row_.size(), 0);
    special_.clear();
    names_.clear();
    learnt_keys_.clear();
    unseen_ = 0;
    kept_ = 0;
    duplicates_ = 0;
}

std::optional<ColumnIndex> PageReader::find_column(std::string_view key) const {
    if (key.empty()) return std::nullopt;
    const auto known = columns_by_key_.find(Fingerprint::of(key));
    return known == columns_by_key_.end() ? std::nullopt : std::optional(known->second);
}

Result<ColumnIndex> PageReader::column_of(const exposition::Line& line,
                                          exposition::PageFamilies& families, NewSeries& sink) {
    const auto [known, is_new] = columns_by_key_.try_emplace(Fingerprint::of(line.key), kDropped);
    if (!is_new) return known->second;
    learnt_keys_.push_back(known->first);
    const auto column = sink.on_new_series(line, families.family_of(line.name));
    if (!column) return column;
    known->second = *column;
    if (is_in_row(*column) && !keys_before_.contains(known->first)) ++unseen_;
    return column;
}

void PageReader::learn_line(const exposition::Line& line, ColumnIndex column,
                            std::size_t line_start, std::size_t line_end, std::string_view page) {
    if (is_in_row(column)) {
        if (column >= next_row_.size()) {
            next_row_.resize(column + 1, kStaleMarker);
            fed_now_.resize(column + 1, 0);
        }
        if (column >= line_fed_.size()) line_fed_.resize(column + 1, 0);
        line_fed_[column] = 1;
        if (fed_now_[column] != 0) {  // of two lines with one label set the first wins
            ++duplicates_;
            column = kDropped;
        } else {
            fed_now_[column] = 1;
            ++kept_;
        }
    } else if (column != kDropped) {
        ++kept_;
    }
    const bool special = line.time.has_value() || !line.exemplar.empty() ||
                         (column != kDropped && !is_in_row(column));
    take_sample(line, column, special);
    const auto value_at = static_cast<std::size_t>(line.value_text.data() - page.data());
    next_layout_.push_back(
        {.fixed = static_cast<std::uint32_t>(value_at - line_start),
         .value = static_cast<std::uint32_t>(line.value_text.size()),
         .tail = static_cast<std::uint32_t>(line_end - value_at - line.value_text.size()),
         .column = column,
         .special = special});
}

void PageReader::finish_row_by_line() {
    line_fed_.resize(next_row_.size(), 0);
    changed_.assign((next_row_.size() + kBitsInWord - 1) / kBitsInWord, 0);
    added_ = 0;
    for (std::size_t i = 0; i < next_row_.size(); ++i) {
        const bool was_there = i < row_.size() && !is_stale_marker(row_[i]);
        if (!was_there && !is_stale_marker(next_row_[i])) ++added_;
        const bool same = i < row_.size() && std::bit_cast<std::uint64_t>(row_[i]) ==
                                                 std::bit_cast<std::uint64_t>(next_row_[i]);
        if (!same) set_bit(changed_, i);
    }
    if (!std::exchange(keys_before_, {}).empty()) added_ = unseen_;
}

}  // namespace inferscope::scrape
