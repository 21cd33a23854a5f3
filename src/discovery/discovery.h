// SPDX-License-Identifier: Apache-2.0
// The running discovery: asks all sources again and again and tells the whole new set of targets
// when it changed.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"
#include "discovery/config.h"
#include "discovery/http_source.h"
#include "discovery/target_finder.h"
#include "net/async.h"

namespace inferscope::discovery {

/// How often files are looked at (one stat each) when there are any.
inline constexpr Millis kFileInterval{5'000};

/// Thread: confined to `io`. Files and /proc are read, and label sets relabelled, on `pool`.
class Discovery {
public:
    using OnTargets = std::function<void(const std::vector<TargetPtr>&)>;

    /// `on_targets` is called on `io`, with all targets, whenever one came, went or changed.
    Discovery(net::Executor io, net::Executor pool, OnTargets on_targets,
              TargetFinder finder = TargetFinder());
    ~Discovery();
    Discovery(const Discovery&) = delete;
    Discovery& operator=(const Discovery&) = delete;

    /// The configuration from now on: before run() or while it runs. What stays the same isn't
    /// disturbed.
    void apply(DiscoveryConfig config);
    /// Works until stop(). Must have returned before the object goes.
    net::Task<void> run();
    void stop();

    /// The last findings; never null. For /api/v1/targets.
    [[nodiscard]] FindingsPtr status() const { return findings_; }

private:
    class Timer;

    void start_http_sources();
    [[nodiscard]] std::vector<HttpAnswer> answers() const;
    [[nodiscard]] Millis pause() const;
    void take(FindingsPtr findings);
    void wake();

    net::Executor io_;
    net::Executor pool_;
    OnTargets on_targets_;
    std::shared_ptr<TargetFinder> finder_;  ///< used on the pool, by one look at a time
    std::unique_ptr<Timer> timer_;
    std::shared_ptr<const DiscoveryConfig> config_;
    bool config_is_new_ = false;
    bool woken_ = false;
    bool stopped_ = false;
    std::vector<std::pair<std::string, std::shared_ptr<HttpSource>>> http_;  ///< job, source
    FindingsPtr findings_ = std::make_shared<const Findings>();
};

}  // namespace inferscope::discovery
