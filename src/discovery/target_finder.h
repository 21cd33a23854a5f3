// SPDX-License-Identifier: Apache-2.0
// One look at all sources: which targets exist now, which were dropped, which source has what to
// complain about. Plain functions over files, /proc and the answers handed in; no sockets, no
// clock.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "discovery/config.h"
#include "discovery/file_source.h"
#include "discovery/http_source.h"
#include "discovery/processes.h"
#include "discovery/target.h"

namespace inferscope::discovery {

struct SourceStatus {
    std::string job;
    std::string name;         ///< "file_sd PATTERN", "http_sd URL" (redacted), "processes"
    std::size_t targets = 0;  ///< before relabelling
    std::string error;        ///< empty: all is well
};

/// Immutable; replaced whole.
struct Findings {
    std::vector<TargetPtr> targets;      ///< no identity twice
    std::vector<DroppedTarget> dropped;  ///< the first kMaxDroppedShown
    std::size_t dropped_total = 0;
    std::vector<SourceStatus> sources;
    std::vector<FoundEngine> engines;      ///< all of this machine, configured or not
    std::size_t unreadable_processes = 0;  ///< engines of other users: found by their port only
};
using FindingsPtr = std::shared_ptr<const Findings>;

inline constexpr std::size_t kMaxDroppedShown = 1000;
/// Files are looked at by stat at each look, processes at most this often.
inline constexpr Millis kProcessInterval{10'000};
/// An engine whose process has ended stays a target for so long: `down` can be seen, and alerted
/// on.
inline constexpr Millis kGoneIsShown{600'000};

/// Names and addresses by which this machine knows itself, besides loopback. May ask the kernel,
/// never the network.
using LocalNames = std::function<std::vector<std::string>()>;
std::vector<std::string> local_names();

/// Thread: confined to whoever calls; may block for the disk.
class TargetFinder {
public:
    explicit TargetFinder(EngineProcesses processes = EngineProcesses(),
                          LocalNames names = &local_names);

    /// From the next look on. Sources whose entry stays the same keep what they know.
    void apply(DiscoveryConfig config);

    /// `answers`: for each http_sd_configs entry, in the configuration's order, what it told last.
    /// Returns the same pointer as before if nothing changed; targets that didn't change keep
    /// theirs.
    FindingsPtr look(SteadyTime now, const std::vector<HttpAnswer>& answers);

private:
    struct Job {
        ScrapeConfig config;
        std::vector<FileSource> files;
        std::vector<HttpAnswer> answers;
    };
    struct Gone {
        FoundEngine engine;
        SteadyTime until;
    };
    class Collection;

    FileSource kept_or_new(const std::string& job_name, const FileSdConfig& entry) const;
    bool look_at_files(SteadyTime now);
    bool look_at_answers(const std::vector<HttpAnswer>& answers);
    bool look_at_processes(SteadyTime now);
    bool forget_gone(SteadyTime now);
    void remember_gone(const std::vector<FoundEngine>& before, SteadyTime now);
    FindingsPtr collect();

    EngineProcesses processes_;
    LocalNames names_;
    DiscoveryConfig config_;
    std::vector<Job> jobs_;
    FindingsPtr findings_ = std::make_shared<const Findings>();
    std::vector<Gone> gone_;  ///< engines whose processes ended lately
    SteadyTime next_processes_{};
    bool looked_at_processes_ = false;
    bool changed_ = true;  ///< a new configuration waits for its first look
};

}  // namespace inferscope::discovery
