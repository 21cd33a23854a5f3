// SPDX-License-Identifier: Apache-2.0
#include "mapping/selector.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace inferscope::mapping {
namespace {

void skip_space(std::string_view& text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

bool take(std::string_view& text, std::string_view word) {
    skip_space(text);
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

std::string_view take_until(std::string_view& text, std::string_view ends) {
    skip_space(text);
    const auto size = std::min(text.find_first_of(ends), text.size());
    const auto word = text.substr(0, size);
    text.remove_prefix(size);
    return word;
}

}  // namespace

Result<Selector> Selector::parse(std::string_view text) {
    const auto whole = text;
    const auto wrong = [&](std::string_view expected) {
        return Error{Errc::invalid_argument,
                     fmt::format("'{}' is not a selector like name{{label=\"value\"}}: {}",
                                 quote_for_message(whole), expected)};
    };
    Selector selector;
    selector.family = take_until(text, "{ ");
    if (!selector.family.empty() && !is_legacy_metric_name(selector.family))
        return wrong("the name is not a metric's");
    if (take(text, "{")) {
        while (!take(text, "}")) {
            Matcher matcher;
            matcher.label = take_until(text, "=! ,}");
            if (!is_legacy_label_name(matcher.label))
                return wrong("a label's name or '}' must stand here");
            matcher.equal = !take(text, "!");
            if (!take(text, "=") || !take(text, "\""))
                return wrong("only = and != with a quoted value are known");
            const auto quote = text.find('"');
            if (quote == std::string_view::npos) return wrong("the quote is not closed");
            matcher.value = text.substr(0, quote);
            text.remove_prefix(quote + 1);
            selector.matchers.push_back(std::move(matcher));
            if (!take(text, ",") && !text.starts_with("}"))
                return wrong("',' or '}' must stand behind a value");
        }
    }
    skip_space(text);
    if (!text.empty()) return wrong("something stands behind it");
    if (selector.family.empty() && selector.matchers.empty()) return wrong("it is empty");
    return selector;
}

bool Selector::matches(const Labels& labels) const {
    return std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
        return (labels.get(matcher.label) == matcher.value) == matcher.equal;
    });
}

}  // namespace inferscope::mapping
