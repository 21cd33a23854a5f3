// SPDX-License-Identifier: Apache-2.0
#include "app/server.h"
#include "app/version.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "api/api.h"
#include "app/demo.h"
#include "app/engine_desk.h"
#include "app/machine.h"
#include "app/process_memory.h"
#include "app/queries.h"
#include "app/self_metrics.h"
#include "app/storage.h"
#include "app/storage_metrics.h"
#include "app/turn_appender.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "discovery/discovery.h"
#include "discovery/metrics.h"
#include "engines/engine_watch.h"
#include "engines/metrics.h"
#include "engines/observing_appender.h"
#include "exposition/latest_rows.h"
#include "mapping/mapping_store.h"
#include "remote/write_endpoint.h"
#include "scrape/scrape_pool.h"
#include "telemetry/row_writer.h"
#include "telemetry/tee_appender.h"

namespace inferscope::app {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kDcgm = "DCGM";                  // the mapping's name of that exporter
constexpr Nanos kLookBeforeDemo = std::chrono::seconds(2);  ///< discovery has looked by then
constexpr Nanos kPatienceAtEnd = std::chrono::seconds(2);
/// Two requests at a time: a large query and what goes on besides.
constexpr std::size_t kPoolThreads = 2;
/// Of subqueries without a step where the configuration doesn't say how often rules are evaluated.
constexpr Millis kDefaultStep{60'000};
constexpr std::size_t kMostQueryThreads = 64;
constexpr std::string_view kKeptMapping = "metrics_config.yaml";

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name[0] == '\0' ? "localhost" : name.data();
}

/// What the command line says of the store wins over the file.
Result<void> override_storage(const ServerOptions& options, tsdb::StoreConfig& storage) {
    using Fsync = tsdb::WalSettings::Fsync;
    if (!options.retention_time.empty()) {
        const auto millis = parse_duration_millis(options.retention_time);
        if (!millis) {
            return Error{Errc::invalid_argument,
                         fmt::format("--storage.retention.time: '{}' is no duration like 15d",
                                     options.retention_time)};
        }
        storage.blocks.retention = Millis(*millis);
    }
    if (!options.retention_size.empty()) {
        const auto bytes = parse_byte_size(options.retention_size);
        if (!bytes) {
            return Error{Errc::invalid_argument,
                         fmt::format("--storage.retention.size: '{}' is no size like 50GB",
                                     options.retention_size)};
        }
        storage.blocks.retention_bytes = *bytes;
    }
    if (options.fsync.empty()) return {};
    if (options.fsync != "interval" && options.fsync != "always") {
        return Error{
            Errc::invalid_argument,
            fmt::format("--storage.fsync: '{}' is neither interval nor always", options.fsync)};
    }
    storage.wal.fsync = options.fsync == "always" ? Fsync::always : Fsync::interval;
    return {};
}

Result<std::shared_ptr<const Config>> read_config(const ServerOptions& options) {
    const auto& file = options.config_file;
    Config config = Config::defaults();
    if (!file.empty()) {
        auto loaded = load_config(file);
        if (!loaded) return loaded.error().error();
        config = std::move(*loaded);
    }
    for (const auto& warning : config.warnings) log::warning("{}", warning.message());
    if (config.worker.name.empty()) config.worker.name = host_name();
    if (auto overridden = override_storage(options, config.storage); !overridden)
        return overridden.error();
    return std::make_shared<const Config>(std::move(config));
}

/// Beyond loopback `serve` wants a credential, or that its user says it needs none.
Result<void> check_openness(const ServerOptions& options, const net::WebConfig& web) {
    const bool has_credential =
        !web.users.empty() || web.client_auth_type == "RequireAndVerifyClientCert";
    if (options.listen.is_loopback() || options.web_open || has_credential) return {};
    return Error{Errc::permission_denied,
                 fmt::format("--listen {} can be reached from other machines: name users in "
                             "--web.config.file, or say "
                             "--web.open if everybody may come in",
                             options.listen.text())};
}

/// None where no file is named. Fails, too, where it leaves the door open.
Result<net::WebConfig> read_web_config(const ServerOptions& options) {
    net::WebConfig web;
    if (!options.web_config_file.empty()) {
        auto loaded = net::WebConfig::load(options.web_config_file);
        if (!loaded) return loaded.error();
        web = std::move(*loaded);
    }
    if (auto open = check_openness(options, web); !open) return open.error();
    return web;
}

/// Said at the start, not when the first mapping is posted.
Result<void> check_storage(const std::string& path) {
    const auto writable = check_writable_folder(path);
    if (writable) return {};
    return Error{writable.error().code,
                 fmt::format("--storage.path {}; name a folder in which this user may write",
                             writable.error().text)};
}

std::size_t query_threads() {
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, kMostQueryThreads);
}

