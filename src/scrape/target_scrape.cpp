// SPDX-License-Identifier: Apache-2.0
#include "scrape/target_scrape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "net/offload.h"

namespace inferscope::scrape {
namespace {

constexpr std::size_t kLargePage = 1u << 20;
constexpr std::size_t kMostSpareBuffers = 8;
constexpr std::uint64_t kDefaultBodyLimit = 64u << 20;

bool is_loopback(const net::Url& url) {
    return url.host == "localhost" || url.host == "::1" || url.host.starts_with("127.");
}

/// The five report series of a target, in the order of their columns. Source: Prometheus,
/// "Automatically generated labels and time series".
std::vector<Column> report_columns(const Labels& target_labels) {
    static const std::array<FamilyPtr, 5> kFamilies{
        std::make_shared<const Family>(Family{
            "up", MetricType::gauge, "1 if the target's last scrape succeeded, else 0.", ""}),
        std::make_shared<const Family>(
            Family{"scrape_duration_seconds", MetricType::gauge, "Duration of the scrape.", ""}),
        std::make_shared<const Family>(Family{"scrape_samples_scraped", MetricType::gauge,
                                              "Samples that the target exposed.", ""}),
        std::make_shared<const Family>(Family{"scrape_samples_post_metric_relabeling",
                                              MetricType::gauge,
                                              "Samples left after metric relabelling.", ""}),
        std::make_shared<const Family>(Family{"scrape_series_added", MetricType::gauge,
                                              "Series that weren't on the target's page before.",
                                              ""})};
    std::vector<Column> columns;
    LabelsBuilder labels(target_labels);
    for (const auto& family : kFamilies) {
        labels.set(kMetricName, family->name);
        columns.push_back({.labels = labels.build(),
                           .family = family,
                           .shown_on = ShownOn::metrics,
                           .second_names = {}});
    }
    return columns;
}

/// Which names stand on a page; label names once each.
struct PageNames {
    std::vector<std::string_view> samples;
    std::vector<std::string_view> labels;  ///< but for those that stand escaped
    std::string model;                     ///< the first value of the label `model_name`
};

PageNames names_of(std::string_view page, exposition::Format format) {
    PageNames names;
    exposition::SeriesLabels series;
    exposition::LineReader reader(page, format);
    while (true) {
        const auto line = reader.next();
        if (!line || !*line) return names;
        if ((*line)->kind != exposition::Line::Kind::sample) continue;
        if (!names.samples.empty() && names.samples.back() == (*line)->name) continue;
        names.samples.push_back((*line)->name);
        if (!series.read((*line)->key)) return names;
        for (const auto& [name, value] : series.sorted()) {
            if (names.model.empty() && name == "model_name") names.model = value;
            const bool stays =
                name.data() >= page.data() && name.data() < page.data() + page.size();
            if (stays && std::ranges::find(names.labels, name) == names.labels.end())
                names.labels.push_back(name);
        }
    }
}

}  // namespace

/// A timer that stop() can cut short.
class TargetScrape::Timer {
public:
    explicit Timer(const net::Executor& io) : timer_(io) {}

