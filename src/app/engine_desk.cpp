// SPDX-License-Identifier: Apache-2.0
#include "app/engine_desk.h"

#include <absl/container/flat_hash_set.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <optional>
#include <utility>

#include "base/log.h"
#include "discovery/http_settings.h"
#include "probe/chat_probe.h"
#include "probe/engine_probe.h"

namespace inferscope::app {
namespace {

engines::EngineKey key_of(const discovery::Target& target) {
    return {std::string(target.labels.get("job")), std::string(target.labels.get("instance"))};
}

/// The engine's API: where it was found or configured, else the origin of its metrics page.
Result<net::Url> api_of(const discovery::Target& target) {
    if (!target.engine.api_url.empty()) return net::Url::parse(target.engine.api_url);
    return target.url.with_target("/");
}

/// What the user, or the demo, says about an engine: all labels of its target but job and instance.
Labels own_labels(const Labels& target) {
    LabelsBuilder labels(target);
    labels.remove("job");
    labels.remove("instance");
    return labels.build();
}

bool is_due(const std::optional<SteadyTime>& last, SteadyTime now, Nanos interval) {
    return !last || now - *last >= interval;
}

bool is_same_origin(const net::Url& a, const net::Url& b) {
    return a.host == b.host && a.port == b.port;
}

}  // namespace

/// Both probes of one engine.
struct EngineDesk::Probes {
    Probes(const net::Executor& io, const Clock& clock, probe::ProbeSettings settings,
           const probe::ChatSettings& chat_settings, Appender& appender)
        : engine(io, clock, std::move(settings), appender, probe::EngineProbe::OnResult()),
          chat(io, clock, engine, chat_settings, appender) {}