Labels place_labels(const Config& config) {
    return Labels::from({{"cluster_id", config.cluster.id},
                         {"cluster_name", config.cluster.name},
                         {"worker_id", config.worker.id},
                         {"worker_name", config.worker.name}});
}

/// The root of a task: what it throws is logged, and nobody else is harmed.
auto log_end(std::string_view task) {
    return [task](const std::exception_ptr& error) {
        if (!error) return;
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& exception) {
            log::error("{} ended: {}", task, exception.what());
        }
    };
}

}  // namespace

Result<SourceSet> SourceSet::parse(std::string_view list) {
    struct Word {
        std::string_view name;
        bool SourceSet::* member;
    };
    static constexpr std::array<Word, 5> kWords{{{"engines", &SourceSet::engines},
                                                 {"probes", &SourceSet::probes},
                                                 {"host", &SourceSet::host},
                                                 {"gpu", &SourceSet::gpu},
                                                 {"self", &SourceSet::self}}};
    SourceSet set{.engines = false, .probes = false, .host = false, .gpu = false, .self = false};
    if (list == "none") return set;
    while (true) {
        const auto name = list.substr(0, list.find(','));
        const auto* word = std::ranges::find(kWords, name, &Word::name);
        if (word == kWords.end()) {
            return Error{
                Errc::invalid_argument,
                fmt::format(
                    "--sources: '{}' is none of engines, probes, host, gpu, self; nor is it none",
                    name)};
        }
        set.*(word->member) = true;
        if (name.size() == list.size()) return set;
        list.remove_prefix(name.size() + 1);
    }
}

/// Members stand in the order in which they are needed: each outlives those below it.
class Server::Parts {
public:
    Parts(ServerOptions options, std::shared_ptr<const Config> config, net::WebConfig web,
          std::unique_ptr<Storage> storage, promql::EngineOptions engine)
        : options_(std::move(options)),
          config_(std::move(config)),
          storage_(std::move(storage)),
          turn_(storage_->store().appender(),
                [this] { asio::post(io_, [this] { turn_.end_turn(); }); }),
          sink_(rows_, turn_),
          mapping_(options_.storage_path + "/" + std::string(kKeptMapping)),
          observer_(sink_, watch_, mapping_.current()),
          environment_{.io = io_.get_executor(),
                       .pool = pool_.get_executor(),
                       .clock = clock_,
                       .origin = {clock_.steady(), clock_.wall()},
                       .appender = observer_,
                       .mapping = mapping_.current(),
                       .place = place_labels(*config_),
                       .counters = {},
                       .layouts = {},
                       .spare_buffers = {},
                       .after_scrape = {}},
          scrapes_(environment_),
          desk_(io_.get_executor(), clock_, sink_, watch_, config_, options_.sources.probes),
          discovery_(io_.get_executor(), pool_.get_executor(),
                     [this](const auto& targets) { set_targets(targets); }),
          machine_(sink_, clock_, machine_settings()),
          engine_rows_(sink_, "engines"),
          remote_write_(pool_.get_executor(), storage_->intake(), config_->remote_write_receiver),
          queries_(storage_->store(), std::move(engine), query_threads()),
          answers_(storage_->store().changes(), options_.query.cache_bytes),
          api_(api_sources()),
          http_(io_.get_executor(), server_settings(std::move(web)),
                [this](net::HttpRequest request) { return api_.handle(std::move(request)); }),
          self_(sink_, {.scrape = environment_.counters, .http = http_.counters(), .rows = rows_}),
          signals_(io_, SIGINT, SIGTERM),
          hangup_(io_, SIGHUP),
          ticks_(io_) {
        environment_.after_scrape = [this](std::shared_ptr<scrape::TargetScrape> scrape) {
            return desk_.after_scrape(std::move(scrape));
        };
    }

    Result<void> prepare() {
        // A mapping that the user keeps must be right; one that was posted once must not keep us
        // from starting.
        if (auto base = mapping_.set_base(config_->mapping.file); !base) return base.error();
        if (auto posted = mapping_.load_posted(); !posted)
            log::error("the posted mapping isn't used: {}", posted.error().text);
        if (mapping_.is_posted())
            log::info("a posted mapping is in force (DELETE /metrics/config sets it back)");
        use_mapping();
        return http_.listen();
    }

