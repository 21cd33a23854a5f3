// SPDX-License-Identifier: Apache-2.0
// The scrape of one target: fetch, read, append, report, at a pace that does no harm.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "discovery/target.h"
#include "mapping/mapping.h"
#include "net/async.h"
#include "net/http_client.h"
#include "scrape/metrics.h"
#include "scrape/pace.h"
#include "scrape/target_rows.h"
#include "telemetry/appender.h"

namespace inferscope::scrape {

class TargetScrape;

/// What all scrapes share. Lives as long as they do; thread: io.
struct ScrapeEnvironment {
    net::Executor io;
    net::Executor pool;  ///< reads pages > 1 MiB
    const Clock& clock;
    const TickOrigin origin;  ///< of all targets' ticks
    Appender& appender;
    std::shared_ptr<const mapping::Mapping>
        mapping;   ///< replaced whole: in force from each target's next scrape
    Labels place;  ///< cluster_id, cluster_name, worker_id, worker_name
    ScrapeCounters counters;
    PageLayouts layouts;
    std::vector<std::string> spare_buffers;  ///< for page texts, which no target keeps
    /// Awaited after each scrape, before the next one may start: probes of the same engine never
    /// run beside its scrape.
    std::function<net::Task<void>(std::shared_ptr<TargetScrape>)> after_scrape;
};

enum class Health { unknown, up, down };

/// For /api/v1/targets and for engines.
struct TargetStatus {
    discovery::TargetPtr target;
    Health health = Health::unknown;
    std::string last_error;                      ///< redacted; empty while it is up
    int http_status = 0;                         ///< of the last scrape; 0: no answer
    std::optional<net::FetchError> fetch_error;  ///< why there was no answer
    Timestamp last_scrape = 0;
    Nanos last_duration{};
    Millis
        interval{};  ///< in force: longer than the configured one while the target answers slowly
    bool slowed = false;
    std::size_t samples = 0;
    std::size_t duplicates = 0;
    mapping::Identity identity;
    std::vector<mapping::MissingFamily> missing;
    bool is_node_exporter = false;
};

/// What the probes found out about the engine behind a target.
struct EngineFacts {
    std::string version;
    std::string model;  ///< the first model's id
    bool operator==(const EngineFacts&) const = default;
};

/// Thread: io. Its coroutine holds a shared_ptr, so that removal never frees what runs.
class TargetScrape : public std::enable_shared_from_this<TargetScrape> {
public:
    TargetScrape(ScrapeEnvironment& environment, discovery::TargetPtr target);
    ~TargetScrape();
    TargetScrape(const TargetScrape&) = delete;
    TargetScrape& operator=(const TargetScrape&) = delete;

    /// Scrapes until stop().
    net::Task<void> run();
    /// Ends run(); the target's series go stale.
    void stop();

    /// The same target with other settings (interval, limits, rules): connection and pace go on.
    void update(discovery::TargetPtr target);
    void set_facts(EngineFacts facts);

    [[nodiscard]] TargetStatus status() const;
    [[nodiscard]] const discovery::TargetPtr& target() const { return target_; }

private:
    struct Outcome {
        bool up = false;
        std::string error;
        int http_status = 0;
        std::optional<net::FetchError> fetch_error;
        Nanos duration{};
        PageSummary page;
    };
    class Timer;

    net::Task<void> scrape_once();
    net::Task<Outcome> fetch_and_append(Timestamp time);
    net::Task<Result<PageSummary>> append_page(const std::string& page, exposition::Format format,
                                               Timestamp time);
    Result<net::HttpRequest> request() const;
    [[nodiscard]] std::string explain(int status) const;
    void recognise(std::string_view page, exposition::Format format);
    void apply_naming();
    void report(Timestamp time, const Outcome& outcome);
    std::string take_buffer();
    void give_back_buffer(std::string buffer);
    /// What configuration or process discovery says about the engine, taken for true.
    void expect_engine();
    void make_client();

    ScrapeEnvironment& environment_;
    discovery::TargetPtr target_;
    Pace pace_;
    TargetRows rows_;
    GroupId report_group_;
    std::unique_ptr<net::HttpClient> client_;
    std::unique_ptr<Timer> timer_;
    EngineFacts facts_;
    mapping::Identity identity_;
    bool is_node_exporter_ = false;
    std::string model_on_page_;
    Labels named_place_;          ///< of the naming in force
    bool naming_changed_ = true;  ///< identity, facts or model since the naming in force was made
    bool kind_is_given_ =
        false;  ///< by configuration or process discovery: not guessed from the page
    bool look_at_names_ = true;  ///< of the next page, to recognise the engine
    bool stopped_ = false;
    Timestamp last_time_ = 0;
    Outcome last_;
};

}  // namespace inferscope::scrape
