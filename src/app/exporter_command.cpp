// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "app/commands.h"
#include "base/log.h"
#include "exposition/latest_rows.h"
#include "net/http_server.h"
#include "probe/engine_probe.h"

namespace inferscope::app {
namespace {

struct ExporterFlags {
    std::string vllm_url = "http://localhost:8000";
    std::uint16_t port = 9101;
    std::uint32_t interval_seconds = 15;
};

net::Task<net::ServerResponse> answer(const exposition::LatestRows& rows,
                                      net::HttpRequest request) {
    if (request.path() != "/metrics")
        co_return net::HttpResponse::text(404, "Only /metrics is here.\n");
    if (request.method != "GET" && request.method != "HEAD") {
        auto refused = net::HttpResponse::text(405, "/metrics answers GET\n");
        refused.headers.set("Allow", "GET");
        co_return refused;
    }
    std::string body;
    rows.render(ShownOn::metrics, exposition::Format::text, body);
    co_return net::HttpResponse::text(200, std::move(body),
                                      "text/plain; version=0.0.4; charset=utf-8");
}

int run_exporter(const ExporterFlags& flags) {
    auto url = net::Url::parse(flags.vllm_url);
    if (!url) return fail(url.error().with("--vllm-url"));
    if (flags.interval_seconds == 0)
        return fail({Errc::invalid_argument, "--interval must be at least 1 second"});

    boost::asio::io_context io{1};
    const SystemClock clock;
    exposition::LatestRows rows;
    probe::ProbeSettings settings;
    settings.kind = "vLLM";
    settings.base = *url;
    settings.interval = std::chrono::seconds(flags.interval_seconds);
    settings.key_retry = Millis(0);
    settings.is_spread = false;
    probe::EngineProbe probe(io.get_executor(), clock, settings, rows,
                             probe::EngineProbe::OnResult());
    probe.publish(clock.wall());

    net::ServerSettings server_settings;
    server_settings.listen = {.host = "0.0.0.0", .port = flags.port};
    // As the seed's exporter: anybody may read its numbers, and there is nothing else to ask for.
    server_settings.check_origin = false;
    net::HttpServer server(io.get_executor(), server_settings, [&rows](net::HttpRequest request) {
        return answer(rows, std::move(request));
    });
    if (auto listens = server.listen(); !listens) return fail(listens.error());
    log::info("exporter of {} listening on http://0.0.0.0:{}", url->redacted(), server.port());
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
    boost::asio::co_spawn(io, probe.run(), boost::asio::detached);
    boost::asio::co_spawn(io, server.run(), boost::asio::detached);
    io.run();
    return 0;
}

}  // namespace

void add_exporter(CLI::App& line, Command& chosen) {
    const auto flags = std::make_shared<ExporterFlags>();
    auto* command =
        line.add_subcommand("exporter", "only the probe metrics of one vLLM server, on 0.0.0.0");
    command->add_option("--vllm-url", flags->vllm_url, "base URL of the server")
        ->capture_default_str();
    command->add_option("--port", flags->port, "port of GET /metrics")->capture_default_str();
    command->add_option("--interval", flags->interval_seconds, "seconds between probes")
        ->capture_default_str();
    command->callback([flags, &chosen] { chosen = [flags] { return run_exporter(*flags); }; });
}

}  // namespace inferscope::app