    void run() {
        log::info("inferscope {}, {}", kVersion,
                  options_.config_file.empty() ? "no configuration file" : options_.config_file);
        log::info("listening on {}://{}:{}", options_.web_config_file.empty() ? "http" : scheme_,
                  host_for_url(), http_.port());
        asio::co_spawn(io_, http_.run(), log_end("HTTP server"));
        asio::co_spawn(io_, wait_for_end(), log_end("signals"));
        asio::co_spawn(io_, wait_for_hangup(), log_end("SIGHUP"));
        if (options_.sources.engines) {
            discovery_.apply(config_->discovery());
            asio::co_spawn(io_, discovery_.run(), log_end("discovery"));
            if (options_.demo) asio::co_spawn(io_, start_demo_if_alone(), log_end("demo"));
        }
        machine_.start();
        storage_->start();
        asio::co_spawn(io_, tick(), log_end("collection"));
        started_ = clock_.wall();
        note_reload(true);
        is_ready_ = true;
        give_back_free_memory();  // YAML is large while it is read
        io_.run();
        finish();
    }

private:
    MachineSettings machine_settings() const {
        return {.host = options_.sources.host,
                .gpu = options_.sources.gpu,
                .interval = config_->engine_interval,
                .place = place_labels(*config_),
                .host_name = host_name()};
    }

    net::ServerSettings server_settings(net::WebConfig web) {
        net::ServerSettings settings;
        settings.listen = options_.listen;
        scheme_ = web.uses_tls() ? "https" : "http";
        settings.web = std::move(web);
        settings.allowed_hosts = config_->web.allowed_hosts;
        settings.background = pool_.get_executor();
        settings.check_origin = !options_.web_open;
        return settings;
    }

    api::Sources api_sources() {
        return {
            .pool = pool_.get_executor(),
            .query_pool = queries_.executor(),
            .rows = rows_,
            .mapping = mapping_,
            .targets = [this] { return scrapes_.status(); },
            .dropped_targets = [this] { return discovery_.status()->dropped; },
            .engines_json = [this] { return engines::engines_json(watch_.statuses()); },
            .mapping_changed = [this] { use_mapping(); },
            .reload = [this] { return reload(); },
            .is_ready = [this] { return is_ready_; },
            .stored = storage_->store(),
            .engine = queries_.engine(),
            .answers = answers_,
            .store_stats = [this] { return storage_->stats(); },
            .index_stats = [this](std::size_t most) { return storage_->store().index_stats(most); },
            .flush = [this] { return storage_->flush(); },
            .delete_series =
                [this](std::vector<Matcher> matchers, Timestamp from, Timestamp to) {
                    return storage_->delete_series(std::move(matchers), {from, to});
                },
            .snapshot = [this] { return storage_->snapshot(); },
            .remote_write =
                [this](net::HttpRequest request) {
                    return remote_write_.handle(std::move(request));
                },
            .now = [this] { return clock_.wall(); },
            .version = std::string(kVersion),
            .flags = options_.flags,
            .config_yaml = [this] { return config_->page; },
            .external_labels = [this] { return config_->global.external_labels; },
            .runtime = [this] { return runtime_facts(); },
            .refresh = [this] { publish_own(); }};
    }

    api::RuntimeFacts runtime_facts() const {
        return {.started = started_,
                .reload_successful = reload_successful_,
                .reloaded = reloaded_,
                .retention = config_->storage.blocks.retention,
                .retention_bytes = config_->storage.blocks.retention_bytes};
    }

    void note_reload(bool successful) {
        reload_successful_ = successful;
        if (successful) reloaded_ = clock_.wall();
        self_.set_reload(successful, clock_.wall());
    }

    std::string host_for_url() const {
        const auto& host = options_.listen.host;
        return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
    }

    void use_mapping() {
        environment_.mapping = mapping_.current();
        observer_.set_mapping(mapping_.current());
        give_back_free_memory();
    }

    void set_targets(const std::vector<discovery::TargetPtr>& targets) {
        scrapes_.set_targets(targets);
        desk_.keep_only(targets);
        const bool has_real_engine = std::ranges::any_of(targets, [](const auto& target) {
            return target->engine.expected && !target->labels.has("simulated");
        });
        if (demo_ && has_real_engine) end_demo();
    }

