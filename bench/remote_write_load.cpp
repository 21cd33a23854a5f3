// SPDX-License-Identifier: Apache-2.0
// Load on a remote-write receiver, in two steps, so that making the data doesn't compete with the
// server that is measured:
//   remote_write_load prepare FILE [--mode rows|shards|series] [--engines N] ...
//   remote_write_load send FILE URL
// `send` has one connection for each sender, with one request at a time on it, as Prometheus has.
// 429 and 5xx are tried again after Retry-After (else after 50 ms and more); every other answer but
// 2xx drops the request and is counted. No sender runs ahead of the slowest by more than ten
// minutes of data: real senders all live at the same time. Both print one line of JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "bench/request_file.h"

namespace inferscope::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using namespace std::chrono_literals;

constexpr Timestamp kMostAhead = 600'000;  // ms of data
constexpr int kMostTries = 200;

struct Url {
    std::string host, port, path;
};

Url parse_url(std::string_view text) {
    constexpr std::string_view kScheme = "http://";
    const auto colon = text.find(':', kScheme.size());
    const auto slash = text.find('/', kScheme.size());
    if (!text.starts_with(kScheme) || colon > slash || slash == text.npos)
        throw std::invalid_argument("the URL must look like http://HOST:PORT/PATH");
    return {std::string(text.substr(kScheme.size(), colon - kScheme.size())),
            std::string(text.substr(colon + 1, slash - colon - 1)),
            std::string(text.substr(slash))};
}

/// How far each sender is in the time of the data.
class Pace {
public:
    explicit Pace(std::size_t senders) : at_(senders) {
        for (auto& time : at_) time = std::numeric_limits<Timestamp>::min();
    }

    /// Waits until all others are near `time`; says that this one is there.
    void reach(std::size_t sender, Timestamp time) {
        at_[sender] = time;
        while (slowest() < time - kMostAhead) std::this_thread::sleep_for(1ms);
    }
    void finish(std::size_t sender) { at_[sender] = std::numeric_limits<Timestamp>::max(); }

private:
    [[nodiscard]] Timestamp slowest() const {
        auto slowest = std::numeric_limits<Timestamp>::max();
        for (const auto& time : at_) slowest = std::min(slowest, time.load());
        return slowest;
    }

    std::vector<std::atomic<Timestamp>> at_;
};

struct Refusals {
    std::uint64_t count = 0;
    std::string first_body;
};

struct Outcome {
    std::uint64_t accepted_samples = 0, accepted_requests = 0, retries = 0, lost_connections = 0;
    std::uint64_t abandoned_requests = 0;  ///< tried too often
    std::map<unsigned, Refusals> refused;  ///< by status

    void add(const Outcome& other) {
        accepted_samples += other.accepted_samples;
        accepted_requests += other.accepted_requests;
        retries += other.retries;
        lost_connections += other.lost_connections;
        abandoned_requests += other.abandoned_requests;
        for (const auto& [status, refusals] : other.refused) {
            auto& mine = refused[status];
            if (mine.count == 0) mine.first_body = refusals.first_body;
            mine.count += refusals.count;
        }
    }
};

/// One kept-alive connection, opened when needed.
class Connection {
public:
    explicit Connection(const Url& url) : url_(url), socket_(context_) {}

    using Response = http::response<http::string_body>;

    /// Nothing if the connection broke.
    std::optional<Response> post(std::string_view body) {
        Response response;
        boost::system::error_code error;
        if (!socket_.is_open()) open(error);
        if (!error) http::write(socket_, request(body), error);
        if (!error) http::read(socket_, buffer_, response, error);
        if (error || !response.keep_alive()) close();
        return error ? std::nullopt : std::optional(std::move(response));
    }

private:
    [[nodiscard]] http::request<http::span_body<const char>> request(std::string_view body) const {
        http::request<http::span_body<const char>> request(http::verb::post, url_.path, 11);
        request.set(http::field::host, url_.host + ":" + url_.port);
        request.set(http::field::user_agent, "Prometheus/2.42.0");
        request.set(http::field::content_type, "application/x-protobuf");
        request.set(http::field::content_encoding, "snappy");
        request.set("X-Prometheus-Remote-Write-Version", "0.1.0");
        request.body() = {body.data(), body.size()};
        request.prepare_payload();
        return request;
    }
    void open(boost::system::error_code& error) {
        const auto endpoints = tcp::resolver(context_).resolve(url_.host, url_.port, error);
        if (!error) asio::connect(socket_, endpoints, error);
        if (!error) socket_.set_option(tcp::no_delay(true), error);
    }
    void close() {
        boost::system::error_code ignored;
        socket_.close(ignored);
        buffer_.clear();
    }

    const Url& url_;
    asio::io_context context_;
    tcp::socket socket_;
    boost::beast::flat_buffer buffer_;
};

bool is_worth_retrying(unsigned status) { return status == 429 || status >= 500; }

