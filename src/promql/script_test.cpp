// SPDX-License-Identifier: Apache-2.0
// The scripts of tests/promql: what is stored, which queries are asked, what must be answered. In
// the manner of Prometheus's promqltest; a line each:
//   dialect 2 | enable FEATURE | clear
//   load STEP                          then indented: SERIES VALUE...
//   eval instant at TIME QUERY         then indented what is expected: SERIES VALUE...,
//   eval range FROM TO STEP QUERY      `scalar VALUE`, `string TEXT`, `fail TEXT`, `warn TEXT`,
//                                      `info TEXT`, `ordered`
// Values: numbers, `_` (nothing), `stale`, `VALUExTIMES`, `START+STEPxTIMES`, `START-STEPxTIMES`.
// Times are PromQL's durations. Each query is asked of series alone, in a group, and in pieces.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>

#include "base/numbers.h"
#include "promql/engine.h"
#include "promql/formats.h"
#include "promql/selector.h"
#include "promql/stored_for_test.h"

namespace inferscope::promql {
namespace {

std::vector<std::string> words_of(std::string_view line) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

Timestamp time_in(const std::string& text) {
    if (text == "0") return 0;
    const bool is_negative = text.starts_with('-');
    const auto seconds =
        parse_duration_seconds(text.substr(is_negative ? 1 : 0), Dialect::prometheus3);
    EXPECT_TRUE(seconds) << text;
    return static_cast<Timestamp>(*seconds * 1000) * (is_negative ? -1 : 1);
}

/// `5`, `5x3`, `0+10x4`: the values that it stands for; nothing for `_`.
std::vector<std::optional<double>> expand(const std::string& text) {
    const auto repeat = text.find('x');
    const auto times = repeat == std::string::npos || text.starts_with("0x")
                           ? std::size_t{0}
                           : std::stoul(text.substr(repeat + 1));
    const auto value = times == 0 ? text : text.substr(0, repeat);
    if (value == "_") return std::vector<std::optional<double>>(std::max(times, std::size_t{1}));
    if (value == "stale") return {kStaleMarker};
    const auto sign = value.find_first_of("+-", 1);
    const bool has_step = sign != std::string::npos && value[sign - 1] != 'e' && times > 0;
    const double start = *parse_number(has_step ? value.substr(0, sign) : value);
    const double step = has_step ? *parse_number(value.substr(sign)) : 0;
    std::vector<std::optional<double>> all;
    const auto count = has_step ? times + 1 : std::max(times, std::size_t{1});
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(start + static_cast<double>(i) * step);
    return all;
}

/// `name{a="b"} 1 2 3`, cut behind the labels; blanks may stand in label values.
std::pair<std::string, std::string> cut_series(std::string_view line) {
    bool is_quoted = false;
    bool is_braced = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '"' && (at == 0 || line[at - 1] != '\\')) is_quoted = !is_quoted;
        if (!is_quoted && line[at] == '{') is_braced = true;
        if (!is_quoted && line[at] == '}') is_braced = false;
        if (!is_quoted && !is_braced && line[at] == ' ')
            return {std::string(line.substr(0, at)), std::string(line.substr(at))};
    }
    return {std::string(line), ""};
}

Labels labels_in(const std::string& text) {
    LabelsBuilder builder;
    if (text == "{}") return {};
    const auto selector = parse_selector(text);
    EXPECT_TRUE(selector) << text;
    for (const auto& matcher : selector->matchers) builder.set(matcher.name(), matcher.value());
    return builder.build();
}

std::string to_text(const Labels& labels, std::span<const Sample> samples,
                    const std::vector<Timestamp>& times) {
    std::string text = labels.empty() ? "{}" : labels.to_text();
    std::size_t at = 0;
    for (const auto time : times) {
        const bool is_there = at < samples.size() && samples[at].time == time;
        text += ' ';
        text += is_there ? format_number(samples[at++].value) : "_";
    }
    return at == samples.size() ? text : text + " and samples at other times";
}

/// One script, line by line.
class Script {
public:
    explicit Script(std::string text) : text_(std::move(text)) {}

