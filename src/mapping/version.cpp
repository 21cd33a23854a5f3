// SPDX-License-Identifier: Apache-2.0
#include "mapping/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace inferscope::mapping {
namespace {

constexpr std::uint64_t kLargestNumber = 1'000'000'000'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_separator(char c) { return c == '.' || c == '-' || c == '_'; }

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const auto first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::optional<std::uint64_t> to_number(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size() || number > kLargestNumber)
        return std::nullopt;
    return number;
}

}  // namespace

/// Reads one version from left to right; every method takes what fits and leaves the rest.
class VersionReader {
public:
    explicit VersionReader(std::string_view text) : rest_(text) {}

    std::optional<Version> read() {
        take("v");
        if (!read_release()) return std::nullopt;
        read_pre();
        read_post();
        read_dev();
        if (!read_local() || !rest_.empty() || !fits_) return std::nullopt;
        const bool final_release = version_.pre_kind_ == 3;
        if (final_release && version_.post_ < 0 && version_.dev_ != UINT64_MAX)
            version_.pre_kind_ = -1;
        return std::move(version_);
    }

private:
    bool take(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    std::optional<std::uint64_t> take_number() {
        const auto size = static_cast<std::size_t>(
            std::find_if_not(rest_.begin(), rest_.end(), is_digit) - rest_.begin());
        if (size == 0) return std::nullopt;
        const auto number = to_number(rest_.substr(0, size));
        fits_ = fits_ && number;
        rest_.remove_prefix(size);
        return number.value_or(0);
    }

    bool read_release() {
        auto number = take_number();
        if (number && take("!")) {
            version_.epoch_ = *number;
            number = take_number();
        }
        if (!number) return false;
        version_.release_.push_back(*number);
        while (rest_.size() > 1 && rest_[0] == '.' && is_digit(rest_[1])) {
            rest_.remove_prefix(1);
            version_.release_.push_back(*take_number());
        }
        while (!version_.release_.empty() && version_.release_.back() == 0)
            version_.release_.pop_back();
        return true;
    }

    /// `[-_.]?WORD[-_.]?N?`; the number is 0 if left out. Takes nothing unless WORD is there.
    template <std::size_t n>
    std::optional<std::pair<std::size_t, std::uint64_t>> take_suffix(
        const std::array<std::string_view, n>& words) {
        const auto before = rest_;
        if (!rest_.empty() && is_separator(rest_[0])) rest_.remove_prefix(1);
        for (std::size_t i = 0; i < n; ++i) {
            if (!take(words[i])) continue;
            const auto after_word = rest_;
            if (!rest_.empty() && is_separator(rest_[0])) rest_.remove_prefix(1);
            const auto number = take_number();
            if (!number) rest_ = after_word;
            return std::pair(i, number.value_or(0));
        }
        rest_ = before;
        return std::nullopt;
    }

    void read_pre() {
        constexpr std::array<std::string_view, 8> kWords{"alpha",   "a",   "beta", "b",
                                                         "preview", "pre", "rc",   "c"};
        constexpr std::array kKinds{0, 0, 1, 1, 2, 2, 2, 2};
        if (const auto suffix = take_suffix(kWords)) {
            version_.pre_kind_ = kKinds[suffix->first];
            version_.pre_ = suffix->second;
        }
    }

    void read_post() {
        constexpr std::array<std::string_view, 3> kWords{"post", "rev", "r"};
        if (const auto suffix = take_suffix(kWords)) {
            version_.post_ = static_cast<std::int64_t>(suffix->second);
        } else if (rest_.size() > 1 && rest_[0] == '-' && is_digit(rest_[1])) {
            rest_.remove_prefix(1);
            version_.post_ = static_cast<std::int64_t>(*take_number());
        }
    }

    void read_dev() {
        constexpr std::array<std::string_view, 1> kWords{"dev"};
        if (const auto suffix = take_suffix(kWords)) version_.dev_ = suffix->second;
    }

    bool read_local() {
        if (!take("+")) return true;
        do {
            const auto size = static_cast<std::size_t>(
                std::find_if_not(rest_.begin(), rest_.end(), is_alphanumeric) - rest_.begin());
            if (size == 0) return false;
            const auto segment = rest_.substr(0, size);
            if (std::all_of(segment.begin(), segment.end(), is_digit)) {
                const auto number = to_number(segment);
                fits_ = fits_ && number;
                version_.local_.emplace_back(number.value_or(0));
            } else {
                version_.local_.emplace_back(std::string(segment));
            }
            rest_.remove_prefix(size);
        } while (!rest_.empty() && is_separator(rest_[0]) && (rest_.remove_prefix(1), true));
        return true;
    }

    std::string_view rest_;
    Version version_;
    bool fits_ = true;
};

std::optional<Version> Version::parse(std::string_view text) {
    const std::string folded = lower(trimmed(text));
    return VersionReader(folded).read();
}

Result<VersionRange> VersionRange::parse(std::string_view text) {
    VersionRange range;
    if (trimmed(text) == "*") return range;
    constexpr std::array<std::pair<std::string_view, Operator>, 5> kOperators{
        {{">=", Operator::greater_equal},
         {"<=", Operator::less_equal},
         {"==", Operator::equal},
         {">", Operator::greater},
         {"<", Operator::less}}};
    while (true) {
        const auto comma = text.find(',');
        auto part = trimmed(text.substr(0, comma));
        Condition condition;
        for (const auto& [sign, op] : kOperators) {
            if (!part.starts_with(sign)) continue;
            part = trimmed(part.substr(sign.size()));
            condition.op = op;
            break;
        }
        condition.text = part;
        condition.version = Version::parse(part);
        if (part.empty() || part == "*") {
            return Error{Errc::invalid_argument,
                         fmt::format("version range '{}' has an empty condition: use '*', or "
                                     "conditions like '>=0.9.2,<0.11'",
                                     quote_for_message(text))};
        }
        if (!condition.version && condition.op != Operator::equal) {
            return Error{Errc::invalid_argument,
                         fmt::format("'{}' is not a version that has an order (like 0.11.0, "
                                     "0.4.4.post3 or 1.0rc2.dev21+g1a2b)",
                                     quote_for_message(part))};
        }
        range.conditions_.push_back(std::move(condition));
        if (comma == std::string_view::npos) return range;
        text.remove_prefix(comma + 1);
    }
}

bool VersionRange::contains(std::string_view text) const {
    if (conditions_.empty() || text.empty()) return true;
    const auto version = Version::parse(text);
    return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
        if (!version || !condition.version)
            return condition.op == Operator::equal && condition.text == text;
        const auto order = *version <=> *condition.version;
        switch (condition.op) {
            case Operator::less:
                return order < 0;
            case Operator::less_equal:
                return order <= 0;
            case Operator::greater:
                return order > 0;
            case Operator::greater_equal:
                return order >= 0;
            case Operator::equal:
                return order == 0;
        }
        return false;
    });
}

}  // namespace inferscope::mapping