    probe::EngineProbe engine;
    probe::ChatProbe chat;
};

struct EngineDesk::Engine {
    engines::EngineKey key;
    std::string runtime;
    std::shared_ptr<Probes> probes;  ///< shared with the round that runs: a removal doesn't end it
    std::optional<SteadyTime> probed;
    std::optional<SteadyTime> chatted;
    int pid = 0;  ///< of its process, as last told to the watch; 0: none was seen
};

EngineDesk::EngineDesk(net::Executor io, const Clock& clock, Appender& appender,
                       engines::EngineWatch& watch, std::shared_ptr<const Config> config,
                       bool probes)
    : io_(std::move(io)),
      clock_(clock),
      appender_(appender),
      watch_(watch),
      config_(std::move(config)),
      probes_(probes) {}

EngineDesk::~EngineDesk() = default;

bool EngineDesk::is_engine(const scrape::TargetStatus& status) const {
    return status.identity.is_engine() ||
           (status.identity.runtime.empty() && status.target->engine.expected);
}

net::Task<void> EngineDesk::after_scrape(std::shared_ptr<scrape::TargetScrape> scrape) {
    const auto status = scrape->status();
    if (!is_engine(status)) co_return;
    Engine& engine = engine_of(status);
    report_process(engine, status);
    report_scrape(status);
    const SteadyTime now = clock_.steady();
    if (!engine.probes) co_return;
    if (config_->probe.chat.enabled && is_due(engine.chatted, now, config_->probe.chat.interval)) {
        engine.chatted = now;
        boost::asio::co_spawn(io_, ask_chat(engine.probes),
                              boost::asio::detached);  // it takes as long as an answer
    }
    if (!is_due(engine.probed, now, config_->probe.interval)) co_return;
    engine.probed = now;
    const auto identity = status.target->identity();
    const auto probes = engine.probes;
    co_await probes->engine.run_once();
    if (!engines_.contains(identity)) co_return;  // the target went meanwhile
    auto result = probes->engine.result();
    const auto& given_version = status.target->engine.version;
    if (!given_version.empty()) result.version = given_version;
    watch_.on_probe(key_of(*status.target), result);
    scrape->set_facts({.version = result.version,
                       .model = result.models.empty() ? "" : result.models.front().id});
}

net::Task<void> EngineDesk::ask_chat(std::shared_ptr<Probes> probes) {
    co_await probes->chat.run_once();
}

EngineDesk::Engine& EngineDesk::engine_of(const scrape::TargetStatus& status) {
    auto& slot = engines_[status.target->identity()];
    const auto& runtime = status.identity.runtime;
    if (slot && slot->runtime == runtime) return *slot;
    const auto key = key_of(*status.target);
    const auto api = api_of(*status.target);
    slot = std::make_unique<Engine>(
        Engine{.key = key, .runtime = runtime, .probes = nullptr, .probed = {}, .chatted = {}});
    watch_.add({.url = api ? api->redacted() : status.target->url.redacted(),
                .job = key.job,
                .instance = key.instance,
                .runtime = runtime,
                .worker_id = config_->worker.id,
                .worker_name = config_->worker.name,
                .model_id = "",
                .model_name = "",
                .model_instance_name = "",
                .source = "",
                .labels = own_labels(status.target->labels),
                .is_one_port = !api || is_same_origin(*api, status.target->url)});
    if (!probes_) return *slot;
    if (!api) {
        log::warning("engine {} isn't probed: {}", key.instance, api.error().text);
        return *slot;
    }
    slot->probes = std::make_shared<Probes>(io_, clock_, probe_settings(status),
                                            config_->probe.chat, appender_);
    return *slot;
}

probe::ProbeSettings EngineDesk::probe_settings(const scrape::TargetStatus& status) const {
    const auto& target = *status.target;
    probe::ProbeSettings settings;
    settings.kind = status.identity.runtime.empty() ? target.engine.kind : status.identity.runtime;
    settings.base = api_of(target).value_or(target.url);
    LabelsBuilder labels(target.labels);
    labels.set("engine", settings.kind);
    settings.labels = labels.build();
    settings.interval = config_->probe.interval;
    settings.timeout = config_->probe.timeout;
    // A credential of the metrics page is meant for its origin only.
    if (is_same_origin(settings.base, target.url)) {
        const auto credential = discovery::authorization_header(target.settings->http);
        if (credential && !credential->empty())
            settings.headers.set("Authorization", credential->reveal());
    }
    settings.client = discovery::client_settings(
        target.settings->http, settings.client.max_body_bytes, target.discovered_by_us);
    return settings;
}

/// A new number is a restart: the engine loads again.
void EngineDesk::report_process(Engine& engine, const scrape::TargetStatus& status) {
    const int before = std::exchange(engine.pid, status.target->engine.pid);
    if (engine.pid == before) return;
    if (before != 0) watch_.on_process(engine.key, status.last_scrape, false);
    if (engine.pid != 0) watch_.on_process(engine.key, status.last_scrape, true);
}

void EngineDesk::report_scrape(const scrape::TargetStatus& status) {
    using engines::ScrapeOutcome;
    const auto key = key_of(*status.target);
    auto outcome = ScrapeOutcome::page;
    if (status.health != scrape::Health::up) {
        if (status.fetch_error) {
            outcome = engines::outcome_of_error(*status.fetch_error);
        } else {
            outcome = engines::outcome_of_status(status.http_status);
            if (outcome == ScrapeOutcome::page) outcome = ScrapeOutcome::failed;
        }
    }
    watch_.on_missing(key, status.missing);
    watch_.on_scrape(key, {.time = status.last_scrape,
                           .took = status.last_duration,
                           .outcome = outcome,
                           .why = status.last_error});
}

void EngineDesk::keep_only(const std::vector<discovery::TargetPtr>& targets) {
    absl::flat_hash_set<std::uint64_t> kept;
    for (const auto& target : targets) kept.insert(target->identity());
    absl::erase_if(engines_, [&](const auto& entry) {
        if (kept.contains(entry.first)) return false;
        watch_.remove(entry.second->key);
        return true;
    });
}

}  // namespace inferscope::app
