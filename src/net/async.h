// SPDX-License-Identifier: Apache-2.0
// The coroutine type of the house, and nothing heavier: what a header needs to declare an
// asynchronous function.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace inferscope::net {

template <class T>
using Task = boost::asio::awaitable<T>;
using Executor = boost::asio::any_io_executor;

}  // namespace inferscope::net
