// SPDX-License-Identifier: Apache-2.0
#include "net/gate.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "net/await.h"

namespace inferscope::net {

namespace asio = boost::asio;

class Gate::Waiter {
public:
    Waiter(Gate& gate, const Executor& executor, SteadyTime deadline)
        : gate_(gate), timer_(executor, deadline) {
        gate_.waiters_.push_back(this);
    }
    ~Waiter() { std::erase(gate_.waiters_, this); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Task<void> sleep() { co_await timer_.async_wait(kAwait); }
    void wake() { timer_.cancel(); }

private:
    Gate& gate_;
    asio::steady_timer timer_;
};

Task<bool> Gate::wait(SteadyTime deadline) {
    if (is_open_) co_return true;
    Waiter waiter(*this, co_await asio::this_coro::executor, deadline);
    co_await waiter.sleep();
    co_return is_open_;
}

void Gate::open() {
    is_open_ = true;
    for (auto* const waiter : waiters_) waiter->wake();
}

}  // namespace inferscope::net
