// SPDX-License-Identifier: Apache-2.0
#include "net/offload.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace inferscope::net {
namespace {

Task<void> run(std::function<void()> work) {
    work();
    co_return;
}

}  // namespace

Task<void> offload(Executor pool, std::function<void()> work) {
    co_await boost::asio::co_spawn(pool, run(std::move(work)), boost::asio::use_awaitable);
}

}  // namespace inferscope::net
