// SPDX-License-Identifier: Apache-2.0
#include "discovery/target_finder.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "base/text.h"
#include "discovery/engine_kinds.h"
#include "net/url.h"

namespace inferscope::discovery {
namespace {

Labels label_set(const std::string& address, const DiscoveredGroup& group) {
    LabelsBuilder builder;
    for (const auto& [name, value] : group.meta) builder.set(name, value);
    for (const auto& [name, value] : group.group.labels) builder.set(name, value);
    builder.set("__address__", address);
    return builder.build();
}

std::string redacted(const std::string& text) {
    const auto url = net::Url::parse(text);
    return url ? url->redacted() : "http_sd url";
}

std::vector<DiscoveredGroup> groups_of(const HttpAnswer& answer, const HttpSdConfig& config) {
    std::vector<DiscoveredGroup> groups;
    if (!answer.groups) return groups;
    const std::string url = redacted(config.url);
    for (const auto& group : *answer.groups) groups.push_back({group, {{"__meta_url", url}}});
    return groups;
}

std::vector<DiscoveredGroup> groups_of(const std::vector<TargetGroup>& statics) {
    std::vector<DiscoveredGroup> groups;
    for (const auto& group : statics) groups.push_back({group, {}});
    return groups;
}

std::size_t count_targets(const std::vector<DiscoveredGroup>& groups) {
    std::size_t count = 0;
    for (const auto& group : groups) count += group.group.targets.size();
    return count;
}

bool is_loopback_name(std::string_view host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.") || host == "0.0.0.0" ||
           host == "::";
}

EngineHint hint_of(const FoundEngine& engine) {
    EngineHint hint;
    hint.expected = true;
    hint.kind = engine.kind;
    hint.pid = engine.pid;
    if (engine.metrics_off) hint.metrics_advice = missing_metrics_advice(engine.kind);
    if (engine.metrics_port != engine.port) {
        net::Url api;
        api.scheme = engine.tls ? "https" : "http";
        api.host = engine.address;
        api.port = engine.port;
        hint.api_url = fmt::format("{}://{}", api.scheme, api.authority());
    }
    return hint;
}

/// Of an engine that nobody configured. It is on this machine and gets no credentials, so that its
/// certificate, which can't be for 127.0.0.1, isn't looked at.
Target process_target(const FoundEngine& engine, Millis interval) {
    Target target;
    target.url.scheme = engine.tls ? "https" : "http";
    target.url.host = engine.address;
    target.url.port = engine.metrics_port;
    target.url.target = default_metrics_path(engine.kind);
    net::Url api = target.url;
    api.port = engine.port;
    const std::string instance = api.authority();
    target.labels = Labels::from({{"job", kEnginesJob}, {"instance", instance}});
    target.discovered_labels = Labels::from({{"__address__", instance},
                                             {"__scheme__", target.url.scheme},
                                             {"__metrics_path__", target.url.target},
                                             {"__meta_process_engine", engine.kind}});
    target.job = kEnginesJob;
    target.interval = interval;
    target.timeout = std::min(interval, Millis(10'000));
    ScrapeSettings settings;
    settings.http.follow_redirects = false;
    settings.http.tls.insecure_skip_verify = engine.tls;
    target.settings = std::make_shared<const ScrapeSettings>(std::move(settings));
    target.discovered_by_us = true;
    target.engine = hint_of(engine);
    return target;
}

bool same(const HttpAnswer& a, const HttpAnswer& b) {
    return a.groups == b.groups && a.error == b.error;
}

}  // namespace

std::vector<std::string> local_names() {
    std::vector<std::string> names;
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) == 0) names.emplace_back(host.data());
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return names;
    for (const auto* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        std::array<char, INET6_ADDRSTRLEN> text{};
        const void* address = nullptr;
        if (at->ifa_addr->sa_family == AF_INET) {
            address = &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr;
        } else if (at->ifa_addr->sa_family == AF_INET6) {
            address = &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr;
        }
        if (address == nullptr) continue;
        if (inet_ntop(at->ifa_addr->sa_family, address, text.data(), text.size()) != nullptr) {
            names.emplace_back(text.data());
        }
    }
    freeifaddrs(first);
    return names;
}

/// The findings of one look while they are put together.
class TargetFinder::Collection {
public:
    void add_job(const Job& job) {
        const auto first = targets_.size();
        add_groups(job.config, groups_of(job.config.static_configs), false);
        for (const auto& file : job.files) {
            const auto groups = file.groups();
            const std::string name =
                fmt::format("file_sd {}", fmt::join(file.config().files, ", "));
            findings_.sources.push_back(
                {job.config.job_name, name, count_targets(groups), file.error()});
            add_groups(job.config, groups, false);
        }
        for (std::size_t i = 0; i < job.answers.size(); ++i) {
            const auto& config = job.config.http_sd_configs[i];
            const auto groups = groups_of(job.answers[i], config);
            findings_.sources.push_back({job.config.job_name,
                                         fmt::format("http_sd {}", redacted(config.url)),
                                         count_targets(groups), job.answers[i].error});
            add_groups(job.config, groups, true);
        }
        apply_target_limit(job.config, first);
    }

