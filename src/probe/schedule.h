// SPDX-License-Identifier: Apache-2.0
// When rounds start, and how their coroutines end.
#pragma once

#include <string_view>

#include "base/time.h"
#include "net/async.h"

namespace inferscope::probe {

/// From here on a cancelled coroutine goes on to its next look at is_cancelled(), instead of
/// throwing.
net::Task<void> end_by_value();
/// Whether the running coroutine was cancelled.
net::Task<bool> is_cancelled();
/// False if cancelled meanwhile.
net::Task<bool> wait_until(net::Executor executor, SteadyTime time);

/// The first start of a source of this name: `now` plus a share of the interval that the name
/// decides, so that many sources don't start together.
SteadyTime spread_start(SteadyTime now, Millis interval, std::string_view name);

}  // namespace inferscope::probe
