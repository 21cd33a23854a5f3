// SPDX-License-Identifier: Apache-2.0
#include "probe/engine_probe.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "base/text.h"
#include "probe/round.h"

namespace inferscope::probe {
namespace {

namespace asio = boost::asio;

// True until leaving the scope, also when a cancelled coroutine is destroyed.
class Raised {
public:
    explicit Raised(bool& flag) : flag_(flag) { flag_ = true; }
    ~Raised() { flag_ = false; }
    Raised(const Raised&) = delete;
    Raised& operator=(const Raised&) = delete;

private:
    bool& flag_;
};

std::string path_below(const net::Url& base, std::string_view path) {
    std::string prefix = base.target.substr(0, base.target.find('?'));
    while (prefix.ends_with('/')) prefix.pop_back();
    return prefix + std::string(path);
}

bool was_cancelled(const Exchange& exchange) {
    return exchange.status == 0 && exchange.error.code == Errc::cancelled;
}

}  // namespace

EngineProbe::EngineProbe(net::Executor executor, const Clock& clock, ProbeSettings settings,
                         Appender& appender, OnResult on_result)
    : executor_(executor),
      clock_(clock),
      settings_(std::move(settings)),
      endpoints_(endpoints_of(settings_.kind)),
      client_(executor, settings_.base, settings_.client),
      rows_(appender, "probe " + settings_.base.redacted(), settings_.labels),
      on_result_(std::move(on_result)) {}

net::Task<void> EngineProbe::run_once() {
    if (is_busy_) co_return;
    const Raised busy(is_busy_);
    const Timestamp now = clock_.wall();
    const SteadyTime began = clock_.steady();
    const Exchange health = co_await ask(endpoints_.health);
    if (was_cancelled(health)) co_return;
    result_.at = now;
    metrics_.on_health(health);
    note_health(result_, endpoints_, health);
    note_key(health.status);
    if (!result_.loaded) is_version_asked_ = false;
    if (!result_.reachable) has_sleep_endpoint_ = true;
    co_await ask_models(health);
    co_await ask_sleep();
    co_await ask_version(health);
    metrics_.on_round(clock_.steady() - began);
    publish(now);
    if (on_result_) on_result_(result_);
}

net::Task<void> EngineProbe::run() {
    co_await asio::this_coro::throw_if_cancelled(false);
    asio::steady_timer timer(executor_);
    const auto interval = settings_.interval;
    auto wake = clock_.steady();
    if (settings_.is_spread) {
        const auto hash = stable_hash(settings_.base.redacted());
        wake +=
            Millis(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(interval.count())));
    }
    while (true) {
        timer.expires_at(wake);
        const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (error || cancellation.cancelled() != asio::cancellation_type::none) co_return;
        co_await run_once();
        wake = std::max(wake + interval,
                        clock_.steady());  // a slow round delays, rounds never pile up
    }
}

void EngineProbe::publish(Timestamp now) {
    metrics_.write(rows_);
    if (auto appended = rows_.flush(now); !appended) {
        log::warning("probe {}: {}", settings_.base.redacted(), appended.error().text);
    }
}

net::Task<Exchange> EngineProbe::ask(std::string_view path) {
    net::HttpRequest request;
    request.target = path_below(settings_.base, path);
    request.headers = settings_.headers;
    request.headers.set("Accept", "application/json");
    const SteadyTime sent = clock_.steady();
    auto answer = co_await client_.send(std::move(request), sent + settings_.timeout);
    co_return Exchange::from(std::move(answer), clock_.steady() - sent);
}

// Also when the health look failed: the seed's exporter does, and counts both.
net::Task<void> EngineProbe::ask_models(Exchange health) {
    const bool is_shared = endpoints_.models == endpoints_.health;
    if (endpoints_.models.empty() || (!is_shared && clock_.steady() < key_asked_again_)) co_return;
    Exchange answer;
    if (is_shared) {
        answer = std::move(health);
    } else {
        answer = co_await ask(endpoints_.models);
    }
    if (was_cancelled(answer)) co_return;
    const auto models = read_models(answer);
    metrics_.on_models(models);
    note_models(result_, answer, models);
    note_key(answer.status);
}

net::Task<void> EngineProbe::ask_sleep() {
    if (endpoints_.sleep.empty() || !has_sleep_endpoint_ || !may_ask_for_more()) co_return;
    const Exchange answer = co_await ask(endpoints_.sleep);
    if (was_cancelled(answer)) co_return;
    note_key(answer.status);
    has_sleep_endpoint_ = note_sleep(result_, endpoints_, answer) || wants_key(answer.status);
    if (endpoints_.version != endpoints_.sleep) co_return;
    note_version(result_, endpoints_, answer);
    is_version_asked_ = true;
}

net::Task<void> EngineProbe::ask_version(Exchange health) {
    if (endpoints_.version.empty() || is_version_asked_ || !may_ask_for_more()) co_return;
    Exchange answer;
    if (endpoints_.version == endpoints_.health) {
        answer = std::move(health);
    } else {
        answer = co_await ask(endpoints_.version);
    }
    if (answer.status == 404 && !endpoints_.version_old.empty())
        answer = co_await ask(endpoints_.version_old);
    if (was_cancelled(answer)) co_return;
    note_key(answer.status);
    note_version(result_, endpoints_, answer);
    is_version_asked_ = !wants_key(answer.status);
}

void EngineProbe::note_key(int status) {
    if (wants_key(status)) key_asked_again_ = clock_.steady() + settings_.key_retry;
}

bool EngineProbe::may_ask_for_more() const {
    return result_.loaded && clock_.steady() >= key_asked_again_;
}

}  // namespace inferscope::probe
