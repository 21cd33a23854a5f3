// SPDX-License-Identifier: Apache-2.0
#include "promql/printer.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "promql/formats.h"
#include "promql/parser.h"
#include "telemetry/labels.h"

namespace inferscope::promql {
namespace {

constexpr std::size_t kMostOnLine = 100;
constexpr std::string_view kIndent = "  ";

std::string_view operator_of(DurationExpr::Op op) {
    using Op = DurationExpr::Op;
    switch (op) {
        case Op::min_of:
            return "min_of";
        case Op::max_of:
            return "max_of";
        case Op::minus:
        case Op::sub:
            return "-";
        case Op::add:
            return "+";
        case Op::mul:
            return "*";
        case Op::div:
            return "/";
        case Op::mod:
            return "%";
        case Op::pow:
            return "^";
        default:
            return "";  // a sign `+` isn't written
    }
}

std::string duration_literal(double seconds) {
    const auto nanos = static_cast<std::int64_t>(seconds * 1e9);
    return format_duration(Millis(nanos / 1'000'000));
}

std::string without_parentheses(const DurationExpr& expr) {
    using Op = DurationExpr::Op;
    switch (expr.op) {
        case Op::literal:
            return expr.is_duration ? duration_literal(expr.seconds)
                                    : format_without_exponent(expr.seconds);
        case Op::step:
            return "step()";
        case Op::range:
            return "range()";
        case Op::min_of:
        case Op::max_of:
            return fmt::format("{}({}, {})", operator_of(expr.op), to_text(*expr.left),
                               to_text(*expr.right));
        case Op::plus:
        case Op::minus:
            return fmt::format("{}{}", operator_of(expr.op), to_text(*expr.right));
        default:
            return fmt::format("{} {} {}", to_text(*expr.left), operator_of(expr.op),
                               to_text(*expr.right));
    }
}

std::string to_text(const Duration& duration) {
    return duration.expr ? promql::to_text(*duration.expr) : format_duration(duration.value);
}

std::string list(const std::vector<std::string>& labels) {
    std::vector<std::string> texts;
    for (const auto& label : labels)
        texts.push_back(is_legacy_label_name(label) ? label : quote_for_promql(label));
    return fmt::format("({})", fmt::join(texts, ", "));
}

std::string_view to_text(VectorSelector::Window window) {
    switch (window) {
        case VectorSelector::Window::plain:
            return "";
        case VectorSelector::Window::anchored:
            return " anchored";
        case VectorSelector::Window::smoothed:
            return " smoothed";
    }
    return "";
}

std::string to_text(const AtModifier& at) {
    switch (at.kind) {
        case AtModifier::Kind::none:
            return "";
        case AtModifier::Kind::time:
            return fmt::format(" @ {:.3f}", static_cast<double>(at.time) / 1000);
        case AtModifier::Kind::start:
            return " @ start()";
        case AtModifier::Kind::end:
            return " @ end()";
    }
    return "";
}

std::string offset_text(const Duration& offset) {
    return offset.is_set() ? " offset " + to_text(offset) : "";
}

std::string suffix(const Subquery& node) {
    return fmt::format("[{}:{}]{}{}", to_text(node.range),
                       node.step.is_set() ? to_text(node.step) : "", to_text(node.at),
                       offset_text(node.offset));
}

std::string fill_text(const VectorMatching& matching) {
    const auto& [left, right] = std::pair(matching.fill_left, matching.fill_right);
    if (left && right && *left == *right)
        return fmt::format(" fill ({})", format_with_exponent(*left));
    std::string out;
    if (left) out += fmt::format(" fill_left ({})", format_with_exponent(*left));
    if (right) out += fmt::format(" fill_right ({})", format_with_exponent(*right));
    return out;
}

/// What a selector shows of itself between braces, sorted.
std::vector<std::string> shown_matchers(const VectorSelector& node, Dialect dialect) {
    std::vector<std::string> texts;
    for (const auto& matcher : node.matchers) {
        const bool is_name = matcher.name() == kMetricName && matcher.op() == MatchOp::equal &&
                             matcher.value() == node.name;
        const bool may_be_empty = dialect == Dialect::prometheus2;
        if (is_name && (may_be_empty || !node.name.empty())) continue;
        texts.push_back(matcher.to_text());
    }
    std::ranges::sort(texts);
    return texts;
}

/// Writes one line, and notes how long each node of it is.
class LineWriter {
public:
    explicit LineWriter(Dialect dialect) : dialect_(dialect) {}

