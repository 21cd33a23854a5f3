// SPDX-License-Identifier: Apache-2.0
#include "exposition/series_texts.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace inferscope::exposition {
namespace {

std::uint64_t word_at(const char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

/// How many bytes are equal at the start of both, at most `most`, which both have.
std::size_t equal_at_start(std::string_view a, std::string_view b, std::size_t most) {
    std::size_t count = 0;
    for (; count + 8 <= most; count += 8) {
        const auto differs = word_at(a.data() + count) ^ word_at(b.data() + count);
        if (differs != 0) return count + static_cast<std::size_t>(std::countr_zero(differs)) / 8;
    }
    while (count < most && a[count] == b[count]) ++count;
    return count;
}

/// Likewise at the end.
std::size_t equal_at_end(std::string_view a, std::string_view b, std::size_t most) {
    const char *a_end = a.data() + a.size(), *b_end = b.data() + b.size();
    std::size_t count = 0;
    for (; count + 8 <= most; count += 8) {
        const auto differs = word_at(a_end - count - 8) ^ word_at(b_end - count - 8);
        if (differs != 0) return count + static_cast<std::size_t>(std::countl_zero(differs)) / 8;
    }
    while (count < most && *(a_end - count - 1) == *(b_end - count - 1)) ++count;
    return count;
}

}  // namespace

std::string_view SeriesTexts::own_bytes(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : texts_[index - 1].end;
    return std::string_view(bytes_).substr(begin, texts_[index].end - begin);
}

void SeriesTexts::add(std::string_view text) {
    constexpr std::size_t kMost = std::numeric_limits<std::uint16_t>::max();
    Text added{.model = static_cast<std::uint32_t>(texts_.size())};
    for (std::size_t i = 0; i < std::min(whole_, kModels); ++i) {
        const auto model = own_bytes(models_[i]);
        const auto most = std::min({text.size(), model.size(), kMost});
        const auto prefix = equal_at_start(text, model, most);
        const auto suffix = equal_at_end(text, model, most - prefix);
        if (prefix + suffix <= std::size_t{added.prefix} + added.suffix) continue;
        added.model = models_[i];
        added.prefix = static_cast<std::uint16_t>(prefix);
        added.suffix = static_cast<std::uint16_t>(suffix);
    }
    if (std::size_t{added.prefix} + added.suffix < text.size() / 2) {
        added = {.model = static_cast<std::uint32_t>(texts_.size())};
        models_[whole_++ % kModels] = added.model;
    }
    bytes_ += text.substr(added.prefix, text.size() - added.prefix - added.suffix);
    CHECK(bytes_.size() <= std::numeric_limits<std::uint32_t>::max(), "texts fit into 4 GiB");
    added.end = static_cast<std::uint32_t>(bytes_.size());
    texts_.push_back(added);
}

void SeriesTexts::shrink_to_fit() {
    bytes_.shrink_to_fit();
    texts_.shrink_to_fit();
}

void SeriesTexts::append(std::size_t index, std::string& out) const {
    const Text& text = texts_[index];
    const auto model = own_bytes(text.model);
    out += model.substr(0, text.prefix);
    out += own_bytes(index);
    out += model.substr(model.size() - text.suffix);
}

std::string SeriesTexts::at(std::size_t index) const {
    std::string text;
    append(index, text);
    return text;
}

}  // namespace inferscope::exposition
