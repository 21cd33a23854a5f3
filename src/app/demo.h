// SPDX-License-Identifier: Apache-2.0
// `serve --demo`: simulated engines inside of the process, for somebody who has none.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "discovery/config.h"
#include "net/async.h"

namespace inferscope::app {

/// Thread: io.
class Demo {
public:
    explicit Demo(net::Executor io);
    ~Demo();
    Demo(const Demo&) = delete;
    Demo& operator=(const Demo&) = delete;

    /// One engine of each kind on loopback, at ports of the kernel's choice; how to scrape them,
    /// with the label simulated="true".
    Result<std::vector<discovery::EngineConfig>> start();
    void stop();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace inferscope::app
