// SPDX-License-Identifier: Apache-2.0
// Long computations leave the io thread here.
#pragma once

#include <functional>

#include "net/async.h"

namespace inferscope::net {

/// Runs `work` on `pool` and comes back to the caller's executor when it is done. `work` must not
/// throw.
Task<void> offload(Executor pool, std::function<void()> work);

}  // namespace inferscope::net
