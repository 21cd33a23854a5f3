// SPDX-License-Identifier: Apache-2.0
// What one round of probes found out about one engine: a plain value for whoever judges its state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "net/http_client.h"

namespace inferscope::probe {

struct ModelCard {
    std::string id;
    std::string owned_by;
    std::string root;
    std::optional<std::int64_t> max_model_len;  ///< tokens
    bool operator==(const ModelCard&) const = default;
};

struct ProbeResult {
    Timestamp at = 0;        ///< when the round began
    bool reachable = false;  ///< a connection was made (the answer may have stayed out)
    bool loaded = false;     ///< health answered 200
    bool loading = false;    ///< answers that its model isn't ready yet
    bool needs_key = false;  ///< answers 401 or 403: nothing more can be said without credentials
    bool is_router = false;  ///< passes requests on to other servers (llama.cpp's router mode)
    std::optional<bool> asleep;       ///< unknown where the engine doesn't say
    int http_status = 0;              ///< of the health look; 0: no answer
    std::optional<net::Phase> phase;  ///< how far the health look came, if it failed
    std::string error_type;           ///< "timeout", "connection_error", or empty
    bool timed_out = false;           ///< the health look, before or after the connection stood
    std::string why;                  ///< for people, when not loaded; redacted
    Nanos latency{};                  ///< until the health look was answered or given up
    std::vector<ModelCard> models;    ///< of the newest answer, also of an earlier round
    std::string version;              ///< as the engine spells it; empty: unknown
};

}  // namespace inferscope::probe
