// SPDX-License-Identifier: Apache-2.0
// A PromQL expression as a tree. What the parser gives is checked: types fit, functions exist and
// are enabled, regular expressions are compiled.
// Source of the kinds of nodes: Prometheus, promql/parser/ast.go, and its answer to `parse_query`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "promql/functions.h"
#include "telemetry/matcher.h"

namespace inferscope::promql {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

/// Of the query's text: [begin, end).
struct ByteRange {
    std::size_t begin = 0;
    std::size_t end = 0;

    bool operator==(const ByteRange&) const = default;
};

/// In the order of their places in the table of ast.cpp.
enum class BinaryOp : std::uint8_t {
    add,
    sub,
    mul,
    div,
    mod,
    pow,
    atan2,
    equal,
    not_equal,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    trim_upper,  ///< `</`, for native histograms
    trim_lower,  ///< `>/`
    set_and,
    set_or,
    set_unless,
};

/// "+", "==", "and", ...
std::string_view to_string(BinaryOp op);
bool is_comparison(BinaryOp op);
bool is_set_operator(BinaryOp op);

enum class Aggregation : std::uint8_t {
    sum,
    avg,
    count,
    min,
    max,
    group,
    stddev,
    stdvar,
    topk,
    bottomk,
    count_values,
    quantile,
    limitk,
    limit_ratio,
};

/// "sum", "count_values", ...
std::string_view to_string(Aggregation op);
bool has_parameter(Aggregation op);

/// A length of time that depends on the query (`step()`, `range()`), or arithmetic on such.
struct DurationExpr {
    enum class Op : std::uint8_t {
        literal,
        step,
        range,
        min_of,
        max_of,
        plus,   ///< of one operand
        minus,  ///< of one operand
        add,
        sub,
        mul,
        div,
        mod,
        pow,
    };

    Op op = Op::literal;
    double seconds = 0;                   ///< of a literal
    bool is_duration = false;             ///< the literal was written `5m`, not `300`
    bool is_parenthesized = false;        ///< not of literals
    std::unique_ptr<DurationExpr> left;   ///< of two operands
    std::unique_ptr<DurationExpr> right;  ///< the second, or the only one
    ByteRange range{};
};

/// The length of a range, step or offset.
struct Duration {
    Millis value{0};  ///< if there is an `expr`, zero until resolve_durations() was there
    std::unique_ptr<DurationExpr> expr;

    [[nodiscard]] bool is_set() const { return value.count() != 0 || expr != nullptr; }
};

/// `@ 1609746000`, `@ start()`, `@ end()`.
struct AtModifier {
    enum class Kind : std::uint8_t { none, time, start, end };

    Kind kind = Kind::none;
    Timestamp time = 0;  ///< of Kind::time

    [[nodiscard]] bool is_set() const { return kind != Kind::none; }
    bool operator==(const AtModifier&) const = default;
};

struct NumberLiteral {
    double value = 0;
    bool is_duration = false;  ///< written `5m`: a number of seconds
};

struct StringLiteral {
    std::string value;  ///< unquoted
};

/// An instant vector: `up{job="a"} @ 5 offset 1m`.
struct VectorSelector {
    /// How a range function treats the ends of its window.
    enum class Window : std::uint8_t { plain, anchored, smoothed };

    std::string name;               ///< as it stands before the braces; empty if it doesn't
    std::vector<Matcher> matchers;  ///< in the order written; that of `name` is the last one
    Duration offset{};              ///< positive: into the past
    AtModifier at{};
    Window window = Window::plain;
};

/// A range vector: `up[5m]`. Its offset and `@` are those of the vector.
struct RangeSelector {
    VectorSelector vector;
    Duration range;
};

/// A range vector of an expression's values: `rate(up[5m])[1h:1m]`.
struct Subquery {
    ExprPtr expr;
    Duration range;
    Duration step{};  ///< not set: the default one
    Duration offset{};
    AtModifier at{};
};

struct Paren {
    ExprPtr expr;
};

struct Unary {
    bool is_negative = false;  ///< else `+`
    ExprPtr expr;
};

/// Which series of two instant vectors belong together.
struct VectorMatching {
    enum class Cardinality : std::uint8_t { one_to_one, many_to_one, one_to_many, many_to_many };

    Cardinality cardinality = Cardinality::one_to_one;
    bool is_on = false;  ///< by `labels` only; else by all but them
    std::vector<std::string> labels{};
    std::vector<std::string> include{};  ///< of group_left, group_right
    std::optional<double> fill_left{};   ///< for the series that the left side lacks
    std::optional<double> fill_right{};
};

/// "one-to-one", "many-to-one", ...
std::string_view to_string(VectorMatching::Cardinality cardinality);

struct Binary {
    BinaryOp op = BinaryOp::add;
    bool returns_bool = false;
    ExprPtr left;
    ExprPtr right;
    std::optional<VectorMatching> matching{};  ///< of two instant vectors, and only of them
};

struct Aggregate {
    Aggregation op = Aggregation::sum;
    ExprPtr expr;
    ExprPtr parameter{};  ///< where has_parameter(op)
    std::vector<std::string> grouping{};
    bool is_without = false;
};

struct Call {
    const Function* function = nullptr;  ///< never null; lives for ever
    std::vector<ExprPtr> arguments{};
};

struct Expr {
    using Node = std::variant<NumberLiteral, StringLiteral, VectorSelector, RangeSelector, Subquery,
                              Paren, Unary, Binary, Aggregate, Call>;

    Node node;
    ByteRange range;
    std::size_t height = 1;  ///< nodes from here down to the furthest leaf; bounded by the parser

    /// The node if it is of that kind, else nothing.
    template <typename Kind>
    [[nodiscard]] const Kind* as() const {
        return std::get_if<Kind>(&node);
    }
    template <typename Kind>
    [[nodiscard]] Kind* as() {
        return std::get_if<Kind>(&node);
    }
};

/// What evaluating `expr` gives.
ValueType type_of(const Expr& expr);

/// The expressions that `expr` stands on, in the order written; an aggregation's parameter first.
std::vector<const Expr*> children(const Expr& expr);
std::vector<Expr*> children(Expr& expr);

}  // namespace inferscope::promql
