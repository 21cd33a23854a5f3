// SPDX-License-Identifier: Apache-2.0
#include "exposition/parser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/numbers.h"

namespace inferscope::exposition {
namespace {

using testing::HasSubstr;
using Kind = Line::Kind;

/// Every line of a page, and the error that ended it (empty text: none).
struct Page {
    std::vector<Line> lines;
    ParseError error;
};

/// "LINE:COLUMN: TEXT", empty without error.
std::string brief(const ParseError& error) {
    return error.text.empty() ? "" : fmt::format("{}:{}: {}", error.line, error.column, error.text);
}

Page read(std::string_view page, Format format = Format::text) {
    Page result;
    LineReader reader(page, format);
    while (true) {
        auto line = reader.next();
        if (!line) {
            result.error = line.error();
            return result;
        }
        if (!*line) return result;
        result.lines.push_back(**line);
    }
}

/// The one line of a text page.
Line one(std::string_view page) {
    auto result = read(page);
    EXPECT_EQ(brief(result.error), "");
    EXPECT_EQ(result.lines.size(), 1u) << page;
    return result.lines.empty() ? Line{} : result.lines.front();
}

/// The one line before `# EOF` of an OpenMetrics page.
Line one_openmetrics(std::string_view line) {
    const std::string page = std::string(line) + "\n# EOF\n";
    auto result = read(page, Format::openmetrics);
    EXPECT_EQ(brief(result.error), "");
    EXPECT_EQ(result.lines.size(), 2u) << page;
    Line first = result.lines.empty() ? Line{} : result.lines.front();
    first.key = first.name = first.labels = first.text =
        first.value_text = {};  // they pointed into `page`
    first.exemplar = first.exemplar.empty() ? first.exemplar : "there";
    return first;
}

/// Whether the page's first line has the key that likely_key() took for it; then next_known() must
/// say what next() says.
bool key_is_likely(std::string_view page, Format format = Format::text) {
    LineReader full(page, format);
    LineReader by_key(page, format);
    const auto key = by_key.likely_key();
    const auto line = full.next();
    if (!line || !*line || key.empty() || (**line).key != key) return false;
    const auto known = by_key.next_known(key.size());
    if (!known || !*known) {
        ADD_FAILURE() << page;
        return false;
    }
    EXPECT_EQ((**known).key, (**line).key);
    EXPECT_EQ((**known).name, (**line).name);
    EXPECT_EQ((**known).labels, (**line).labels);
    EXPECT_EQ(std::bit_cast<std::uint64_t>((**known).value),
              std::bit_cast<std::uint64_t>((**line).value));
    EXPECT_EQ((**known).value_text, (**line).value_text);
    EXPECT_EQ((**known).time, (**line).time);
    EXPECT_EQ((**known).exemplar, (**line).exemplar);
    EXPECT_EQ(by_key.offset(), full.offset());
    return true;
}

std::string error_of(std::string_view page, Format format = Format::text) {
    return brief(read(page, format).error);
}

std::string series(std::string_view key) {
    const auto labels = parse_series(key);
    return labels ? labels->to_text() : brief(labels.error());
}

TEST(LikelyKey, IsTheKeyOfUsualLinesAndNeverReadsThemOtherwise) {
    for (const auto* page :
         {"a 1\n", "a{} 1\n", "a{b=\"c\"} 1\n", "a{b=\"c\",} 1 1700000000000\n", "a{b=\"}\"} NaN\n",
          "a {b=\"c\"} 1\n", "a:b{c=\"{\"}1", "a{b=\"c\"}\t1\r\n", "a{\"b\"=\"c\"} 1\n"}) {
        EXPECT_TRUE(key_is_likely(page)) << page;
    }
    EXPECT_TRUE(key_is_likely("a{b=\"c\"} 1 1.5\n# EOF\n", Format::openmetrics));
    for (const auto* page :
         {"# a\n", "\n", "{\"a\"} 1\n", " a 1\n", "a\t1\n", "1a 1\n", "a{b=\"\xff\"} 1\n"})
        EXPECT_FALSE(key_is_likely(page)) << page;
    EXPECT_FALSE(key_is_likely("a{b=\"c\"} 1 # {d=\"e\"} 1\n# EOF\n", Format::openmetrics))
        << "the exemplar's brace is the last one";
    EXPECT_EQ(LineReader("", Format::text).likely_key(), "");
}

TEST(LineReader, SplitsASampleIntoKeyNameLabelsAndValue) {
    const auto line = one("vllm:e2e_bucket{le=\"0.5\",model_name=\"a b\"} 12\n");
    EXPECT_EQ(line.kind, Kind::sample);
    EXPECT_EQ(line.key, R"(vllm:e2e_bucket{le="0.5",model_name="a b"})");
    EXPECT_EQ(line.name, "vllm:e2e_bucket");
    EXPECT_EQ(line.labels, R"(le="0.5",model_name="a b")");
    EXPECT_EQ(line.value_text, "12");
    EXPECT_EQ(line.value, 12);
    EXPECT_FALSE(line.time);
}

TEST(LineReader, TakesBlanksBetweenTheTokensOfTheTextFormat) {
    const auto line = one(" \t a  {\t b = \"c\" ,\td=\"e\" } \t 1.5\t 17 \t");
    EXPECT_EQ(line.key, "a  {\t b = \"c\" ,\td=\"e\" }");
    EXPECT_EQ(line.value, 1.5);
    EXPECT_EQ(line.time, 17);
    EXPECT_EQ(series(line.key), R"(a{b="c",d="e"})");
    EXPECT_EQ(one("a\t2").key, "a");
    EXPECT_EQ(one(R"(a{b="c"}2)").value, 2);
}

TEST(LineReader, ReadsThePageWithoutItsLastNewlineWithCarriageReturnsAndBlankLines) {
    const auto page = read("a 1\r\n\n \t\r\n# TYPE b counter\r\nb 2");
    EXPECT_EQ(brief(page.error), "");
    ASSERT_EQ(page.lines.size(), 5u);
    EXPECT_EQ(page.lines[0].value, 1);
    EXPECT_EQ(page.lines[2].kind, Kind::blank);
    EXPECT_EQ(page.lines[3].text, "counter");
    EXPECT_EQ(page.lines[4].value, 2);
    EXPECT_TRUE(read("").lines.empty());
}

TEST(LineReader, KnowsWhereTheNextLineStarts) {
    LineReader reader("a 1\n\nb 2", Format::text);
    EXPECT_EQ(reader.offset(), 0u);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.offset(), 4u);
    ASSERT_TRUE(reader.next());
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.offset(), 8u);
    EXPECT_EQ(reader.line_number(), 3);
    const auto end = reader.next();
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);
}

