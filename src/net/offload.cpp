// SPDX-License-Identifier: Apache-2.0
#include "net/offload.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace inferscope::net {
namespace {

namespace asio = boost::asio;

/// One hop there and one back: co_spawn() would take more, each of which wakes a thread.
struct StartOffload {
    template <class Handler>
    void operator()(Handler handler, const Executor& pool, std::function<void()> work) const {
        auto back = asio::prefer(asio::get_associated_executor(handler, pool),
                                 asio::execution::outstanding_work.tracked);
        asio::post(pool, [handler = std::move(handler), back = std::move(back),
                          work = std::move(work)]() mutable {
            work();
            asio::post(back, std::move(handler));
        });
    }
};

}  // namespace

Task<void> offload(Executor pool, std::function<void()> work) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
        StartOffload(), asio::use_awaitable, pool, std::move(work));
}

}  // namespace inferscope::net