    void add_engine(const EngineConfig& engine, Millis interval) {
        auto target = engine_target(engine, interval);
        if (target) {
            add(std::move(*target));
        } else {
            drop({std::string(kEnginesJob), Labels::from({{"__address__", redacted(engine.url)}}),
                  target.error().text});
        }
    }

    /// A configured target on the same port of this machine wins; it learns what the process shows.
    void add_process(const FoundEngine& engine, const std::set<std::string>& names,
                     Millis interval) {
        bool configured = false;
        for (auto& target : targets_) {
            const bool is_here =
                is_loopback_name(target.url.host) || names.contains(target.url.host);
            if (!is_here || target.url.port != engine.metrics_port) continue;
            configured = true;
            auto hint = hint_of(engine);
            if (!target.engine.kind.empty()) hint.kind = target.engine.kind;
            if (!target.engine.api_url.empty()) hint.api_url = target.engine.api_url;
            hint.version = target.engine.version;
            target.engine = std::move(hint);
        }
        if (!configured) add(process_target(engine, interval));
    }

    void add_source(SourceStatus status) { findings_.sources.push_back(std::move(status)); }

    std::vector<Target> take_targets() { return std::move(targets_); }
    Findings take_findings() { return std::move(findings_); }

private:
    void add_groups(const ScrapeConfig& config, const std::vector<DiscoveredGroup>& groups,
                    bool told_by_stranger) {
        for (const auto& group : groups) {
            for (const auto& address : group.group.targets) {
                auto populated = populate(config, label_set(address, group));
                if (auto* const target = std::get_if<Target>(&populated)) {
                    target->discovered_by_us = told_by_stranger;
                    add(std::move(*target));
                } else {
                    drop(std::get<DroppedTarget>(std::move(populated)));
                }
            }
        }
    }

    void add(Target target) {
        if (identities_.insert(target.identity()).second) targets_.push_back(std::move(target));
    }

    void drop(DroppedTarget target) {
        ++findings_.dropped_total;
        if (findings_.dropped.size() < kMaxDroppedShown)
            findings_.dropped.push_back(std::move(target));
    }

    void apply_target_limit(const ScrapeConfig& config, std::size_t first) {
        const auto count = targets_.size() - first;
        if (config.target_limit == 0 || count <= config.target_limit) return;
        const std::string error = fmt::format("{} targets, more than the job's target_limit of {}",
                                              count, config.target_limit);
        for (auto i = first; i < targets_.size(); ++i) {
            identities_.erase(targets_[i].identity());
            drop({config.job_name, std::move(targets_[i].discovered_labels), error});
        }
        targets_.resize(first);
        findings_.sources.push_back({config.job_name, "target_limit", count, error});
    }

