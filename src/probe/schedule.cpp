// SPDX-License-Identifier: Apache-2.0
#include "probe/schedule.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.h"

namespace inferscope::probe {

namespace asio = boost::asio;

net::Task<void> end_by_value() { co_await asio::this_coro::throw_if_cancelled(false); }

net::Task<bool> is_cancelled() {
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

net::Task<bool> wait_until(net::Executor executor, SteadyTime time) {
    asio::steady_timer timer(executor, time);
    const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const bool cancelled = co_await is_cancelled();
    co_return !error && !cancelled;
}

SteadyTime spread_start(SteadyTime now, Millis interval, std::string_view name) {
    const auto parts = static_cast<std::uint64_t>(interval.count());
    return now + Millis(static_cast<std::int64_t>(stable_hash(name) % parts));
}

}  // namespace inferscope::probe
