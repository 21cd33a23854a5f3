// SPDX-License-Identifier: Apache-2.0
// The tree that the parser gives, as JSON and node by node; its bounds; durations made definite.
#include "promql/ast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "promql/ast_json.h"
#include "promql/durations.h"
#include "promql/lexeme_reader.h"
#include "promql/parsing_for_test.h"

namespace inferscope::promql {
namespace {

using nlohmann::json;

ExprPtr parsed(std::string_view query) {
    auto expr = parse_query(query, with_all_features());
    EXPECT_TRUE(expr) << query;
    return expr ? *std::move(expr) : nullptr;
}

json json_of(std::string_view query) { return json::parse(to_json(*parsed(query))); }

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    for (; times > 0; --times) out += text;
    return out;
}

TEST(AstJson, IsPrometheusAnswerToParseQuery) {
    EXPECT_EQ(json_of("1"), json::parse(R"({"type":"numberLiteral","val":"1"})"));
    EXPECT_EQ(json_of("'x'"), json::parse(R"({"type":"stringLiteral","val":"x"})"));
    EXPECT_EQ(json_of("-up"), json::parse(R"({"type":"unaryExpr","op":"-","expr":)" +
                                          to_json(*parsed("up")) + "}"));
    EXPECT_EQ(json_of("up{a!=\"b\"} @ 5 offset -1m"), json::parse(R"({
        "type":"vectorSelector","name":"up","offset":-60000,"offsetExpr":null,
        "matchers":[{"name":"a","value":"b","type":"!="},{"name":"__name__","value":"up","type":"="}],
        "timestamp":5000,"startOrEnd":null,"anchored":false,"smoothed":false})"));
    EXPECT_EQ(json_of("up[5m] @ end()"), json::parse(R"({
        "type":"matrixSelector","name":"up","range":300000,"rangeExpr":null,"offset":0,
        "offsetExpr":null,"matchers":[{"name":"__name__","value":"up","type":"="}],
        "timestamp":null,"startOrEnd":"end","anchored":false,"smoothed":false})"));
}

TEST(AstJson, HoldsOperatorsAndTheirMatching) {
    const auto matched = json_of("a * bool_ignored").at("matching");
    EXPECT_EQ(matched, json::parse(R"({"card":"one-to-one","labels":[],"on":false,"include":[],
                                       "fillValues":{"lhs":null,"rhs":null}})"));
    EXPECT_EQ(json_of("a > bool on(x) group_right(y) fill_left(2) b").at("matching"),
              json::parse(R"({"card":"one-to-many","labels":["x"],"on":true,"include":["y"],
                              "fillValues":{"lhs":2.0,"rhs":null}})"));
    EXPECT_EQ(json_of("a or b").at("matching").at("card"), "many-to-many");
    EXPECT_TRUE(json_of("a + 1").at("matching").is_null());
    EXPECT_TRUE(json_of("1 == bool 1").at("bool").get<bool>());
}

TEST(AstJson, HoldsCallsAndAggregations) {
    const auto call = json_of("round(up, 2)");
    EXPECT_EQ(call.at("func"), json::parse(R"({"name":"round","argTypes":["vector","scalar"],
                                               "variadic":1,"returnType":"vector"})"));
    EXPECT_EQ(call.at("args").size(), 2u);
    const auto aggregation = json_of("topk without(x) (3, up)");
    EXPECT_EQ(aggregation.at("op"), "topk");
    EXPECT_EQ(aggregation.at("param").at("val"), "3");
    EXPECT_EQ(aggregation.at("grouping"), json::parse(R"(["x"])"));
    EXPECT_TRUE(aggregation.at("without").get<bool>());
    EXPECT_TRUE(json_of("sum(up)").at("param").is_null());
}

TEST(AstJson, HoldsArithmeticOfDurations) {
    EXPECT_EQ(json_of("up[(step() + 5m)]").at("rangeExpr"), json::parse(R"({
        "type":"durationExpr","op":"+","wrapped":true,
        "lhs":{"type":"durationExpr","op":"step","lhs":null,"rhs":null,"wrapped":false},
        "rhs":{"type":"numberLiteral","val":"300","duration":true}})"));
    const auto subquery = json_of("up[1h:step()]");
    EXPECT_EQ(subquery.at("range"), 3'600'000);
    EXPECT_EQ(subquery.at("step"), 0);
    EXPECT_EQ(subquery.at("stepExpr").at("op"), "step");
}

TEST(AstJson, ReplacesWhatIsNoUtf8) { EXPECT_EQ(json_of(R"("a\xff")").at("val"), "a\xef\xbf\xbd"); }

TEST(Ast, KnowsWhereEachNodeStands) {
    const auto expr = parsed("sum by (x) (a) / rate(b[5m] offset 1m)");
    const auto& ratio = *expr->as<Binary>();
    EXPECT_EQ(expr->range, (ByteRange{0, 38}));
    EXPECT_EQ(ratio.left->range, (ByteRange{0, 14}));
    EXPECT_EQ(ratio.right->range, (ByteRange{17, 38}));
    EXPECT_EQ(ratio.left->as<Aggregate>()->expr->range, (ByteRange{12, 13}));
    EXPECT_EQ(ratio.right->as<Call>()->arguments[0]->range, (ByteRange{22, 37}));
    EXPECT_EQ(parsed(" (a) # b")->range, (ByteRange{1, 4}));
    EXPECT_EQ(parsed("- a{x=\"y\"}")->range, (ByteRange{0, 10}));
    EXPECT_EQ(parsed("a[1h:5m] @ end()")->range, (ByteRange{0, 16}));
}

TEST(Ast, KnowsTheTypeOfEachNode) {
    EXPECT_EQ(type_of(*parsed("1 + time()")), ValueType::scalar);
    EXPECT_EQ(type_of(*parsed("(-(1))")), ValueType::scalar);
    EXPECT_EQ(type_of(*parsed("1 + a")), ValueType::instant_vector);
    EXPECT_EQ(type_of(*parsed("sum(a)")), ValueType::instant_vector);
    EXPECT_EQ(type_of(*parsed("(a[5m])")), ValueType::range_vector);
    EXPECT_EQ(type_of(*parsed("a[5m:]")), ValueType::range_vector);
    EXPECT_EQ(type_of(*parsed("'x'")), ValueType::string);
}

TEST(Ast, PutsTheNameMatcherLast) {
    const auto expr = parsed("up{a=\"b\"}");
    const auto& selector = *expr->as<VectorSelector>();
    ASSERT_EQ(selector.matchers.size(), 2u);
    EXPECT_EQ(selector.matchers.back(), Matcher::equal("__name__", "up"));
    EXPECT_EQ(parsed("{\"up\"}")->as<VectorSelector>()->name, "");
}

TEST(Ast, BindsAsPrometheusDoes) {
    EXPECT_EQ(parsed("1 - 2 - 3")->as<Binary>()->right->as<NumberLiteral>()->value, 3);
    EXPECT_EQ(parsed("2 ^ 3 ^ 4")->as<Binary>()->left->as<NumberLiteral>()->value, 2);
    EXPECT_EQ(parsed("1 + 2 * 3")->as<Binary>()->op, BinaryOp::add);
    EXPECT_EQ(parsed("a or b and c")->as<Binary>()->op, BinaryOp::set_or);
    EXPECT_EQ(parsed("a + b > bool c")->as<Binary>()->op, BinaryOp::greater);
    EXPECT_NE(parsed("-1 ^ 2")->as<Unary>(), nullptr);
    EXPECT_EQ(parsed("-1 * 2")->as<Binary>()->left->as<NumberLiteral>()->value, -1);
    EXPECT_EQ(parsed("a * b % c atan2 d")->as<Binary>()->op, BinaryOp::atan2);
    EXPECT_NE(parsed("-a offset 5m")->as<Unary>(), nullptr);
}

TEST(Limits, RefuseWhatNestsTooDeeply) {
    const auto levels = static_cast<std::size_t>(LexemeReader::kMostLevels);
    const auto nested = [](std::string_view open, std::string_view close, std::size_t times) {
        return parse_query(repeated(open, times) + "a" + repeated(close, times),
                           with_all_features());
    };
    EXPECT_TRUE(nested("(", ")", levels));
    EXPECT_TRUE(nested("1 + (", ")", levels));
    EXPECT_TRUE(nested("abs(", ")", levels));
    const auto deep = nested("(", ")", levels + 1);
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().text, "expression is nested deeper than 256 levels");
    for (const auto* open :
         {"abs(", "sum(", "-", "+", "2^", "(a + ", "a[(", "a[-", "a[2^", "a[max_of("})
        EXPECT_FALSE(nested(open, "", 1'000'000)) << open;
}

