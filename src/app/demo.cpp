// SPDX-License-Identifier: Apache-2.0
#include "app/demo.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "simulate/server.h"

namespace inferscope::app {

struct Demo::State {
    net::Executor io;
    std::vector<std::unique_ptr<simulate::SimulatedEngine>> engines;
};

Demo::Demo(net::Executor io)
    : state_(std::make_unique<State>(State{.io = std::move(io), .engines = {}})) {}

Demo::~Demo() = default;

Result<std::vector<discovery::EngineConfig>> Demo::start() {
    std::vector<discovery::EngineConfig> configs;
    for (auto& settings : simulate::demo_settings()) {
        auto engine = std::make_unique<simulate::SimulatedEngine>(state_->io, std::move(settings));
        if (auto listens = engine->listen(); !listens) return listens.error();
        discovery::EngineConfig config;
        config.url = fmt::format("http://127.0.0.1:{}", engine->port());
        config.labels = {{"simulated", "true"}};
        configs.push_back(std::move(config));
        boost::asio::co_spawn(state_->io, engine->run(), boost::asio::detached);
        state_->engines.push_back(std::move(engine));
    }
    return configs;
}

void Demo::stop() {
    for (auto& engine : state_->engines) engine->stop();
}

}  // namespace inferscope::app