    std::vector<Target> targets_;
    absl::flat_hash_set<std::uint64_t> identities_;
    Findings findings_;
};

TargetFinder::TargetFinder(EngineProcesses processes, LocalNames names)
    : processes_(std::move(processes)), names_(std::move(names)) {}

FileSource TargetFinder::kept_or_new(const std::string& job_name, const FileSdConfig& entry) const {
    for (const auto& job : jobs_) {
        if (job.config.job_name != job_name) continue;
        const auto known = std::ranges::find(job.files, entry, &FileSource::config);
        if (known != job.files.end()) return *known;
    }
    return FileSource(entry);
}

void TargetFinder::apply(DiscoveryConfig config) {
    std::vector<Job> jobs;
    for (const auto& scrape : config.scrape_configs) {
        Job job{scrape, {}, std::vector<HttpAnswer>(scrape.http_sd_configs.size())};
        for (const auto& entry : scrape.file_sd_configs) {
            job.files.push_back(kept_or_new(scrape.job_name, entry));
        }
        jobs.push_back(std::move(job));
    }
    jobs_ = std::move(jobs);
    config_ = std::move(config);
    changed_ = true;
}

bool TargetFinder::look_at_files(SteadyTime now) {
    bool changed = false;
    for (auto& job : jobs_) {
        for (auto& file : job.files) changed = file.look(now) || changed;
    }
    return changed;
}

bool TargetFinder::look_at_answers(const std::vector<HttpAnswer>& answers) {
    bool changed = false;
    std::size_t next = 0;
    for (auto& job : jobs_) {
        for (auto& known : job.answers) {
            if (next == answers.size()) return changed;
            const auto& answer = answers[next++];
            if (same(known, answer)) continue;
            known = answer;
            changed = true;
        }
    }
    return changed;
}

bool TargetFinder::look_at_processes(SteadyTime now) {
    if (!config_.processes) return false;
    if (looked_at_processes_ && now < next_processes_) return false;
    looked_at_processes_ = true;
    next_processes_ = now + kProcessInterval;
    const bool forgot = forget_gone(now);
    const auto before = processes_.engines();
    if (!processes_.look()) return forgot;
    remember_gone(before, now);
    return true;
}

bool TargetFinder::forget_gone(SteadyTime now) {
    return std::erase_if(gone_, [&](const Gone& gone) { return gone.until <= now; }) > 0;
}

void TargetFinder::remember_gone(const std::vector<FoundEngine>& before, SteadyTime now) {
    const auto runs = [&](const FoundEngine& engine) {
        return std::ranges::any_of(processes_.engines(), [&](const FoundEngine& running) {
            return running.metrics_port == engine.metrics_port;
        });
    };
    for (auto engine : before) {
        engine.pid = 0;
        engine.listens = false;
        engine.worker_pids.clear();
        gone_.push_back({std::move(engine), now + kGoneIsShown});
    }
    std::erase_if(gone_, [&](const Gone& gone) { return runs(gone.engine); });
}

FindingsPtr TargetFinder::look(SteadyTime now, const std::vector<HttpAnswer>& answers) {
    const bool files = look_at_files(now);
    const bool told = look_at_answers(answers);
    const bool processes = look_at_processes(now);
    if (files || told || processes || changed_) findings_ = collect();
    changed_ = false;
    return findings_;
}

FindingsPtr TargetFinder::collect() {
    Collection collection;
    for (const auto& job : jobs_) collection.add_job(job);
    for (const auto& engine : config_.engines)
        collection.add_engine(engine, config_.engine_interval);
    if (config_.processes) {
        const auto names = names_();
        const std::set<std::string> known(names.begin(), names.end());
        for (const auto& engine : processes_.engines()) {
            collection.add_process(engine, known, config_.engine_interval);
        }
        for (const auto& gone : gone_)
            collection.add_process(gone.engine, known, config_.engine_interval);
        collection.add_source(
            {std::string(kEnginesJob), "processes", processes_.engines().size(), ""});
    }
    absl::flat_hash_map<std::uint64_t, TargetPtr> before;
    for (const auto& target : findings_->targets) before.emplace(target->identity(), target);
    auto findings = collection.take_findings();
    for (auto& target : collection.take_targets()) {
        const auto known = before.find(target.identity());
        const bool unchanged = known != before.end() && *known->second == target;
        findings.targets.push_back(unchanged ? known->second
                                             : std::make_shared<const Target>(std::move(target)));
    }
    if (config_.processes) {
        findings.engines = processes_.engines();
        findings.unreadable_processes = processes_.unreadable();
    }
    return std::make_shared<const Findings>(std::move(findings));
}

}  // namespace inferscope::discovery
