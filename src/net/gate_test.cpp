// SPDX-License-Identifier: Apache-2.0
#include "net/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "net/loopback_for_tests.h"

namespace inferscope::net {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

SteadyTime after(Millis time) { return std::chrono::steady_clock::now() + time; }

TEST(Gate, LetsAllThroughWhenItOpens) {
    asio::io_context io;
    Gate gate;
    std::vector<bool> passed;
    for (int i = 0; i < 3; ++i) {
        asio::co_spawn(io, gate.wait(after(1min)),
                       [&](const std::exception_ptr&, bool is_open) { passed.push_back(is_open); });
    }
    io.poll();
    EXPECT_TRUE(passed.empty());
    gate.open();
    io.run();
    EXPECT_EQ(passed, std::vector<bool>(3, true));
    EXPECT_TRUE(testing::wait_for(io, gate.wait(after(1min))));
}

TEST(Gate, LetsNobodyWaitBeyondTheDeadline) {
    asio::io_context io;
    Gate gate;
    EXPECT_FALSE(testing::wait_for(io, gate.wait(after(1ms))));
    gate.open();
}

}  // namespace
}  // namespace inferscope::net
