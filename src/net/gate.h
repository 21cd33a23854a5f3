// SPDX-License-Identifier: Apache-2.0
// Where coroutines wait for what one of them does for all.
#pragma once

#include <vector>

#include "base/time.h"
#include "net/async.h"

namespace inferscope::net {

/// Closed until it is opened, once. Confined to one executor; outlives who waits.
class Gate {
public:
    Gate() = default;
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    /// Whether it is open, at `deadline` at the latest.
    Task<bool> wait(SteadyTime deadline);
    void open();

private:
    class Waiter;
    std::vector<Waiter*> waiters_;
    bool is_open_ = false;
};

}  // namespace inferscope::net