    net::Task<void> start_demo_if_alone() {
        boost::system::error_code cancelled;
        asio::steady_timer first_looks(io_, kLookBeforeDemo);
        co_await first_looks.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        if (scrapes_.size() == 0 && !is_stopping_) start_demo();
    }

    /// Simulated engines for somebody who has none: they listen on loopback like real ones, and are
    /// named so.
    void start_demo() {
        demo_ = std::make_unique<Demo>(io_.get_executor());
        auto engines = demo_->start();
        if (!engines) {
            log::error("--demo: {}", engines.error().text);
            return;
        }
        auto config = config_->discovery();
        config.engines = std::move(*engines);
        log::warning(
            "no engine was found: {} simulated ones are shown, with the label simulated=\"true\"",
            config.engines.size());
        discovery_.apply(std::move(config));
    }

    void end_demo() {
        log::info("an engine was found: the demo ends");
        demo_->stop();
        discovery_.apply(config_->discovery());
        ended_demo_ = std::move(demo_);
    }

    Result<void> reload() {
        const auto read = read_again();
        if (read) {
            log::info("configuration read again");
        } else {
            log::error("reload refused, the old configuration runs on: {}", read.error().text);
        }
        note_reload(read.has_value());
        give_back_free_memory();
        return read;
    }

    /// All files are read before one of them is used.
    Result<void> read_again() {
        auto config = read_config(options_);
        if (!config) return config.error();
        auto web = read_web_config(options_);
        if (!web) return web.error();
        if (auto base = mapping_.set_base((*config)->mapping.file); !base) return base.error();
        if (auto used = http_.set_web(std::move(*web)); !used) return used.error();
        use_config(std::move(*config));
        return {};
    }

    void use_config(std::shared_ptr<const Config> config) {
        config_ = std::move(config);
        use_mapping();
        http_.set_allowed_hosts(config_->web.allowed_hosts);
        environment_.place = place_labels(*config_);
        desk_.set_config(config_);
        if (options_.sources.engines && !demo_) discovery_.apply(config_->discovery());
    }

    void publish_own() {
        if (!options_.sources.self) return;
        self_.publish(clock_.wall(), [this](RowWriter& rows) {
            write_store_metrics(rows, storage_->store().sample_counts(), storage_->stats(),
                                sink_.not_kept());
            write_receiver_metrics(rows, storage_->intake().counters(), remote_write_.counters());
            write_query_metrics(rows, answers_);
        });
    }

    /// What moves with the clock and not with a target: host, GPU, engines' states, our own
    /// counters.
    net::Task<void> tick() {
        while (!is_stopping_) {
            const Timestamp now = clock_.wall();
            look_for_exporters();
            machine_.collect(now);
            publish_engines(now);
            publish_own();
            ticks_.expires_after(config_->engine_interval);
            boost::system::error_code cancelled;
            co_await ticks_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        }
    }

    void publish_engines(Timestamp now) {
        if (!options_.sources.engines) return;
        const auto statuses = watch_.statuses();
        const engines::Cluster cluster{.id = config_->cluster.id, .name = config_->cluster.name};
        const std::array<engines::Worker, 1> workers{{{.id = config_->worker.id,
                                                       .name = config_->worker.name,
                                                       .labels = config_->worker.labels}}};
        engine_states_.write(engine_rows_, statuses);
        engines::write_server_metrics(engine_rows_, cluster, workers, statuses,
                                      config_->desired_instances);
        write_gpus_of_engines(statuses);
        discovery::write_metrics(engine_rows_, *discovery_.status());
        if (const auto flushed = engine_rows_.flush(now); !flushed)
            log::error("engines: {}", flushed.error().text);
    }

    /// Which GPUs an engine's processes hold: joins requests with hardware.
    void write_gpus_of_engines(const std::vector<engines::EngineStatus>& statuses) {
        static const auto kFamily = std::make_shared<const Family>(
            Family{"inferscope_engine_gpu_info", MetricType::gauge,
                   "1 for each GPU on which the engine has memory.", ""});
        const auto on_gpus = machine_.gpu_processes();
        if (on_gpus.empty()) return;
        for (const auto& engine : discovery_.status()->engines) {
            const auto instance = fmt::format("{}:{}", engine.address, engine.metrics_port);
            const auto status = std::ranges::find(
                statuses, instance, [](const engines::EngineStatus& s) -> const std::string& {
                    return s.facts.instance;
                });
            if (status == statuses.end()) continue;
            for (const auto& [uuid, pid] : on_gpus) {
                if (pid != engine.pid && !std::ranges::binary_search(engine.worker_pids, pid))
                    continue;
                engine_rows_.set(kFamily,
                                 {{"instance", instance},
                                  {"job", status->facts.job},
                                  {"model_name", status->model_name()},
                                  {"UUID", uuid}},
                                 1);
            }
        }
    }