/// Retry-After in seconds, where the answer says it; else longer and longer, up to 5 s.
std::chrono::milliseconds pause_before_retry(const Connection::Response* response, int tries) {
    const auto after = response ? std::string((*response)[http::field::retry_after]) : "";
    if (!after.empty()) return std::chrono::milliseconds(std::atoi(after.c_str()) * 1000);
    return std::min(50ms * (1 << std::min(tries, 7)), 5000ms);
}

/// Sends until there is an answer that counts.
void send(Connection& connection, const LoadRequest& request, Outcome& outcome) {
    for (int tries = 0; tries < kMostTries; ++tries) {
        const auto response = connection.post(request.body);
        const auto status = response ? response->result_int() : 0;
        if (status / 100 == 2) {
            outcome.accepted_samples += request.samples;
            ++outcome.accepted_requests;
            return;
        }
        if (!response) {
            ++outcome.lost_connections;
        } else {
            auto& refusals = outcome.refused[status];
            if (refusals.count++ == 0) refusals.first_body = response->body().substr(0, 500);
            if (!is_worth_retrying(status)) return;
        }
        ++outcome.retries;
        std::this_thread::sleep_for(pause_before_retry(response ? &*response : nullptr, tries));
    }
    ++outcome.abandoned_requests;
}

nlohmann::json as_json(const Outcome& outcome, double seconds) {
    auto refused = nlohmann::json::object();
    for (const auto& [status, refusals] : outcome.refused) {
        refused[std::to_string(status)] = {{"count", refusals.count},
                                           {"first_body", refusals.first_body}};
    }
    return {{"samples", outcome.accepted_samples},
            {"requests", outcome.accepted_requests},
            {"seconds", seconds},
            {"retries", outcome.retries},
            {"lost_connections", outcome.lost_connections},
            {"abandoned_requests", outcome.abandoned_requests},
            {"refused", std::move(refused)}};
}

nlohmann::json send_all(const RequestFile& file, const Url& url) {
    const auto senders = file.senders().size();
    std::vector<Outcome> outcomes(senders);
    Pace pace(senders);
    const auto start = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < senders; ++i) {
            threads.emplace_back([&, i] {
                Connection connection(url);
                for (const auto& request : file.senders()[i]) {
                    if (file.in_time_order()) pace.reach(i, request.first_time);
                    send(connection, request, outcomes[i]);
                }
                pace.finish(i);
            });
        }
    }
    const auto seconds = to_seconds(std::chrono::steady_clock::now() - start);
    Outcome all;
    for (const auto& outcome : outcomes) all.add(outcome);
    return as_json(all, seconds);
}

struct Options {
    std::string file, url;
    LoadSettings settings;
    double hours = 6, interval = 15, end = 0;  // hours, seconds, seconds since 1970
};

void add_prepare(CLI::App& app, Options& options) {
    auto* prepare = app.add_subcommand("prepare", "make requests and write them to a file");
    const std::map<std::string, SendMode> modes{
        {"rows", SendMode::rows}, {"shards", SendMode::shards}, {"series", SendMode::series}};
    prepare->add_option("file", options.file)->required();
    prepare->add_option("--mode", options.settings.mode, "how senders cut the rows")
        ->transform(CLI::CheckedTransformer(modes));
    prepare->add_option("--engines", options.settings.engines, "targets of 435 series");
    prepare->add_option("--singletons", options.settings.singletons, "targets of one series");
    prepare->add_option("--hours", options.hours);
    prepare->add_option("--interval", options.interval, "seconds between two rows");
    prepare->add_option("--end", options.end, "time of the last rows, s since 1970; default: now");
    prepare->add_option("--connections", options.settings.senders);
    prepare->add_option("--max-samples", options.settings.max_samples, "in one request");
    prepare->callback([&options] {
        const double end = options.end > 0 ? options.end : double(std::time(nullptr));
        options.settings.end = static_cast<Timestamp>(end * 1000);
        options.settings.span = static_cast<Timestamp>(options.hours * 3'600'000);
        options.settings.interval = static_cast<Timestamp>(options.interval * 1000);
        fmt::print("{}\n", write_request_file(options.file, options.settings).dump());
    });
}

void add_send(CLI::App& app, Options& options) {
    auto* send = app.add_subcommand("send", "send a file of requests");
    send->add_option("file", options.file)->required();
    send->add_option("url", options.url, "http://HOST:PORT/PATH")->required();
    send->callback([&options] {
        const RequestFile file(options.file);
        fmt::print("{}\n", send_all(file, parse_url(options.url)).dump());
    });
}

}  // namespace
}  // namespace inferscope::bench

int main(int argc, char** argv) {
    CLI::App app("load on a remote-write receiver");
    inferscope::bench::Options options;
    inferscope::bench::add_prepare(app, options);
    inferscope::bench::add_send(app, options);
    app.require_subcommand(1);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        fmt::print(stderr, "remote_write_load: {}\n", error.what());
        return 1;
    }
}