TEST(Limits, RefuseTooManyOperatorsInARow) {
    EXPECT_TRUE(parse_query("a" + repeated(" or a", kMostHeight - 1)));
    const auto many = parse_query("a" + repeated(" or a", kMostHeight));
    ASSERT_FALSE(many);
    EXPECT_EQ(many.error().text, "expression has more than 1024 operators in a row");
    EXPECT_FALSE(parse_query("a" + repeated("[5m:]", 100'000)));
    EXPECT_FALSE(parse_query("a" + repeated(" offset 0", 100'000) + "$"));
}

TEST(Parser, RefusesAZeroByte) {
    EXPECT_EQ(outcome(std::string_view("a\0", 2), Language()),
              "1:2: unexpected character: '\\x00'");
}

TEST(Parser, RefusesRegularExpressionsThatDoNotCompile) {
    const auto bad = parse_query("up{x=~\"(\"}");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().column, 4);
    EXPECT_THAT(bad.error().text, testing::HasSubstr("regular expression"));
}

Millis range_of(std::string_view query, Millis step, Millis range) {
    const auto expr = parsed(query);
    const auto resolved = resolve_durations(*expr, step, range);
    EXPECT_TRUE(resolved) << resolved.error().text;
    return expr->as<RangeSelector>()->range.value;
}

TEST(Durations, AreResolvedWithTheQueryAtHand) {
    const Millis step(15'000);
    const Millis range(3'600'000);
    EXPECT_EQ(range_of("a[5m]", step, range), Millis(300'000));
    EXPECT_EQ(range_of("a[step() * 4]", step, range), Millis(60'000));
    EXPECT_EQ(range_of("a[range() / 2 - 1m]", step, range), Millis(1'740'000));
    EXPECT_EQ(range_of("a[max_of(step(), 1m)]", step, range), Millis(60'000));
    EXPECT_EQ(range_of("a[min_of(step(), 1m)]", step, range), Millis(15'000));
    EXPECT_EQ(range_of("a[-(1m - 2 * 5m)]", step, range), Millis(540'000));
    EXPECT_EQ(range_of("a[10s % 7s + 2 ^ 3 ^ 0]", step, range), Millis(5'000));
    const auto subquery = parsed("avg_over_time(a[1h:step()] offset -(step()))");
    ASSERT_TRUE(resolve_durations(*subquery, step, range));
    const auto& inner = *subquery->as<Call>()->arguments[0]->as<Subquery>();
    EXPECT_EQ(inner.step.value, step);
    EXPECT_EQ(inner.offset.value, -step);
}

TEST(Durations, AreRefusedWhereTheyMakeNoSense) {
    const auto error = [](std::string_view query) {
        return resolve_durations(*parsed(query), Millis(0), Millis(0)).error().text;
    };
    EXPECT_EQ(error("a[step()]"), "2:8: duration must be greater than 0");
    EXPECT_EQ(error("a[1m - 5m]"), "2:9: duration must be greater than 0");
    EXPECT_EQ(error("a[5m / step()]"), "2:13: division by zero");
    EXPECT_EQ(error("a[5m % step()]"), "2:13: modulo by zero");
    EXPECT_EQ(error("a offset (0 ^ -1)"), "10:16: duration is NaN or infinite");
    EXPECT_EQ(error("a offset (290y + 10y)"), "10:20: duration is out of range");
}

}  // namespace
}  // namespace inferscope::promql
