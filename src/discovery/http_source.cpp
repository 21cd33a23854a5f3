// SPDX-License-Identifier: Apache-2.0
#include "discovery/http_source.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/yaml.h"
#include "discovery/target_groups.h"
#include "net/http_client.h"
#include "net/url.h"

namespace inferscope::discovery {
namespace {

namespace asio = boost::asio;

using Outcome = Result<std::vector<TargetGroup>>;

net::Task<Outcome> read_elsewhere(net::HttpResponse response) {
    co_return read_http_answer(response);
}

net::HttpRequest request_for(const HttpSdConfig& config, const net::Url& url,
                             const Secret& authorization) {
    net::HttpRequest request;
    request.target = url.target;
    request.headers.set("Accept", "application/json");
    request.headers.set("X-Prometheus-Refresh-Interval-Seconds",
                        fmt::to_string(to_seconds(config.refresh_interval)));
    if (!authorization.empty()) request.headers.set("Authorization", authorization.reveal());
    return request;
}

}  // namespace

class HttpSource::Connection {
public:
    Connection(const net::Executor& executor, const HttpSdConfig& config, const net::Url& url)
        : timer(executor), client(executor, url, settings(config)) {}

    asio::steady_timer timer;
    net::HttpClient client;

private:
    static net::ClientSettings settings(const HttpSdConfig& config) {
        auto settings = client_settings(config.http, kMaxTargetGroupsBytes, false);
        settings.body_bound_name = "the bound on an answer of http_sd";
        return settings;
    }
};

Outcome read_http_answer(const net::HttpResponse& response) {
    if (response.status != 200) {
        return Error{Errc::unavailable, fmt::format("the server answered {} {}", response.status,
                                                    net::reason_phrase(response.status))};
    }
    static const RE2 kJson(R"re((?i)application/json(?:;\s*charset=("utf-8"|utf-8))?)re");
    const auto type = response.headers.get("Content-Type");
    if (!RE2::FullMatch({type.data(), type.size()}, kJson)) {
        return Error{
            Errc::invalid_argument,
            fmt::format("Content-Type is '{}', not application/json", quote_for_message(type))};
    }
    auto groups = parse_target_groups_json(response.body, "");
    if (!groups) return groups.error().error();
    return std::move(*groups);
}

bool HttpSource::take(Outcome outcome) {
    const std::string error = outcome ? "" : outcome.error().text;
    bool changed = error != answer_.error;
    answer_.error = error;
    if (outcome && (!answer_.groups || *answer_.groups != *outcome)) {
        answer_.groups = std::make_shared<const std::vector<TargetGroup>>(std::move(*outcome));
        changed = true;
    }
    return changed;
}

net::Task<Outcome> HttpSource::ask(net::Executor pool) {
    const auto url = net::Url::parse(config_.url);
    if (!url) co_return url.error();
    const auto authorization = authorization_header(config_.http);
    if (!authorization) co_return authorization.error();
    auto request = request_for(config_, *url, *authorization);
    auto response = co_await connection_->client.send(std::move(request), config_.refresh_interval);
    if (!response) co_return Error{response.error().code, response.error().text};
    auto task = read_elsewhere(std::move(*response));
    auto outcome = co_await asio::co_spawn(pool, std::move(task), asio::use_awaitable);
    co_return outcome;
}

net::Task<void> HttpSource::run(std::shared_ptr<HttpSource> self, net::Executor pool,
                                std::function<void()> changed) {
    const auto executor = co_await asio::this_coro::executor;
    const auto url = net::Url::parse(self->config_.url);
    if (!url) {
        if (self->take(url.error()) && !self->stopped_) changed();
        co_return;
    }
    self->connection_ = std::make_shared<Connection>(executor, self->config_, *url);
    while (!self->stopped_) {
        auto outcome = co_await self->ask(pool);
        if (self->stopped_) break;
        if (self->take(std::move(outcome))) changed();
        if (self->stopped_) break;  // by `changed`
        self->connection_->timer.expires_after(self->config_.refresh_interval);
        auto [waited] =
            co_await self->connection_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
        static_cast<void>(waited);
    }
}

void HttpSource::stop() {
    stopped_ = true;
    if (!connection_) return;
    connection_->timer.cancel();
    connection_->client.close();
}

}  // namespace inferscope::discovery