    /// Where a node exporter or DCGM exporter of this machine is scraped, its series win.
    void look_for_exporters() {
        bool node = false;
        bool dcgm = false;
        for (const auto& status : scrapes_.status()) {
            if (status.health != scrape::Health::up || !is_this_machine(status.target->url.host))
                continue;
            node = node || status.is_node_exporter;
            dcgm = dcgm || status.identity.runtime == kDcgm;
        }
        machine_.set_exporters_present(node, dcgm);
    }

    net::Task<void> wait_for_end() {
        boost::system::error_code failed;
        const int signal =
            co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
        log::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
        is_stopping_ = true;
        is_ready_ = false;
        http_.stop();
        discovery_.stop();
        scrapes_.stop();
        if (demo_) demo_->stop();
        ticks_.cancel();
        hangup_.cancel();
        io_.stop();
    }

    /// Lets what is in flight end. Tasks that still wait for somebody else then (a resolver, a
    /// driver) hold parts of us: the process goes without taking those apart.
    void finish() {
        io_.restart();
        io_.run_for(kPatienceAtEnd);
        const bool is_driver_idle = machine_.stop();
        if (io_.stopped() && is_driver_idle) {
            pool_.join();
            queries_.join();
            storage_->stop();
            return;
        }
        log::warning("not everything ended within {} s: leaving", to_seconds(kPatienceAtEnd));
        static_cast<void>(storage_->store().sync());
        std::_Exit(0);
    }

    net::Task<void> wait_for_hangup() {
        while (!is_stopping_) {
            boost::system::error_code failed;
            co_await hangup_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
            if (failed) co_return;
            static_cast<void>(reload());  // it logs either way
        }
    }

    ServerOptions options_;
    std::shared_ptr<const Config> config_;
    SystemClock clock_;
    std::string scheme_ = "http";
    bool is_ready_ = false;
    bool is_stopping_ = false;
    Timestamp started_ = 0;
    bool reload_successful_ = true;
    Timestamp reloaded_ = 0;  // the last one that was successful

    exposition::LatestRows rows_;
    std::unique_ptr<Storage> storage_;
    TurnAppender turn_;
    TeeAppender sink_;
    engines::EngineWatch watch_;
    mapping::MappingStore mapping_;
    engines::ObservingAppender observer_;
    asio::io_context io_{1};
    asio::thread_pool pool_{kPoolThreads};
    scrape::ScrapeEnvironment environment_;
    scrape::ScrapePool scrapes_;
    EngineDesk desk_;
    discovery::Discovery discovery_;
    Machine machine_;
    RowWriter engine_rows_;
    engines::EngineStateRows engine_states_;
    std::unique_ptr<Demo> demo_;
    std::unique_ptr<Demo> ended_demo_;  // its engines may still be on their way out
    remote::WriteEndpoint remote_write_;
    Queries queries_;
    api::AnswerCache answers_;
    api::Api api_;
    net::HttpServer http_;
    SelfMetrics self_;
    asio::signal_set signals_;
    asio::signal_set hangup_;
    asio::steady_timer ticks_;
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::make(ServerOptions options) {
    auto config = read_config(options);
    if (!config) return config.error();
    auto web = read_web_config(options);
    if (!web) return web.error();
    if (auto storage = check_storage(options.storage_path); !storage) return storage.error();
    const bool has_file = !options.config_file.empty();
    auto engine = engine_options(options.query,
                                 has_file ? (*config)->global.evaluation_interval : kDefaultStep);
    if (!engine) return engine.error();
    static const SystemClock kClock;
    auto storage = Storage::open(options.storage_path, **config, kClock);
    if (!storage) return storage.error();
    auto parts = std::make_unique<Parts>(std::move(options), std::move(*config), std::move(*web),
                                         std::move(*storage), *std::move(engine));
    if (auto prepared = parts->prepare(); !prepared) return prepared.error();
    return std::unique_ptr<Server>(new Server(std::move(parts)));
}

void Server::run() { parts_->run(); }

}  // namespace inferscope::app
