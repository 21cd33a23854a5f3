// SPDX-License-Identifier: Apache-2.0
// `inferscope query`: asks a running server, ours or a Prometheus, and prints what it answers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/query_parameters.h"
#include "app/commands.h"
#include "app/query_table.h"
#include "net/http_client.h"
#include "net/url.h"

namespace inferscope::app {
namespace {

using Json = nlohmann::ordered_json;
using Parameters = std::vector<std::pair<std::string, std::string>>;

constexpr auto kPatience = std::chrono::minutes(5);
constexpr std::uint64_t kMostBytes = 1u << 30;
constexpr double kStepsOfARange = 250;  // where no --step is given; promtool has as many

struct AskFlags {
    std::vector<std::string> url_and_expression;
    std::string time;
    std::string start;
    std::string end;
    std::string step;
    std::string output = "table";
};

/// With a text that may come from elsewhere.
int refuse(std::string_view text, int status) { return fail(for_terminal(text), status); }

/// Whole seconds, one at least.
std::string default_step(Timestamp start, Timestamp end) {
    const double seconds = static_cast<double>(end - start) / 1000;
    return fmt::format("{:.0f}", std::max(1.0, seconds / kStepsOfARange));
}

/// Of a range query; nothing is left out. Fails with what the user must mend.
Result<Parameters> range_parameters(const AskFlags& flags, Timestamp now) {
    const auto start = api::parse_time(flags.start);
    const auto end = flags.end.empty() ? std::optional(now) : api::parse_time(flags.end);
    if (!start || !end) {
        return Error{Errc::invalid_argument,
                     "a range has a --start, and may have an --end: seconds since 1970 or RFC "
                     "3339"};
    }
    if (!flags.time.empty())
        return Error{Errc::invalid_argument, "--time is for one time: leave out --start and --end"};
    const auto step = flags.step.empty() ? default_step(*start, *end) : flags.step;
    return Parameters{{"start", fmt::format("{}", static_cast<double>(*start) / 1000)},
                      {"end", fmt::format("{}", static_cast<double>(*end) / 1000)},
                      {"step", step}};
}

net::HttpRequest form(const net::Url& base, std::string_view endpoint,
                      const Parameters& parameters) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = base.target.substr(0, base.target.find('?'));
    while (request.target.ends_with('/')) request.target.pop_back();
    request.target += fmt::format("/api/v1/{}", endpoint);
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                       {"Accept-Encoding", "gzip"}};
    for (const auto& [name, value] : parameters) {
        request.body += fmt::format("{}{}={}", request.body.empty() ? "" : "&", name,
                                    net::percent_encode(value));
    }
    return request;
}

/// Sends the request and waits for its answer.
Result<net::HttpResponse, net::FetchError> send(const net::Url& url, net::HttpRequest request) {
    boost::asio::io_context io{1};
    net::ClientSettings settings;
    settings.max_body_bytes = kMostBytes;
    net::HttpClient client(io.get_executor(), url, settings);
    std::optional<Result<net::HttpResponse, net::FetchError>> answer;
    boost::asio::co_spawn(
        io, client.send(std::move(request), kPatience),
        [&](const std::exception_ptr&, Result<net::HttpResponse, net::FetchError> result) {
            answer = std::move(result);
            client.close();
        });
    io.run();
    return *std::move(answer);
}

void print_notes(const Json& answer) {
    for (const auto* const kind : {"warnings", "infos"}) {
        if (!answer.contains(kind) || !answer.at(kind).is_array()) continue;
        for (const auto& note : answer.at(kind)) {
            if (note.is_string())
                fmt::print(stderr, "{}\n", for_terminal(note.get_ref<const std::string&>()));
        }
    }
}

/// Throws nlohmann's exceptions where the answer has another shape than Prometheus's.
int print_expected(const Json& answer, bool as_json) {
    if (answer.at("status") != "success") {
        return refuse(fmt::format("{}: {}", answer.at("errorType").get<std::string>(),
                                  answer.at("error").get<std::string>()),
                      kFailed);
    }
    if (as_json) {
        fmt::print("{}\n", answer.at("data").dump(-1, ' ', true, Json::error_handler_t::replace));
    } else {
        const auto table = query_table(answer.at("data"));
        if (!table) return refuse(table.error().text, kFailed);
        fmt::print("{}", *table);
        if (table->empty()) fmt::print(stderr, "no samples\n");
    }
    print_notes(answer);
    return 0;
}

int print_answer(const Json& answer, bool as_json) {
    try {
        return print_expected(answer, as_json);
    } catch (const nlohmann::json::exception&) {
        return refuse("the answer isn't one of Prometheus's API", kFailed);
    }
}

int ask(const AskFlags& flags) {
    const bool has_url = flags.url_and_expression.size() == 2;
    const auto url =
        net::Url::parse(has_url ? flags.url_and_expression.front() : "http://127.0.0.1:7090");
    if (!url) return refuse(url.error().text, kWrongUsage);
    Parameters parameters{{"query", flags.url_and_expression.back()}};
    const bool is_range = !flags.start.empty() || !flags.end.empty() || !flags.step.empty();
    if (is_range) {
        const SystemClock clock;
        const auto more = range_parameters(flags, clock.wall());
        if (!more) return refuse(more.error().text, kWrongUsage);
        parameters.insert(parameters.end(), more->begin(), more->end());
    } else if (!flags.time.empty()) {
        parameters.emplace_back("time", flags.time);
    }
    const auto response = send(*url, form(*url, is_range ? "query_range" : "query", parameters));
    if (!response)
        return refuse(fmt::format("{}: {}", url->redacted(), response.error().text), kFailed);
    const auto answer = Json::parse(response->body, nullptr, false);
    if (answer.is_discarded()) {
        return refuse(fmt::format("{}: status {}, not JSON: {}", url->redacted(), response->status,
                                  response->body.substr(0, 200)),
                      kFailed);
    }
    return print_answer(answer, flags.output == "json");
}

/// CLI11 would write EXPRESSION(1x).
class QueryUsage : public CLI::Formatter {
    std::string make_option_usage(const CLI::Option* /*option*/) const override {
        return "[URL] EXPRESSION";
    }
};

}  // namespace

void add_query(CLI::App& line, Command& chosen) {
    const auto flags = std::make_shared<AskFlags>();
    auto* command = line.add_subcommand("query", "asks a running server in PromQL");
    command->formatter(std::make_shared<QueryUsage>());
    command
        ->add_option("EXPRESSION", flags->url_and_expression,
                     "what is asked; before it the server's URL (http://127.0.0.1:7090)")
        ->option_text(" ")
        ->expected(1, 2)
        ->required();
    command->add_option("--time", flags->time, "seconds since 1970 or RFC 3339 (now)");
    command->add_option("--start", flags->start, "of a range: likewise");
    command->add_option("--end", flags->end, "of a range (now)");
    command->add_option("--step", flags->step,
                        "of a range: seconds or a duration (such that there are 250)");
    command->add_option("--output", flags->output, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    command->callback([flags, &chosen] { chosen = [flags] { return ask(*flags); }; });
}

}  // namespace inferscope::app
