// SPDX-License-Identifier: Apache-2.0
#include "discovery/engine_command.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace inferscope::discovery {
namespace {

/// Words become arguments as the kernel shows them.
std::optional<EngineCommand> command(std::string_view words) {
    std::string line(words);
    for (char& c : line) {
        if (c == ' ') c = '\0';
    }
    line += '\0';
    return recognise_command(line);
}

struct Case {
    std::string_view words;
    std::string_view kind;
    int port;
    bool metrics_off;
};

TEST(EngineCommand, RecognisesServersInTheirSpellings) {
    for (const auto& [words, kind, port, metrics_off] : {
             Case{"/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Q --port 9000", "vllm", 9000,
                  false},
             Case{"vllm serve Qwen/Q", "vllm", 8000, false},
             Case{"/opt/venv/bin/python3.12 -u -X dev -m vllm.entrypoints.openai.api_server "
                  "--port=8001 "
                  "--disable-log-stats",
                  "vllm", 8001, true},
             Case{"vllm serve m --disable_log_stats --port 1 --port 2", "vllm", 2, true},
             Case{"python -m sglang.launch_server --model-path m", "sglang", 30000, true},
             Case{"sglang serve m --enable-metrics --port 30001", "sglang", 30001, false},
             Case{"/app/llama-server -m x.gguf", "llama.cpp", 8080, true},
             Case{"llama-server --metrics --port 81", "llama.cpp", 81, false},
             Case{"text-generation-launcher --model-id m -p 80", "tgi", 80, false},
             Case{"text-generation-router --port 3001", "tgi", 3001, false},
             Case{"/usr/bin/python /usr/local/bin/lmdeploy serve api_server m --server-port 23334",
                  "lmdeploy", 23334, false},
             Case{"lmdeploy serve api_server m --disable-metrics", "lmdeploy", 23333, true},
             Case{"python3 /usr/local/bin/trtllm-serve m --port 8005", "tensorrt-llm", 8005, false},
             Case{"./bin/mindieservice_daemon", "mindie", 1025, false},
             Case{"tritonserver --http-port 8100 --allow-metrics=false", "triton", 8100, true},
             Case{"python3 -m vllm_nvext.entrypoints.openai.api_server", "nim", 8000, false},
         }) {
        const auto found = command(words);
        ASSERT_TRUE(found) << words;
        EXPECT_EQ(found->kind, kind) << words;
        EXPECT_EQ(found->port, port) << words;
        EXPECT_EQ(found->metrics_off, metrics_off) << words;
    }
}

TEST(EngineCommand, TakesNothingElseForAServer) {
    for (const auto* const words :
         {"grep vllm serve", "VLLM::EngineCore", "sglang::scheduler", "vllm bench serve",
          "vllm chat", "python3 -c import vllm.entrypoints.openai.api_server",
          "bash run-vllm.sh serve", "lmdeploy serve proxy",
          "python3 -m sglang_router.launch_router", "vim llama-server", "python3", "python3 -m", "",
          "ollama serve"}) {
        EXPECT_FALSE(command(words)) << words;
    }
    EXPECT_FALSE(recognise_command(""));
    // One argument that only looks like several: a shell's.
    EXPECT_FALSE(recognise_command(std::string_view("sh\0-c\0vllm serve m\0", 19)));
}

TEST(EngineCommand, KnowsMetricsPortsAndTls) {
    EXPECT_EQ(command("tritonserver")->metrics_port, 8002);
    EXPECT_EQ(command("tritonserver --metrics-port 9002")->metrics_port, 9002);
    EXPECT_EQ(command("mindieservice_daemon")->metrics_port, 1027);
    EXPECT_EQ(command("vllm serve m")->metrics_port, 0);
    EXPECT_TRUE(command("vllm serve m --ssl-certfile c.pem")->tls);
    EXPECT_FALSE(command("vllm serve m")->tls);
}

TEST(EngineCommand, ReadsDockersForwarding) {
    const auto found = command(
        "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 9000 -container-ip "
        "172.17.0.2 "
        "-container-port 8000");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->role, EngineCommand::Role::proxy);
    EXPECT_EQ(found->port, 9000);
    EXPECT_EQ(found->container_port, 8000);
    EXPECT_FALSE(command("docker-proxy -host-port x"));
}

TEST(EngineCommand, BadPortsLeaveTheDefault) {
    EXPECT_EQ(command("vllm serve m --port 99999")->port, 8000);
    EXPECT_EQ(command("vllm serve m --port")->port, 8000);
    EXPECT_EQ(command("vllm serve m --port 80x")->port, 8000);
}

}  // namespace
}  // namespace inferscope::discovery
