// SPDX-License-Identifier: Apache-2.0
// The wiring plan of `inferscope serve`: all parts, in the order in which data meets them.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "app/config.h"
#include "app/queries.h"
#include "base/result.h"
#include "net/http_server.h"

namespace inferscope::app {

/// What runs; `--sources`.
struct SourceSet {
    bool engines = true;
    bool probes = true;
    bool host = true;
    bool gpu = true;
    bool self = true;

    /// "engines,probes,host,gpu,self" or "none". Fails with the unknown word and the known ones.
    static Result<SourceSet> parse(std::string_view list);
};

/// The command line of `serve`.
struct ServerOptions {
    net::ListenAddress listen{.host = "127.0.0.1", .port = 7090};
    std::string config_file;            ///< empty: defaults
    std::string storage_path = "data";  ///< the store, and a posted mapping
    std::string retention_time;         ///< these win over the configuration file, unless empty
    std::string retention_size;
    std::string fsync;
    std::string web_config_file;
    bool web_open = false;
    SourceSet sources;
    bool demo = false;
    QueryFlags query;
    /// All flags as they are in force, names without dashes: for /api/v1/status/flags.
    std::vector<std::pair<std::string, std::string>> flags;
};

/// The whole system. Thread: the one that calls run().
class Server {
public:
    /// Reads configuration and mapping, binds the port. Fails with what the user must mend.
    static Result<std::unique_ptr<Server>> make(ServerOptions options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Works until SIGINT or SIGTERM.
    void run();

private:
    class Parts;
    explicit Server(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}  // namespace inferscope::app