    net::Task<void> wait_until(SteadyTime when) {
        boost::system::error_code cancelled;
        timer_.expires_at(when);
        co_await timer_.async_wait(
            boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    }
    void cut_short() { timer_.cancel(); }

private:
    boost::asio::steady_timer timer_;
};

TargetScrape::TargetScrape(ScrapeEnvironment& environment, discovery::TargetPtr target)
    : environment_(environment),
      target_(std::move(target)),
      pace_(target_->interval, target_->identity()),
      rows_(environment_.appender, environment_.layouts, target_),
      report_group_(
          environment_.appender.open_group(fmt::format("report {}", target_->url.redacted()))),
      timer_(std::make_unique<Timer>(environment_.io)) {
    environment_.appender.add_columns(report_group_, report_columns(target_->labels));
    expect_engine();
    make_client();
}

void TargetScrape::expect_engine() {
    identity_ = environment_.mapping->identity(target_->engine.kind, target_->engine.version);
    kind_is_given_ = !identity_.runtime.empty();
    look_at_names_ = !kind_is_given_;
    naming_changed_ = true;
}

TargetScrape::~TargetScrape() = default;

void TargetScrape::make_client() {
    const auto& settings = *target_->settings;
    const auto limit = settings.body_size_limit > 0 ? settings.body_size_limit : kDefaultBodyLimit;
    auto client_settings =
        discovery::client_settings(settings.http, limit, target_->discovered_by_us);
    client_settings.body_bound_name = "body_size_limit";
    client_ = std::make_unique<net::HttpClient>(environment_.io, target_->url,
                                                std::move(client_settings));
}

net::Task<void> TargetScrape::run() {
    const auto self = shared_from_this();
    SteadyTime tick = pace_.first_tick(environment_.clock.steady(), environment_.origin);
    co_await timer_->wait_until(tick);
    while (!stopped_) {
        co_await scrape_once();
        if (!stopped_ && environment_.after_scrape) co_await environment_.after_scrape(self);
        if (stopped_) break;
        const SteadyTime next = pace_.next_tick(tick, environment_.clock.steady());
        const auto left_out = (next - tick) / target_->interval - 1;
        if (pace_.is_slowed() && left_out > 0)
            environment_.counters.slowed += static_cast<std::uint64_t>(left_out);
        tick = next;
        co_await timer_->wait_until(tick);
    }
    const Timestamp now = environment_.clock.wall();
    rows_.close(now);
    environment_.appender.close_group(report_group_, now);
    client_->close();
}

void TargetScrape::stop() {
    stopped_ = true;
    timer_->cut_short();
}

void TargetScrape::update(discovery::TargetPtr target) {
    const bool same_settings = *target->settings == *target_->settings;
    const bool same_engine = target->engine.kind == target_->engine.kind &&
                             target->engine.version == target_->engine.version;
    target_ = std::move(target);
    if (!same_engine) expect_engine();
    pace_.set_interval(target_->interval);
    if (same_settings) return;
    rows_.set_target(target_);
    make_client();
}

void TargetScrape::set_facts(EngineFacts facts) {
    if (facts == facts_) return;
    facts_ = std::move(facts);
    naming_changed_ = true;
}

TargetStatus TargetScrape::status() const {
    return {.target = target_,
            .health = last_time_ == 0 ? Health::unknown
                      : last_.up      ? Health::up
                                      : Health::down,
            .last_error = last_.error,
            .http_status = last_.http_status,
            .fetch_error = last_.fetch_error,
            .last_scrape = last_time_,
            .last_duration = last_.duration,
            .interval = pace_.interval(),
            .slowed = pace_.is_slowed(),
            .samples = last_.page.samples,
            .duplicates = last_.page.duplicates,
            .identity = rows_.naming().identity,
            .missing = rows_.missing(),
            .is_node_exporter = is_node_exporter_};
}

net::Task<void> TargetScrape::scrape_once() {
    const SteadyTime start = environment_.clock.steady();
    const Timestamp time = pace_.sample_time(environment_.clock.wall());
    auto outcome = co_await fetch_and_append(time);
    outcome.duration = environment_.clock.steady() - start;
    if (!outcome.up) rows_.append_gap(time);
    const bool was_slowed = pace_.is_slowed();
    pace_.on_answer(outcome.duration,
                    outcome.fetch_error && outcome.fetch_error->code == Errc::timeout);
    if (!was_slowed && pace_.is_slowed()) {
        log::warning("{} answers slowly ({:.1f} s): asking it every {} ms until it recovers",
                     target_->url.redacted(), to_seconds(outcome.duration),
                     pace_.interval().count());
    }
    if (outcome.error != last_.error && !outcome.error.empty()) {
        log::warning("scrape of {} failed: {}", target_->url.redacted(), outcome.error);
    }
    report(time, outcome);
    last_time_ = time;
    last_ = std::move(outcome);
}

net::Task<TargetScrape::Outcome> TargetScrape::fetch_and_append(Timestamp time) {
    Outcome outcome;
    ++environment_.counters.scrapes;
    auto to_send = request();
    if (!to_send) {
        outcome.error = to_send.error().text;
        co_return outcome;
    }
    std::string page = take_buffer();
    auto answer = co_await client_->send_into(std::move(*to_send), page, target_->timeout);
    if (!answer) {
        outcome.error = answer.error().text;
        outcome.fetch_error = answer.error();
        client_->close();
    } else if (outcome.http_status = answer->status; answer->status != 200) {
        outcome.error = explain(answer->status);
    } else {
        environment_.counters.bytes += page.size();
        const auto format = exposition::format_of(answer->headers.get("Content-Type"));
        if (look_at_names_) recognise(page, format);
        apply_naming();
        auto appended = co_await append_page(page, format, time);
        if (appended) {
            outcome.page = *appended;
            outcome.up = true;
            // A first page may lack what tells one engine from others, and another engine may take
            // over the port.
            look_at_names_ = !kind_is_given_ && !appended->layout_known;
        } else {
            outcome.error = appended.error().text;
        }
    }
    give_back_buffer(std::move(page));
    co_return outcome;
}

net::Task<Result<PageSummary>> TargetScrape::append_page(const std::string& page,
                                                         exposition::Format format,
                                                         Timestamp time) {
    if (page.size() <= kLargePage) co_return rows_.append(page, format, time);
    Result<PageSummary> appended = PageSummary{};
    const auto work = [this, &page, format, time, &appended] {
        appended = rows_.append(page, format, time);
    };
    co_await net::offload(environment_.pool, work);
    co_return appended;
}

Result<net::HttpRequest> TargetScrape::request() const {
    net::HttpRequest request;
    request.target = target_->url.target;
    request.headers.set("Accept", exposition::kAcceptHeader);
    if (!is_loopback(target_->url)) request.headers.set("Accept-Encoding", "gzip");
    request.headers.set("X-Prometheus-Scrape-Timeout-Seconds",
                        fmt::format("{}", to_seconds(target_->timeout)));
    auto authorization = discovery::authorization_header(target_->settings->http);
    if (!authorization) return authorization.error();
    if (!authorization->empty()) request.headers.set("Authorization", authorization->reveal());
    return request;
}

std::string TargetScrape::explain(int status) const {
    std::string text = fmt::format("HTTP status {} {}", status, net::reason_phrase(status));
    const bool switched_off = status == 404 || status == 501;
    if (switched_off && !target_->engine.metrics_advice.empty()) {
        text += fmt::format(": the engine's metrics are switched off; restart it {}",
                            target_->engine.metrics_advice);
    } else if (status == 401 || status == 403) {
        text +=
            ": the target wants a credential (authorization or basic_auth of its job or engine)";
    }
    return text;
}

void TargetScrape::recognise(std::string_view page, exposition::Format format) {
    const auto names = names_of(page, format);
    naming_changed_ = naming_changed_ || names.model != model_on_page_;
    model_on_page_ = names.model;
    is_node_exporter_ =
        std::ranges::find(names.samples, "node_exporter_build_info") != names.samples.end();
    auto identity = environment_.mapping->recognise(names.samples, names.labels);
    if (identity.runtime.empty() || identity == identity_) return;
    identity_ = std::move(identity);
    naming_changed_ = true;
    log::info("{} is {}{}", target_->url.redacted(),
              identity_.kind == mapping::Kind::router ? "a router: " : "", identity_.runtime);
}

void TargetScrape::apply_naming() {
    const bool is_current = !naming_changed_ && rows_.naming().mapping == environment_.mapping &&
                            named_place_ == environment_.place;
    if (is_current) return;
    naming_changed_ = false;
    named_place_ = environment_.place;
    Naming naming{.mapping = environment_.mapping, .identity = identity_, .base = {}};
    if (!target_->engine.version.empty()) {
        naming.identity.version = target_->engine.version;  // who says one wants it
    } else if (!facts_.version.empty()) {
        naming.identity.version = facts_.version;
    }
    if (identity_.is_engine()) {
        // Series made of several (ratios, sums) get the target's own labels from here.
        LabelsBuilder base(target_->settings->honor_labels ? Labels() : target_->labels);
        for (const auto& label : environment_.place) base.set(label.name, label.value);
        const auto instance = target_->labels.get("instance");
        base.set("runtime", identity_.runtime);
        const auto& model = facts_.model.empty() ? model_on_page_ : facts_.model;
        base.set("model_name", model);
        if (!model.empty()) base.set("model_id", stable_id(model));
        base.set("model_instance_id", stable_id(instance));
        base.set("model_instance_name", instance);
        naming.base = base.build();
    }
    rows_.set_naming(std::move(naming));
}

void TargetScrape::report(Timestamp time, const Outcome& outcome) {
    auto& counters = environment_.counters;
    counters.failed += outcome.up ? 0 : 1;
    counters.layouts_known += outcome.page.layout_known ? 1 : 0;
    counters.samples += outcome.page.kept;
    counters.duplicates += outcome.page.duplicates;
    counters.refused_exemplars += outcome.page.refused_exemplars;
    const std::array<double, 5> values{outcome.up ? 1.0 : 0.0, to_seconds(outcome.duration),
                                       static_cast<double>(outcome.page.samples),
                                       static_cast<double>(outcome.page.kept),
                                       static_cast<double>(outcome.page.added)};
    const auto appended = environment_.appender.append_row(
        report_group_, {.time = time, .values = values, .changed = {}});
    if (!appended)
        log::error("report of {} was refused: {}", target_->url.redacted(), appended.error().text);
}

std::string TargetScrape::take_buffer() {
    if (environment_.spare_buffers.empty()) return {};
    std::string buffer = std::move(environment_.spare_buffers.back());
    environment_.spare_buffers.pop_back();
    buffer.clear();
    return buffer;
}

void TargetScrape::give_back_buffer(std::string buffer) {
    if (environment_.spare_buffers.size() >= kMostSpareBuffers || buffer.capacity() > kLargePage)
        return;
    environment_.spare_buffers.push_back(std::move(buffer));
}

}  // namespace inferscope::scrape
