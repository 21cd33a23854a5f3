// SPDX-License-Identifier: Apache-2.0
#include "discovery/discovery.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>

#include "base/log.h"

namespace inferscope::discovery {
namespace {

namespace asio = boost::asio;

/// With nothing to look at but what wakes us (http_sd, a reload).
constexpr Millis kIdleInterval{3'600'000};

struct Look {
    std::shared_ptr<TargetFinder> finder;
    std::shared_ptr<const DiscoveryConfig> new_config;  ///< null: as before
    std::vector<HttpAnswer> answers;
};

net::Task<FindingsPtr> look_elsewhere(Look look) {
    if (look.new_config) look.finder->apply(*look.new_config);
    co_return look.finder->look(std::chrono::steady_clock::now(), look.answers);
}

void log_errors(const Findings& findings, const Findings& before) {
    for (const auto& source : findings.sources) {
        const bool known = std::ranges::any_of(before.sources, [&](const auto& old) {
            return old.job == source.job && old.name == source.name && old.error == source.error;
        });
        if (!source.error.empty() && !known) {
            log::warning("discovery: job {}: {}: {}", source.job, source.name, source.error);
        }
    }
}

void log_engines(const Findings& findings, const Findings& before) {
    const auto has = [](const Findings& all, const FoundEngine& one) {
        return std::ranges::any_of(all.engines, [&](const FoundEngine& engine) {
            return engine.pid == one.pid && engine.port == one.port;
        });
    };
    for (const auto& engine : findings.engines) {
        if (has(before, engine)) continue;
        log::info("found {} at {}:{}, process {}{}", engine.kind, engine.address, engine.port,
                  engine.pid, engine.listens ? "" : ", which doesn't listen yet");
    }
    for (const auto& engine : before.engines) {
        if (has(findings, engine)) continue;
        log::warning("{} at {}:{} is gone: process {} has ended", engine.kind, engine.address,
                     engine.port, engine.pid);
    }
}

}  // namespace

class Discovery::Timer : public asio::steady_timer {
public:
    using asio::steady_timer::steady_timer;
};

Discovery::Discovery(net::Executor io, net::Executor pool, OnTargets on_targets,
                     TargetFinder finder)
    : io_(std::move(io)),
      pool_(std::move(pool)),
      on_targets_(std::move(on_targets)),
      finder_(std::make_shared<TargetFinder>(std::move(finder))),
      timer_(std::make_unique<Timer>(io_)) {}

Discovery::~Discovery() { stop(); }

void Discovery::apply(DiscoveryConfig config) {
    config_ = std::make_shared<const DiscoveryConfig>(std::move(config));
    config_is_new_ = true;
    start_http_sources();
    wake();
}

/// Sources whose entry stayed go on; others end and begin.
void Discovery::start_http_sources() {
    std::vector<std::pair<std::string, std::shared_ptr<HttpSource>>> sources;
    for (const auto& job : config_->scrape_configs) {
        for (const auto& entry : job.http_sd_configs) {
            const auto known = std::ranges::find_if(http_, [&](const auto& source) {
                return source.second && source.first == job.job_name &&
                       source.second->config() == entry;
            });
            if (known != http_.end()) {
                sources.emplace_back(job.job_name, std::exchange(known->second, nullptr));
                continue;
            }
            auto source = std::make_shared<HttpSource>(entry);
            sources.emplace_back(job.job_name, source);
            asio::co_spawn(io_, HttpSource::run(source, pool_, [this] { wake(); }), asio::detached);
        }
    }
    for (const auto& [job, source] : http_) {
        if (source) source->stop();
    }
    http_ = std::move(sources);
}

std::vector<HttpAnswer> Discovery::answers() const {
    std::vector<HttpAnswer> answers;
    for (const auto& [job, source] : http_) answers.push_back(source->answer());
    return answers;
}

Millis Discovery::pause() const {
    if (!config_) return kIdleInterval;
    const bool has_files = std::ranges::any_of(
        config_->scrape_configs, [](const auto& job) { return !job.file_sd_configs.empty(); });
    if (has_files) return kFileInterval;
    return config_->processes ? kProcessInterval : kIdleInterval;
}

net::Task<void> Discovery::run() {
    while (!stopped_) {
        woken_ = false;
        Look look{finder_, config_is_new_ ? config_ : nullptr, answers()};
        config_is_new_ = false;
        auto task = look_elsewhere(std::move(look));
        auto findings = co_await asio::co_spawn(pool_, std::move(task), asio::use_awaitable);
        if (stopped_) break;
        take(std::move(findings));
        if (woken_) continue;
        timer_->expires_after(pause());
        auto [waited] = co_await timer_->async_wait(asio::as_tuple(asio::use_awaitable));
        static_cast<void>(waited);
    }
}

void Discovery::take(FindingsPtr findings) {
    if (findings == findings_) return;
    const auto before = std::exchange(findings_, std::move(findings));
    log_errors(*findings_, *before);
    log_engines(*findings_, *before);
    if (findings_->targets != before->targets) on_targets_(findings_->targets);
}

void Discovery::wake() {
    woken_ = true;
    timer_->cancel();
}

void Discovery::stop() {
    stopped_ = true;
    wake();
    for (const auto& [job, source] : http_) source->stop();
}

}  // namespace inferscope::discovery
