// SPDX-License-Identifier: Apache-2.0
// One condition of a selector: `job="engines"`, `le!=""`, `model_name=~"llama.*"`.
// Source: Prometheus, "Querying basics", time series selectors. A label that isn't there is empty.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "telemetry/pattern.h"

namespace inferscope {

enum class MatchOp : std::uint8_t { equal, not_equal, regex, not_regex };

/// As PromQL writes it: "=", "!=", "=~", "!~".
std::string_view to_string(MatchOp op);

/// Immutable; copies share the compiled expression. Thread: any.
class Matcher {
public:
    /// Fails as Pattern::compile does.
    static Result<Matcher> make(std::string name, MatchOp op, std::string value,
                                RegexDialect dialect = RegexDialect::prometheus3);
    static Matcher equal(std::string name, std::string value) {
        return {std::move(name), MatchOp::equal, std::move(value)};
    }
    static Matcher not_equal(std::string name, std::string value) {
        return {std::move(name), MatchOp::not_equal, std::move(value)};
    }

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] MatchOp op() const { return op_; }
    /// The text or expression that values are compared with.
    [[nodiscard]] const std::string& value() const { return value_; }
    /// True for != and !~.
    [[nodiscard]] bool is_negative() const {
        return op_ == MatchOp::not_equal || op_ == MatchOp::not_regex;
    }

    [[nodiscard]] bool matches(std::string_view value) const {
        const bool found = pattern_ ? pattern_->matches(value) : value == value_;
        return found != is_negative();
    }
    /// Whether series without the label match.
    [[nodiscard]] bool matches_empty() const { return matches_empty_; }
    /// All values that `value()` stands for, sorted: those that match, or, if negative, those that
    /// don't. Empty where they are too many or not known.
    [[nodiscard]] std::span<const std::string> values() const {
        return pattern_ ? pattern_->values() : std::span(&value_, 1);
    }
    /// Those values all start with this.
    [[nodiscard]] std::string_view prefix() const { return pattern_ ? pattern_->prefix() : value_; }
    /// As PromQL: `name="value"`; a name that isn't a legacy one is quoted, too.
    [[nodiscard]] std::string to_text() const;

    bool operator==(const Matcher& other) const {
        return op_ == other.op_ && dialect_ == other.dialect_ && name_ == other.name_ &&
               value_ == other.value_;
    }
    template <typename H>
    friend H AbslHashValue(H state, const Matcher& matcher) {
        return H::combine(std::move(state), matcher.name_, matcher.op_, matcher.value_);
    }

private:
    Matcher(std::string name, MatchOp op, std::string value,
            std::shared_ptr<const Pattern> pattern = nullptr,
            RegexDialect dialect = RegexDialect::prometheus3);

    std::string name_;
    std::string value_;
    std::shared_ptr<const Pattern> pattern_;  // of =~ and !~
    MatchOp op_;
    RegexDialect dialect_;
    bool matches_empty_;
};

/// `text` in double quotes, escaped as PromQL (and Go) reads it back.
std::string quote_for_promql(std::string_view text);

}  // namespace inferscope
