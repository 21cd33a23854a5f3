// SPDX-License-Identifier: Apache-2.0
// Targets that an HTTP server tells (http_sd_configs): asked again and again, the last good answer
// stands. Source: Prometheus documentation, "HTTP SD".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "discovery/config.h"
#include "discovery/file_source.h"
#include "net/async.h"
#include "net/http.h"

namespace inferscope::discovery {

/// What the server told last. Groups are replaced whole, never edited.
struct HttpAnswer {
    std::shared_ptr<const std::vector<TargetGroup>> groups;  ///< null until the first good answer
    std::string error;  ///< why the last try failed; empty if it didn't
};

/// Checks status, content type and body.
Result<std::vector<TargetGroup>> read_http_answer(const net::HttpResponse& response);

/// One entry of http_sd_configs. Thread: confined to the executor of its run().
class HttpSource {
public:
    explicit HttpSource(HttpSdConfig config) : config_(std::move(config)) {}

    [[nodiscard]] const HttpSdConfig& config() const { return config_; }
    [[nodiscard]] const HttpAnswer& answer() const { return answer_; }
    /// Takes one outcome in. True if the groups or the error changed.
    bool take(Result<std::vector<TargetGroup>> outcome);

    /// Asks every refresh_interval until stop(); calls `changed` when there is something new. The
    /// body is read on `pool`: it may have 16 MiB. The source outlives the coroutine by `self`.
    static net::Task<void> run(std::shared_ptr<HttpSource> self, net::Executor pool,
                               std::function<void()> changed);
    void stop();

private:
    class Connection;
    net::Task<Result<std::vector<TargetGroup>>> ask(net::Executor pool);

    HttpSdConfig config_;
    HttpAnswer answer_;
    bool stopped_ = false;
    std::shared_ptr<Connection> connection_;  ///< made by run()
};

}  // namespace inferscope::discovery
