// SPDX-License-Identifier: Apache-2.0
#include "probe/engine_probe.h"

#include <algorithm>

#include "base/log.h"
#include "probe/round.h"
#include "probe/schedule.h"

namespace inferscope::probe {
namespace {

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
    if (health.was_cancelled()) co_return;
    result_.at = now;
    metrics_.on_health(health);
    note_health(result_, endpoints_, health);
    note_key(health.status);
    if (!result_.loaded) is_version_asked_ = false;
    if (!result_.reachable) has_sleep_endpoint_ = true;
    co_await ask_models(health);
    co_await ask_sleep();
    co_await ask_version(health);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    metrics_.on_round(clock_.steady() - began);
    publish(now);
    if (on_result_) on_result_(result_);
}

net::Task<void> EngineProbe::run() {
    co_await end_by_value();
    SteadyTime start = clock_.steady();
    if (settings_.is_spread)
        start = spread_start(start, settings_.interval, settings_.base.redacted());
    while (true) {
        const bool goes_on = co_await wait_until(executor_, start);
        if (!goes_on) co_return;
        co_await run_once();
        // A slow round delays the next; rounds never pile up.
        start = std::max(start + settings_.interval, clock_.steady());
    }
}

void EngineProbe::publish(Timestamp now) {
    metrics_.write(rows_);
    if (auto appended = rows_.flush(now); !appended) {
        log::warning("probe {}: {}", settings_.base.redacted(), appended.error().text);
    }
}

net::Task<Exchange> EngineProbe::ask(std::string_view path) {
    const bool was_cancelled = co_await is_cancelled();
    if (was_cancelled) co_return Exchange::cancelled();
    net::HttpRequest request;
    request.target = target_below(settings_.base, path);
    request.headers = settings_.headers;
    request.headers.set("Accept", "application/json");
    const SteadyTime sent = clock_.steady();
    auto answer = co_await client_.send(std::move(request), settings_.timeout);
    auto exchange = Exchange::from(std::move(answer), clock_.steady() - sent);
    const bool cancelled = co_await is_cancelled();
    if (cancelled) exchange = Exchange::cancelled();
    co_return exchange;
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
    if (answer.was_cancelled()) co_return;
    const auto models = read_models(answer);
    metrics_.on_models(models);
    note_models(result_, answer, models);
    note_key(answer.status);
}

net::Task<void> EngineProbe::ask_sleep() {
    if (endpoints_.sleep.empty() || !has_sleep_endpoint_ || !may_ask_for_more()) co_return;
    const Exchange answer = co_await ask(endpoints_.sleep);
    if (answer.was_cancelled()) co_return;
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
    if (answer.was_cancelled()) co_return;
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
