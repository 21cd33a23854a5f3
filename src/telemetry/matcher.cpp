// SPDX-License-Identifier: Apache-2.0
#include "telemetry/matcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "telemetry/labels.h"

namespace inferscope {
namespace {

/// The letter behind the backslash, 0 if `c` needs none.
char escape_letter(char c) {
    switch (c) {
        case '\a':
            return 'a';
        case '\b':
            return 'b';
        case '\f':
            return 'f';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        case '\v':
            return 'v';
        case '"':
        case '\\':
            return c;
        default:
            return 0;
    }
}

}  // namespace

std::string_view to_string(MatchOp op) {
    switch (op) {
        case MatchOp::equal:
            return "=";
        case MatchOp::not_equal:
            return "!=";
        case MatchOp::regex:
            return "=~";
        case MatchOp::not_regex:
            return "!~";
    }
    return "?";
}

std::string quote_for_promql(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const char c = text[0];
        std::size_t length = 1;
        while (length < text.size() && (text[length] & 0xc0) == 0x80) ++length;
        if (const char letter = escape_letter(c)) {
            out += '\\';
            out += letter;
            length = 1;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f ||
                   !is_valid_utf8(text.substr(0, length))) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
            length = 1;
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return out + '"';
}

Matcher::Matcher(std::string name, MatchOp op, std::string value,
                 std::shared_ptr<const Pattern> pattern, RegexDialect dialect)
    : name_(std::move(name)),
      value_(std::move(value)),
      pattern_(std::move(pattern)),
      op_(op),
      dialect_(dialect),
      matches_empty_(matches({})) {}

Result<Matcher> Matcher::make(std::string name, MatchOp op, std::string value,
                              RegexDialect dialect) {
    if (op == MatchOp::equal || op == MatchOp::not_equal) {
        return Matcher(std::move(name), op, std::move(value));
    }
    auto pattern = Pattern::compile(value, dialect);
    if (!pattern) return pattern.error();
    auto shared = std::make_shared<const Pattern>(std::move(*pattern));
    return Matcher(std::move(name), op, std::move(value), std::move(shared), dialect);
}

std::string Matcher::to_text() const {
    return fmt::format("{}{}{}", is_legacy_label_name(name_) ? name_ : quote_for_promql(name_),
                       to_string(op_), quote_for_promql(value_));
}

}  // namespace inferscope