TEST(LineReader, ReadsEverySpellingOfNumbersThatProgramsWrite) {
    const auto bits = [](std::string_view text) {
        return std::bit_cast<std::uint64_t>(one("a " + std::string(text)).value);
    };
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (const auto* text : {"NaN", "nan", "NAN", "-nan"}) {
        EXPECT_EQ(bits(text), std::bit_cast<std::uint64_t>(kNormalNaN)) << text;
    }
    for (const auto* text : {"+Inf", "Inf", "inf", "+inf", "Infinity"}) {
        EXPECT_EQ(bits(text), std::bit_cast<std::uint64_t>(kInfinity)) << text;
    }
    EXPECT_EQ(bits("-Inf"), std::bit_cast<std::uint64_t>(-kInfinity));
    EXPECT_EQ(bits("-0"), std::bit_cast<std::uint64_t>(-0.0));
    EXPECT_EQ(one("a 3.9024848896e+010").value, 3.9024848896e10);
    EXPECT_EQ(one("a +1.").value, 1);
    EXPECT_EQ(one("a .5").value, 0.5);
    EXPECT_EQ(one("a 5e-324").value, 5e-324);
    EXPECT_EQ(one("a 9007199254740993").value, 9007199254740992.0);
}

TEST(LineReader, RefusesWhatIsNoNumberWithLineAndColumn) {
    EXPECT_EQ(error_of("a 1\nbb x1\n"), "2:4: expected a number, got 'x1'");
    EXPECT_EQ(error_of("a 1\nbb 1x 7\n"), "2:4: expected a number, got '1x 7'");
    EXPECT_EQ(error_of("a"), "1:2: expected a blank and a value, the line ends here");
    EXPECT_EQ(error_of("a "), "1:3: expected a number, the line ends here");
    for (const auto* text :
         {"0x10", "-0x1p3", "1_000", "1e999", "--1", "+-1", ".", "e5", "1,5", "infin", "1{"}) {
        EXPECT_THAT(error_of("a " + std::string(text)), HasSubstr("expected a number")) << text;
    }
}

