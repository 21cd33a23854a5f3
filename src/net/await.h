// SPDX-License-Identifier: Apache-2.0
// How the sources of this folder wait: errors are values.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace inferscope::net {

inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace inferscope::net