    void write(const Expr& expr) {
        const auto begin = out_.size();
        std::visit([&](const auto& node) { write(node); }, expr.node);
        lengths_[&expr] = out_.size() - begin;
    }
    [[nodiscard]] std::string text() && { return std::move(out_); }
    [[nodiscard]] std::size_t length(const Expr& expr) const { return lengths_.at(&expr); }

    /// "sum by (a) ", "+ on (a)": what stands before the parenthesis, and between the operands.
    [[nodiscard]] static std::string head(const Aggregate& node) {
        std::string out(to_string(node.op));
        if (node.is_without) return out + " without " + list(node.grouping) + " ";
        return node.grouping.empty() ? out : out + " by " + list(node.grouping) + " ";
    }
    [[nodiscard]] std::string head(const Binary& node) const {
        return fmt::format("{}{}{}", to_string(node.op), node.returns_bool ? " bool" : "",
                           node.matching ? matching_text(*node.matching) : "");
    }

private:
    [[nodiscard]] std::string matching_text(const VectorMatching& matching) const {
        using Cardinality = VectorMatching::Cardinality;
        const bool is_left = matching.cardinality == Cardinality::many_to_one;
        const bool is_grouped = is_left || matching.cardinality == Cardinality::one_to_many;
        const bool groups_alone = is_grouped && dialect_ != Dialect::prometheus2;
        std::string out;
        if (!matching.labels.empty() || matching.is_on || groups_alone) {
            out += (matching.is_on ? " on " : " ignoring ") + list(matching.labels);
            if (is_grouped)
                out += (is_left ? " group_left " : " group_right ") + list(matching.include);
        }
        return out + fill_text(matching);
    }

    void write(const NumberLiteral& node) {
        if (dialect_ == Dialect::prometheus2) {
            out_ += format_with_exponent(node.value);
        } else {
            out_ += node.is_duration ? duration_literal(node.value)
                                     : format_without_exponent(node.value);
        }
    }
    void write(const StringLiteral& node) { out_ += quote_for_promql(node.value); }
    void write_series(const VectorSelector& node) {
        out_ += node.name;
        const auto matchers = shown_matchers(node, dialect_);
        if (!matchers.empty()) out_ += fmt::format("{{{}}}", fmt::join(matchers, ","));
    }
    void write(const VectorSelector& node) {
        write_series(node);
        out_ += to_text(node.at);
        out_ += to_text(node.window);
        out_ += offset_text(node.offset);
    }
    void write(const RangeSelector& node) {
        write_series(node.vector);
        out_ += fmt::format("[{}]{}{}{}", to_text(node.range), to_text(node.vector.window),
                            to_text(node.vector.at), offset_text(node.vector.offset));
    }
    void write(const Subquery& node) {
        write(*node.expr);
        out_ += suffix(node);
    }
    void write(const Paren& node) {
        out_ += '(';
        write(*node.expr);
        out_ += ')';
    }
    void write(const Unary& node) {
        out_ += node.is_negative ? '-' : '+';
        write(*node.expr);
    }
    void write(const Binary& node) {
        write(*node.left);
        out_ += fmt::format(" {} ", head(node));
        write(*node.right);
    }
    void write(const Aggregate& node) {
        out_ += head(node) + '(';
        if (node.parameter) {
            write(*node.parameter);
            out_ += ", ";
        }
        write(*node.expr);
        out_ += ')';
    }
    void write(const Call& node) {
        out_ += node.function->name;
        out_ += '(';
        for (const auto& argument : node.arguments) {
            if (&argument != &node.arguments.front()) out_ += ", ";
            write(*argument);
        }
        out_ += ')';
    }