TEST(LineReader, ReadsTimestampsAsMilliseconds) {
    EXPECT_EQ(one("a 1 1520879607789").time, 1520879607789);
    EXPECT_EQ(one("a 1 -5").time, -5);
    EXPECT_EQ(error_of("a 1 2 3"), "1:7: expected the end of the line, got '3'");
    EXPECT_EQ(error_of("a 1 1.5"), "1:5: expected a timestamp in milliseconds, got '1.5'");
    EXPECT_THAT(error_of("a 1 9223372036854775808"), HasSubstr("timestamp in milliseconds"));
    EXPECT_EQ(one("a 1 9223372036854775807").time, std::numeric_limits<Timestamp>::max());
}

TEST(LineReader, ReadsTypeAndHelp) {
    const auto type = one("#  TYPE \t vllm:x_total \t counter ");
    EXPECT_EQ(type.kind, Kind::type);
    EXPECT_EQ(type.name, "vllm:x_total");
    EXPECT_EQ(type.text, "counter");
    EXPECT_EQ(type.type, MetricType::counter);
    const auto help = one("# HELP a Tokens \\\\ per\\nstep, \"in\" \xc2\xb5s. ");
    EXPECT_EQ(help.kind, Kind::help);
    EXPECT_EQ(help.text, "Tokens \\\\ per\\nstep, \"in\" \xc2\xb5s. ");
    EXPECT_EQ(unescape_help(help.text, Format::text), "Tokens \\ per\nstep, \"in\" \xc2\xb5s. ");
    EXPECT_EQ(one("# HELP a").text, "");
    EXPECT_EQ(one("# TYPE a untyped").type, MetricType::unknown);
}

TEST(LineReader, LeavesATypeThatStandsTwiceToTheCaller) {
    const auto page =
        read("# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n# TYPE a counter\na{x=\"y\"} 2\n");
    EXPECT_EQ(brief(page.error), "");
    EXPECT_EQ(page.lines.size(), 6u);
}

TEST(LineReader, RefusesWrongMetadata) {
    EXPECT_EQ(error_of("# TYPE a guage"),
              "1:10: expected counter, gauge, histogram, summary or untyped, got 'guage'");
    EXPECT_EQ(error_of("# TYPE a"),
              "1:9: expected counter, gauge, histogram, summary or untyped, the line ends here");
    EXPECT_EQ(error_of("# HELP 1a b"), "1:8: expected a metric name, got '1a b'");
    EXPECT_EQ(error_of("# HELP a \xff"), "1:10: expected valid UTF-8, got '\\xff'");
}

TEST(LineReader, TakesOtherCommentsAsComments) {
    for (const auto* text :
         {"#", "# ", "#HELP a b", "# HELP", "# TYPEa counter", "# help a b", "# EOF", "#!\xff",
          "# UNIT a seconds", "  # anything {\"", "# HELP\r"}) {
        EXPECT_EQ(one(text).kind, Kind::comment) << text;
    }
}

TEST(LineReader, TakesTrailingCommasMissingCommasAndEmptyBraces) {
    EXPECT_EQ(one("a{} 1").labels, "");
    EXPECT_EQ(series(one(R"(a{b="c",} 1)").key), R"(a{b="c"})");
    EXPECT_EQ(series(one(R"(a{b="c" d="e"} 1)").key), R"(a{b="c",d="e"})");  // as Prometheus does
    EXPECT_EQ(series("a{}"), "a");
    EXPECT_EQ(series(R"(a{b=""})"), "a");
}

TEST(LineReader, RefusesBrokenLabelSets) {
    EXPECT_EQ(error_of("a{,} 1"), "1:3: expected a label name or '}', got ',} 1'");
    EXPECT_EQ(error_of(R"(a{b="c",,} 1)"), "1:9: expected a label name, got ',} 1'");
    EXPECT_EQ(error_of(R"(a{="c"} 1)"), "1:3: expected a label name or '}', got '=\"c\"} 1'");
    EXPECT_EQ(error_of(R"(a{""="c"} 1)"), "1:3: expected a label name or '}', got '\"\"=\"c\"} 1'");
    EXPECT_EQ(error_of(R"(a{1b="c"} 1)"), "1:3: expected a label name or '}', got '1b=\"c\"} 1'");
    EXPECT_EQ(error_of(R"(a{b:d="c"} 1)"), "1:4: expected '=', got ':d=\"c\"} 1'");
    EXPECT_EQ(error_of("a{b=c} 1"), "1:5: expected a label value in '\"', got 'c} 1'");
    EXPECT_EQ(error_of("a{b=\"c} 1\nd{e=\"f\"} 2"),
              "1:5: expected a text with a closing '\"', got '\"c} 1'");
    EXPECT_EQ(error_of("a{b=\"c\\"), "1:5: expected a text with a closing '\"', got '\"c\\'");
    EXPECT_EQ(error_of("a{b=\"\\\"} 1"),
              "1:5: expected a text with a closing '\"', got '\"\\\"} 1'");
    EXPECT_EQ(error_of("a{"), "1:3: expected a label name or '}', the line ends here");
    EXPECT_EQ(error_of("{b=\"c\"} 1"), "1:1: expected a metric name, got '{b=\"c\"} 1'");
    EXPECT_EQ(error_of("\xff 1"), "1:1: expected a metric name or a comment, got '\\xff 1'");
    EXPECT_EQ(error_of("a-b 1"), "1:2: expected a blank and a value, got '-b 1'");
}

