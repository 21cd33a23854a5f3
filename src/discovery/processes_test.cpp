// SPDX-License-Identifier: Apache-2.0
#include "discovery/processes.h"

#include <gtest/gtest.h>

#include <string>

#include "discovery/fake_proc_for_test.h"

namespace inferscope::discovery {
namespace {

constexpr std::string_view kAnyV6 = "00000000000000000000000000000000";

TEST(EngineProcesses, FindsAnEngineByItsListeningSocket) {
    FakeProc proc;
    proc.listen("00000000", 9000, 11);
    proc.listen("00000000", 22, 12);
    proc.process(1, 0, "/sbin/init", {});
    proc.process(100, 1, "python3 /usr/local/bin/vllm serve m --port 9000 --api-key hunter2", {11});
    proc.process(101, 100, "VLLM::EngineCore", {});
    proc.process(102, 101, "VLLM::Worker_TP0", {});
    proc.process(50, 1, "sshd", {12});
    EngineProcesses processes(proc.path());
    EXPECT_TRUE(processes.look());
    ASSERT_EQ(processes.engines().size(), 1u);
    const auto& engine = processes.engines()[0];
    EXPECT_EQ(engine.pid, 100);
    EXPECT_EQ(engine.kind, "vllm");
    EXPECT_EQ(engine.address, "127.0.0.1");
    EXPECT_EQ(engine.port, 9000);
    EXPECT_EQ(engine.metrics_port, 9000);
    EXPECT_FALSE(engine.metrics_off);
    EXPECT_EQ(engine.worker_pids, (std::vector<int>{101, 102}));
}

TEST(EngineProcesses, LooksThroughProcessesOnlyWhenTheListeningSocketsChanged) {
    FakeProc proc;
    EngineProcesses processes(proc.path());
    EXPECT_FALSE(processes.look());
    EXPECT_FALSE(processes.look());
    EXPECT_EQ(processes.scans(), 1u);
    proc.process(7, 1, "llama-server", {70});
    proc.listen(kAnyV6, 8080, 70);
    EXPECT_TRUE(processes.look());
    EXPECT_FALSE(processes.look());
    EXPECT_EQ(processes.scans(), 2u);
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_TRUE(processes.engines()[0].metrics_off);
    EXPECT_TRUE(processes.engines()[0].listens);
    proc.close_all();
    EXPECT_TRUE(processes.look());
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_FALSE(processes.engines()[0].listens);
    proc.end(7);
    EXPECT_TRUE(processes.look()) << "while one loads, or has closed its port, it is looked at";
    EXPECT_TRUE(processes.engines().empty());
}

TEST(EngineProcesses, ALauncherAndItsRouterAreOneEngine) {
    FakeProc proc;
    proc.listen("00000000", 80, 5);
    proc.process(10, 1, "text-generation-launcher --port 80", {});
    proc.process(11, 10, "text-generation-router --port 80", {5});
    proc.process(12, 10, "text-generation-server serve", {});
    EngineProcesses processes(proc.path());
    EXPECT_TRUE(processes.look());
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_EQ(processes.engines()[0].worker_pids, (std::vector<int>{11, 12}));
}

TEST(EngineProcesses, PrefersThePortThatTheFlagsName) {
    FakeProc proc;
    proc.listen("00000000", 5555, 1);
    proc.listen("00000000", 8000, 2);
    proc.process(10, 1, "vllm serve m", {1, 2});
    EngineProcesses processes(proc.path());
    processes.look();
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_EQ(processes.engines()[0].port, 8000);
}

TEST(EngineProcesses, FindsAnotherUsersEngineByThePortOfItsFlags) {
    FakeProc proc;
    proc.listen("0100007F", 8000, 1);
    proc.process(10, 1, "vllm serve m", {1});
    proc.hide_descriptors(10);
    EngineProcesses processes(proc.path());
    processes.look();
    EXPECT_EQ(processes.unreadable(), 1u);
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_EQ(processes.engines()[0].port, 8000);
}

TEST(EngineProcesses, SkipsAnEngineThatDoesNotListenHere) {
    FakeProc proc;
    proc.listen("00000000", 8000, 1);
    proc.process(9, 1, "nginx", {1});
    proc.process(10, 1, "vllm serve m", {999});
    proc.put_in_container(10);
    EngineProcesses processes(proc.path());
    EXPECT_FALSE(processes.look());
    EXPECT_TRUE(processes.engines().empty());
}

TEST(EngineProcesses, FindsAnEngineThatLoadsBeforeItListens) {
    FakeProc proc;
    proc.process(10, 1, "vllm serve m --port 8001", {});
    proc.process(11, 10, "VLLM::EngineCore", {});
    EngineProcesses processes(proc.path());
    EXPECT_TRUE(processes.look());
    ASSERT_EQ(processes.engines().size(), 1u);
    auto engine = processes.engines()[0];
    EXPECT_FALSE(engine.listens);
    EXPECT_EQ(engine.port, 8001);
    EXPECT_EQ(engine.worker_pids, std::vector<int>{11});
    proc.listen("00000000", 8001, 1);
    proc.process(10, 1, "vllm serve m --port 8001", {1});
    EXPECT_TRUE(processes.look());
    engine.listens = true;
    EXPECT_EQ(processes.engines(), std::vector{engine}) << "the same engine, now it listens";
}

TEST(EngineProcesses, DoesNotTakeAForeignPortForThatOfAnEngineThatLoads) {
    FakeProc proc;
    proc.listen("00000000", 8000, 1);
    proc.process(9, 1, "nginx", {1});
    proc.process(10, 1, "vllm serve m", {});
    EngineProcesses processes(proc.path());
    EXPECT_FALSE(processes.look());
    EXPECT_TRUE(processes.engines().empty());
}

TEST(EngineProcesses, FindsAnEngineInAContainerBehindDockersProxy) {
    FakeProc proc;
    proc.listen("00000000", 9001, 1);
    proc.process(9, 1, "docker-proxy -proto tcp -host-port 9001 -container-port 30000", {1});
    proc.process(10, 1, "python3 -m sglang.launch_server", {999});
    proc.put_in_container(10);
    EngineProcesses processes(proc.path());
    processes.look();
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_EQ(processes.engines()[0].kind, "sglang");
    EXPECT_EQ(processes.engines()[0].port, 9001);
    EXPECT_EQ(processes.engines()[0].pid, 10);
}

TEST(EngineProcesses, DoesNotGuessWhichContainerIsBehindAProxy) {
    FakeProc proc;
    proc.listen("00000000", 9001, 1);
    proc.process(9, 1, "docker-proxy -host-port 9001 -container-port 8000", {1});
    proc.process(10, 1, "vllm serve a", {999});
    proc.put_in_container(10);
    proc.process(11, 1, "trtllm-serve b", {998});
    proc.put_in_container(11);
    EngineProcesses processes(proc.path());
    processes.look();
    ASSERT_EQ(processes.engines().size(), 1u);
    EXPECT_EQ(processes.engines()[0].kind, "");
    EXPECT_EQ(processes.engines()[0].pid, 0);
}

TEST(EngineProcesses, LivesWithoutAProcessFileSystem) {
    EngineProcesses processes("/nowhere");
    EXPECT_FALSE(processes.look());
}

TEST(EngineProcesses, TakesProcessesThatAreEachOthersParents) {
    FakeProc proc;
    proc.listen("00000000", 8000, 1);
    proc.process(10, 11, "vllm serve m", {1});
    proc.process(11, 10, "vllm serve m", {1});
    EngineProcesses processes(proc.path());
    processes.look();
    EXPECT_FALSE(processes.engines().empty());
}

}  // namespace
}  // namespace inferscope::discovery