    Dialect dialect_;
    std::string out_;
    absl::flat_hash_map<const Expr*, std::size_t> lengths_;
};

/// Breaks what doesn't fit on a line.
class PrettyWriter {
public:
    PrettyWriter(const Expr& expr, Dialect dialect) : dialect_(dialect), lines_(dialect) {
        lines_.write(expr);
    }

    void write(const Expr& expr, std::size_t level) {
        std::visit([&](const auto& node) { write(node, expr, level); }, expr.node);
    }
    [[nodiscard]] std::string text() && { return std::move(out_); }

private:
    void indent(std::size_t level) {
        for (; level > 0; --level) out_ += kIndent;
    }
    void write_line(const Expr& expr, std::size_t level) {
        indent(level);
        out_ += to_text(expr, dialect_);
    }
    /// True if `expr` fitted, and was written.
    bool write_if_short(const Expr& expr, std::size_t level) {
        if (lines_.length(expr) > kMostOnLine) return false;
        write_line(expr, level);
        return true;
    }
    void write_closing(std::size_t level) {
        out_ += '\n';
        indent(level);
        out_ += ')';
    }

    template <class Leaf>
    void write(const Leaf&, const Expr& expr, std::size_t level) {
        write_line(expr, level);
    }
    void write(const Subquery& node, const Expr& expr, std::size_t level) {
        if (write_if_short(expr, 0)) return;  // not indented: so it is in Prometheus
        write(*node.expr, level);
        out_ += suffix(node);
    }
    void write(const Paren& node, const Expr& expr, std::size_t level) {
        if (write_if_short(expr, level)) return;
        indent(level);
        out_ += "(\n";
        write(*node.expr, level + 1);
        write_closing(level);
    }
    void write(const Unary& node, const Expr&, std::size_t level) {
        const auto begin = out_.size();
        write(*node.expr, level);
        const auto child = std::min(out_.find_first_not_of(' ', begin), out_.size());
        out_.erase(begin, child - begin);
        std::string head;
        for (std::size_t i = 0; i < level; ++i) head += kIndent;
        out_.insert(begin, head + (node.is_negative ? '-' : '+'));
    }
    void write(const Binary& node, const Expr& expr, std::size_t level) {
        if (write_if_short(expr, level)) return;
        write(*node.left, level + 1);
        out_ += '\n';
        indent(level);
        out_ += lines_.head(node);
        out_ += '\n';
        write(*node.right, level + 1);
    }
    void write(const Aggregate& node, const Expr& expr, std::size_t level) {
        if (write_if_short(expr, level)) return;
        indent(level);
        out_ += LineWriter::head(node) + "(\n";
        if (node.parameter) {
            write(*node.parameter, level + 1);
            out_ += ",\n";
        }
        write(*node.expr, level + 1);
        write_closing(level);
    }
    void write(const Call& node, const Expr& expr, std::size_t level) {
        if (write_if_short(expr, level)) return;
        indent(level);
        out_ += fmt::format("{}(\n", node.function->name);
        for (const auto& argument : node.arguments) {
            if (&argument != &node.arguments.front()) out_ += ",\n";
            write(*argument, level + 1);
        }
        write_closing(level);
    }

    Dialect dialect_;
    LineWriter lines_;
    std::string out_;
};

}  // namespace

std::string to_text(const Expr& expr, Dialect dialect) {
    LineWriter writer(dialect);
    writer.write(expr);
    return std::move(writer).text();
}

std::string to_text(const DurationExpr& expr) {
    return expr.is_parenthesized ? fmt::format("({})", without_parentheses(expr))
                                 : without_parentheses(expr);
}

std::string to_pretty_text(const Expr& expr, Dialect dialect) {
    PrettyWriter writer(expr, dialect);
    writer.write(expr, 0);
    return std::move(writer).text();
}

Result<std::string, ParseError> format_query(std::string_view text, Language language) {
    const auto expr = parse_query(text, language);
    if (!expr) return expr.error();
    return to_pretty_text(**expr, language.dialect());
}

}  // namespace inferscope::promql