TEST(LineReader, RefusesInvalidUtf8InLabelsWhereverItHides) {
    EXPECT_THAT(error_of("a{b=\"0123456\xff\"} 1"), HasSubstr("1:5: expected valid UTF-8"));
    EXPECT_THAT(error_of("a{b=\"\\\xff\"} 1"), HasSubstr("1:5: expected valid UTF-8"));
    EXPECT_THAT(error_of("a{\"\xc0\xaf\"=\"c\"} 1"), HasSubstr("1:3: expected valid UTF-8"));
    EXPECT_EQ(error_of("a{b=\"\xe6\xa8\xa1\xe5\x9e\x8b\"} 1"), "");
}

TEST(LineReader, FindsTheEndOfAValueAtEveryDistance) {
    for (std::size_t length = 1; length < 40; ++length) {
        const std::string value(length, 'v');
        const std::string page = "a{b=\"" + value + "\",c=\"\\\"" + value + "\"} 1";
        ASSERT_EQ(series(one(page).key), page.substr(0, page.size() - 2)) << length;
    }
}

TEST(LineReader, IsFinishedAfterAnError) {
    LineReader reader("a b\nc 1\n", Format::text);
    EXPECT_FALSE(reader.next());
    const auto after = reader.next();
    ASSERT_TRUE(after);
    EXPECT_FALSE(*after);
}