    std::vector<std::string> run() {
        std::istringstream stream(text_);
        for (std::string line; std::getline(stream, line);) {
            ++line_;
            if (const auto comment = line.find_first_not_of(' ');
                comment == std::string::npos || line[comment] == '#')
                continue;
            if (line.starts_with(' ')) {
                const auto begin = line.find_first_not_of(' ');
                indented(line.substr(begin));
            } else {
                finish_eval();
                command(line);
            }
        }
        finish_eval();
        return std::move(failures_);
    }

private:
    void command(const std::string& line) {
        const auto words = words_of(line);
        if (words[0] == "clear") {
            stored_.clear();
        } else if (words[0] == "dialect") {
            language_ = Language(Dialect::prometheus2);
        } else if (words[0] == "enable") {
            EXPECT_TRUE(language_.enable(words[1])) << line;
        } else if (words[0] == "load") {
            is_loading_ = true;
            step_ = time_in(words[1]);
        } else {
            ASSERT_EQ(words[0], "eval") << line_;
            start_eval(line, words);
        }
    }
    void start_eval(const std::string& line, const std::vector<std::string>& words) {
        is_loading_ = false;
        is_evaluating_ = true;
        expected_.clear();
        eval_line_ = line_;
        is_range_ = words[1] == "range";
        times_ = {time_in(words[is_range_ ? 2 : 3]), time_in(words[3]), Millis(0)};
        if (is_range_) times_.step = Millis(time_in(words[4]));
        std::size_t begin = 0;
        for (std::size_t word = 0; word < (is_range_ ? 5 : 4); ++word) {
            begin = line.find(words[word], begin) + words[word].size();
        }
        query_ = line.substr(line.find_first_not_of(' ', begin));
    }
    void indented(const std::string& line) {
        if (!is_loading_) {
            expected_.push_back(line);
            return;
        }
        const auto [series, values] = cut_series(line);
        auto time = Timestamp{0};
        for (const auto& word : words_of(values)) {
            for (const auto& value : expand(word)) {
                if (value) stored_.add(labels_in(series), time, *value);
                time += step_;
            }
        }
    }

    std::vector<Timestamp> step_times() const {
        std::vector<Timestamp> times;
        for (auto time = times_.start; time <= times_.end;
             time += is_range_ ? times_.step.count() : 1)
            times.push_back(time);
        return times;
    }

    /// What is expected, spelt as answers are.
    std::vector<std::string> normal_expectations(bool& is_ordered) const {
        std::vector<std::string> all;
        for (const auto& line : expected_) {
            if (line == "ordered") {
                is_ordered = true;
                continue;
            }
            const auto word = words_of(line)[0];
            if (word == "fail" || word == "warn" || word == "info" || word == "scalar" ||
                word == "string") {
                all.push_back(line);
                continue;
            }
            const auto [series, values] = cut_series(line);
            const auto labels = labels_in(series);
            std::string text = labels.empty() ? "{}" : labels.to_text();
            for (const auto& value_word : words_of(values)) {
                for (const auto& value : expand(value_word))
                    text += value ? " " + format_number(*value) : " _";
            }
            all.push_back(text);
        }
        return all;
    }

    std::vector<std::string> answers(StoredForTest::Shape shape) {
        stored_.set_shape(shape);
        EngineOptions options;
        options.language = language_;
        const Engine engine(stored_, options);
        const auto answer =
            is_range_ ? engine.range(query_, times_) : engine.instant(query_, times_.start);
        if (!answer) return {"fail " + answer.error().text};
        std::vector<std::string> all;
        if (answer->type == ValueType::scalar)
            all.push_back("scalar " + format_number(answer->scalar.value));
        if (answer->type == ValueType::string) all.push_back("string " + answer->text);
        const auto times = step_times();
        for (const auto& series : answer->series) {
            if (!is_range_ && answer->type == ValueType::range_vector) {
                std::vector<Timestamp> own;
                for (const auto& sample : series.samples) own.push_back(sample.time);
                all.push_back(to_text(series.labels, series.samples, own));
            } else {
                all.push_back(to_text(series.labels, series.samples, times));
            }
        }
        for (const auto& text : answer->warnings) all.push_back("warn " + text);
        for (const auto& text : answer->infos) all.push_back("info " + text);
        return all;
    }

    void finish_eval() {
        if (!is_evaluating_) return;
        is_evaluating_ = false;
        bool is_ordered = false;
        auto expected = normal_expectations(is_ordered);
        if (!is_ordered) std::ranges::sort(expected);
        for (const auto shape : {StoredForTest::Shape::alone, StoredForTest::Shape::grouped,
                                 StoredForTest::Shape::pieces}) {
            auto found = answers(shape);
            if (!is_ordered) std::ranges::sort(found);
            if (found == expected) continue;
            failures_.push_back(fmt::format("line {}: {}\n  expected:\n    {}\n  found:\n    {}",
                                            eval_line_, query_, fmt::join(expected, "\n    "),
                                            fmt::join(found, "\n    ")));
            return;
        }
    }

    std::string text_;
    StoredForTest stored_;
    Language language_;
    std::vector<std::string> failures_;
    std::size_t line_ = 0;

    bool is_loading_ = false;
    Timestamp step_ = 0;

    bool is_evaluating_ = false;
    bool is_range_ = false;
    std::size_t eval_line_ = 0;
    QueryTimes times_;
    std::string query_;
    std::vector<std::string> expected_;
};

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Scripts, AllHold) {
    std::size_t scripts = 0;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(INFERSCOPE_SOURCE_DIR) / "tests" / "promql")) {
        if (entry.path().extension() != ".test") continue;
        ++scripts;
        for (const auto& failure : Script(read_file(entry.path())).run())
            ADD_FAILURE() << entry.path().filename() << ": " << failure;
    }
    EXPECT_GT(scripts, 5U);
}

}  // namespace
}  // namespace inferscope::promql
