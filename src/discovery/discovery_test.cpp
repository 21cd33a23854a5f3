// SPDX-License-Identifier: Apache-2.0
#include "discovery/discovery.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <string>
#include <vector>

#include "discovery/fake_proc_for_test.h"

namespace inferscope::discovery {
namespace {

namespace asio = boost::asio;

DiscoveryConfig with_targets(std::vector<std::string> targets) {
    ScrapeConfig job;
    job.job_name = "a";
    job.scrape_interval = Millis(1'000);
    job.scrape_timeout = Millis(1'000);
    job.static_configs = {TargetGroup{std::move(targets), {}}};
    DiscoveryConfig config;
    config.scrape_configs = {job};
    return config;
}

TEST(Discovery, TellsAllTargetsAtFirstAndAfterAReloadThatChangesThem) {
    FakeProc proc;
    asio::io_context io;
    asio::thread_pool pool(1);
    std::vector<std::vector<TargetPtr>> told;
    Discovery* running = nullptr;
    Discovery discovery(
        io.get_executor(), pool.get_executor(),
        [&](const auto& targets) {
            told.push_back(targets);
            // The second configuration changes nothing: only the third is told.
            if (told.size() == 1) {
                running->apply(with_targets({"x:1"}));
                asio::post(io, [&] { running->apply(with_targets({"x:1", "y:1"})); });
            }
            if (told.size() == 2) running->stop();
        },
        TargetFinder(EngineProcesses(proc.path()), [] { return std::vector<std::string>(); }));
    running = &discovery;
    discovery.apply(with_targets({"x:1"}));
    asio::co_spawn(io, discovery.run(), asio::detached);
    io.run();
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0].size(), 1u);
    ASSERT_EQ(told[1].size(), 2u);
    EXPECT_EQ(told[1][0], told[0][0]);
    EXPECT_EQ(discovery.status()->targets, told[1]);
}

TEST(Discovery, StopsWhileItWaits) {
    FakeProc proc;
    asio::io_context io;
    Discovery discovery(
        io.get_executor(), io.get_executor(), [](const auto&) {},
        TargetFinder(EngineProcesses(proc.path()), [] { return std::vector<std::string>(); }));
    asio::co_spawn(io, discovery.run(), asio::detached);
    io.poll();
    discovery.stop();
    EXPECT_GT(io.run(), 0u);
}

TEST(Discovery, AReloadEndsHttpSourcesThatAreGone) {
    FakeProc proc;
    asio::io_context io;
    Discovery discovery(
        io.get_executor(), io.get_executor(), [](const auto&) {},
        TargetFinder(EngineProcesses(proc.path()), [] { return std::vector<std::string>(); }));
    auto config = with_targets({"x:1"});
    config.scrape_configs[0].http_sd_configs = {
        HttpSdConfig{"http://127.0.0.1:1/", Millis(3'600'000), {}}};
    discovery.apply(config);
    asio::co_spawn(io, discovery.run(), asio::detached);
    while (discovery.status()->sources.size() < 2 || discovery.status()->sources[0].error.empty())
        io.run_one();
    EXPECT_EQ(discovery.status()->sources[0].name, "http_sd http://127.0.0.1:1/");
    discovery.apply(with_targets({"x:1"}));
    while (discovery.status()->sources.size() > 1) io.run_one();
    discovery.stop();
    io.run();  // returns: nothing is left that waits
}

}  // namespace
}  // namespace inferscope::discovery