TEST(LineReader, QuotesOnlyTheStartOfALongLine) {
    EXPECT_LT(error_of("a " + std::string(100'000, 'x')).size(), 200u);
}

TEST(OpenMetrics, ReadsMetadataExemplarsAndTimes) {
    const std::string_view text =
        "# TYPE a counter\n# UNIT a_seconds seconds\n# HELP a A \\\"q\\\".\n"
        "a_total{b=\"c # {d\"} 17.0 1520879607.789 # {trace_id=\"x\\\"y\"} 0.67 1520879607.5\n"
        "a_created 1520872607.123\n# EOF\n";
    const auto page = read(text, Format::openmetrics);
    EXPECT_EQ(brief(page.error), "");
    ASSERT_EQ(page.lines.size(), 6u);
    EXPECT_EQ(page.lines[1].kind, Kind::unit);
    EXPECT_EQ(page.lines[1].text, "seconds");
    EXPECT_EQ(unescape_help(page.lines[2].text, Format::openmetrics), "A \"q\".");
    EXPECT_EQ(page.lines[3].key, "a_total{b=\"c # {d\"}");
    EXPECT_EQ(page.lines[3].time, 1520879607789);
    const auto exemplar = parse_exemplar(page.lines[3].exemplar);
    ASSERT_TRUE(exemplar);
    EXPECT_EQ(exemplar->labels.get("trace_id"), "x\"y");
    EXPECT_EQ(exemplar->value, 0.67);
    EXPECT_EQ(exemplar->time, 1520879607500);
    EXPECT_EQ(page.lines[4].value, 1520872607.123);
    EXPECT_EQ(page.lines[5].kind, Kind::eof);
}

TEST(OpenMetrics, TakesAnExemplarWithoutTimes) {
    const auto line = one_openmetrics("a 1 # {} 0.5");
    EXPECT_EQ(line.exemplar, "there");
    EXPECT_FALSE(line.time);
    EXPECT_TRUE(parse_exemplar("{} 0.5"));
}

TEST(OpenMetrics, EndsWithEofAndNothingBehindIt) {
    constexpr auto kFormat = Format::openmetrics;
    EXPECT_EQ(error_of("# EOF", kFormat), "");
    EXPECT_EQ(error_of("a 1\n", kFormat),
              "2:1: expected '# EOF', the page ends here: it may be cut short");
    EXPECT_EQ(error_of("", kFormat),
              "1:1: expected '# EOF', the page ends here: it may be cut short");
    EXPECT_EQ(error_of("# EOF\na 1\n", kFormat), "2:1: expected nothing behind '# EOF'");
    EXPECT_THAT(error_of("# EOF \n", kFormat), HasSubstr("'# EOF'"));
}

TEST(OpenMetrics, IsStrictWhereTheTextFormatIsNot) {
    for (const auto* line : {"a  1",
                             "a\t1",
                             " a 1",
                             "a 1 ",
                             "a {b=\"c\"} 1",
                             "a{b=\"c\",} 1",
                             "a{b=\"c\"d=\"e\"} 1",
                             "a{ b=\"c\"} 1",
                             "a{b =\"c\"} 1",
                             "a{b=\"c\"}1",
                             "a 1\r",
                             "",
                             "# comment",
                             "#",
                             "# TYPE a untyped",
                             "# TYPE  a counter",
                             "# HELP a",
                             "# UNIT a seconds",
                             "# UNIT seconds seconds",
                             "a 1 2 3",
                             "a 1\t2",
                             "a 1 NaN",
                             "a 1 1e300",
                             "a 1 # {}",
                             "a 1 # {} 1 2 3",
                             "a 1 # {b} 1",
                             "a 1 # {\"b\"} 1",
                             "a 1 #{} 1",
                             "a 1 # {b=\"c\",} 1",
                             "a 1 # x"}) {
        EXPECT_THAT(error_of(std::string(line) + "\n# EOF\n", Format::openmetrics), HasSubstr("1:"))
            << line;
    }
}

TEST(OpenMetrics, ReadsTheTypesThatTheTextFormatLacks) {
    EXPECT_EQ(one_openmetrics("# TYPE a gaugehistogram").type, MetricType::gauge_histogram);
    EXPECT_EQ(one_openmetrics("# TYPE a info").type, MetricType::info);
    EXPECT_EQ(one_openmetrics("# TYPE a stateset").type, MetricType::state_set);
    EXPECT_THAT(error_of("# TYPE a info"), HasSubstr("untyped"));
}

TEST(ParseSeries, ReadsQuotedNames) {
    const auto labels = parse_series(R"({"my.metric","a b"="c",d="e",})");
    ASSERT_TRUE(labels);
    EXPECT_EQ(labels->metric_name(), "my.metric");
    EXPECT_EQ(labels->get("a b"), "c");
    EXPECT_EQ(labels->get("d"), "e");
    const auto line = one(R"({a="b","my.metric"} 4)");
    EXPECT_EQ(line.name, "my.metric");
    EXPECT_EQ(line.key, R"({a="b","my.metric"})");
    EXPECT_EQ(one(R"(# TYPE "my.metric" counter)").name, "my.metric");
}

TEST(ParseSeries, ResolvesEscapesAndKeepsUnknownOnes) {
    const auto labels = parse_series(R"(a{b="\\\"\n\d\\n"})");
    ASSERT_TRUE(labels);
    EXPECT_EQ(labels->get("b"), "\\\"\n\\d\\n");
}

TEST(ParseSeries, RefusesNamesThatStandTwice) {
    EXPECT_EQ(series(R"(a{b="c",d="e",b="c"})"), "0:1: label 'b' stands twice");
    EXPECT_EQ(series(R"(a{__name__="b"})"), "0:1: label '__name__' stands twice");
    EXPECT_EQ(series(R"(a{"b"})"), "0:3: expected no second metric name, got '\"b\"}'");
    EXPECT_EQ(series(R"({"a","b"})"), "0:6: expected no second metric name, got '\"b\"}'");
    EXPECT_EQ(series("a{} 1"), "0:4: expected nothing behind the series, got ' 1'");
}

TEST(ParseSeries, TakesALongLabelSetInLinearTime) {
    std::string key = "a{";
    for (int i = 200'000; i > 0; --i) key += fmt::format("l{:06}=\"v\",", i);
    const auto labels = parse_series(key + "}");
    ASSERT_TRUE(labels);
    EXPECT_EQ(labels->size(), 200'001u);
}

TEST(FormatOf, KnowsOpenMetricsAndTakesTheRestAsText) {
    EXPECT_EQ(format_of("application/openmetrics-text; version=1.0.0; charset=utf-8"),
              Format::openmetrics);
    EXPECT_EQ(format_of(" Application/OpenMetrics-Text ;version=0.0.1"), Format::openmetrics);
    EXPECT_EQ(format_of("text/plain; version=1.0.0; charset=utf-8"), Format::text);
    EXPECT_EQ(format_of("application/openmetrics-textual"), Format::text);
    EXPECT_EQ(format_of(""), Format::text);
}

}  // namespace
}  // namespace inferscope::exposition
