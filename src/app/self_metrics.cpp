// SPDX-License-Identifier: Apache-2.0
#include "app/self_metrics.h"

#include <sys/resource.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "app/process_memory.h"
#include "app/version.h"
#include "base/log.h"
#include "telemetry/families.h"

namespace inferscope::app {
namespace {

/// One number of a struct of counters, and the family under which it is shown.
template <class Counters>
struct Shown {
    FamilyPtr family;
    std::uint64_t Counters::* member;
};

const std::array<Shown<scrape::ScrapeCounters>, 8>& scrape_table() {
    using C = scrape::ScrapeCounters;
    static const std::array<Shown<C>, 8> kTable{
        {{make_family("inferscope_scrapes_total", MetricType::counter, "Scrapes begun."),
          &C::scrapes},
         {make_family("inferscope_scrapes_failed_total", MetricType::counter,
                      "Scrapes that gave no page."),
          &C::failed},
         {make_family("inferscope_scrape_layouts_known_total", MetricType::counter,
                      "Pages read by difference: only values that changed were parsed."),
          &C::layouts_known},
         {make_family("inferscope_scrape_samples_total", MetricType::counter,
                      "Samples kept of all pages."),
          &C::samples},
         {make_family(
              "inferscope_scrape_duplicate_lines_total", MetricType::counter,
              "Lines left out because an earlier line of their page has the same label set."),
          &C::duplicates},
         {make_family("inferscope_scrape_exemplars_refused_total", MetricType::counter,
                      "Exemplars that couldn't be read."),
          &C::refused_exemplars},
         {make_family("inferscope_scrapes_left_out_total", MetricType::counter,
                      "Scrapes left out because their target answers slowly."),
          &C::slowed},
         {make_family("inferscope_scrape_bytes_total", MetricType::counter,
                      "Bytes of pages read, decompressed."),
          &C::bytes}}};
    return kTable;
}

struct ShownRefusal {
    const char* reason;
    std::uint64_t net::ServerCounters::* member;
};

constexpr std::array<ShownRefusal, 7> kRefusals{
    {{"connections", &net::ServerCounters::refused_connections},
     {"host", &net::ServerCounters::refused_host},
     {"origin", &net::ServerCounters::refused_origin},
     {"credentials", &net::ServerCounters::refused_credentials},
     {"size", &net::ServerCounters::refused_size},
     {"malformed", &net::ServerCounters::refused_malformed},
     {"timeout", &net::ServerCounters::timeouts}}};

double open_files() {
    std::error_code failed;
    double count = 0;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", failed), end;
         !failed && entry != end; entry.increment(failed)) {
        ++count;
    }
    return count;
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// When the process was loaded, near enough to its start.
const double kStartTime = to_seconds(Millis(SystemClock().wall()));

}  // namespace

SelfMetrics::SelfMetrics(Appender& appender, SelfMetricsSources sources)
    : sources_(sources), rows_(appender, "self", Labels::from({{"job", "inferscope"}})) {}

void SelfMetrics::set_reload(bool successful, Timestamp at) {
    reload_successful_ = successful;
    if (successful) reloaded_at_ = at;
}

void SelfMetrics::publish(Timestamp now, absl::FunctionRef<void(RowWriter&)> write_more) {
    static const auto kBuild =
        make_family("inferscope_build_info", MetricType::gauge, "1, with the version as a label.");
    static const auto kRequests =
        make_family("inferscope_http_requests_total", MetricType::counter, "Requests answered.");
    static const auto kOpen =
        make_family("inferscope_http_connections", MetricType::gauge, "Connections open now.");
    static const auto kRefused =
        make_family("inferscope_http_refused_total", MetricType::counter,
                    "Connections and requests refused, by what they violated.");
    static const auto kSeries =
        make_family("inferscope_series", MetricType::gauge, "Label sets with a newest value.");
    static const auto kUnpublished =
        make_family("inferscope_series_not_published_total", MetricType::counter,
                    "Label sets not published because another source owns them.");
    static const auto kReloadOk = make_family("inferscope_config_last_reload_successful",
                                              MetricType::gauge, "1 if the last reload succeeded.");
    static const auto kReloadTime =
        make_family("inferscope_config_last_reload_success_timestamp_seconds", MetricType::gauge,
                    "When the configuration in force was read.");
    rows_.set(kBuild, {{"version", kVersion}}, 1);
    for (const auto& [shown, member] : scrape_table())
        rows_.set(shown, {}, static_cast<double>(sources_.scrape.*member));
    rows_.set(kRequests, {}, static_cast<double>(sources_.http.requests));
    rows_.set(kOpen, {}, static_cast<double>(sources_.http.open_connections));
    for (const auto& [reason, member] : kRefusals) {
        rows_.set(kRefused, {{"reason", reason}}, static_cast<double>(sources_.http.*member));
    }
    rows_.set(kSeries, {}, static_cast<double>(sources_.rows.series()));
    rows_.set(kUnpublished, {}, static_cast<double>(sources_.rows.duplicates()));
    rows_.set(kReloadOk, {}, reload_successful_ ? 1 : 0);
    rows_.set(kReloadTime, {}, to_seconds(Millis(reloaded_at_)));
    publish_process();
    write_more(rows_);
    if (const auto flushed = rows_.flush(now); !flushed)
        log::error("self-metrics: {}", flushed.error().text);
}

/// Source of the names: Prometheus's client libraries.
void SelfMetrics::publish_process() {
    static const auto kCpu =
        make_family("process_cpu_seconds_total", MetricType::counter, "User and system CPU time.");
    static const auto kResident =
        make_family("process_resident_memory_bytes", MetricType::gauge, "Resident memory.");
    static const auto kFiles =
        make_family("process_open_fds", MetricType::gauge, "Open file descriptors.");
    static const auto kStart =
        make_family("process_start_time_seconds", MetricType::gauge, "Start time since the epoch.");
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    rows_.set(kCpu, {}, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    rows_.set(kResident, {}, static_cast<double>(resident_bytes()));
    rows_.set(kFiles, {}, open_files());
    rows_.set(kStart, {}, kStartTime);
}

}  // namespace inferscope::app
