// SPDX-License-Identifier: Apache-2.0
// How one request of a probe ended: the seam between the coroutines that ask and the plain
// functions that judge.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "net/http_client.h"

namespace inferscope::probe {

struct Exchange {
    int status = 0;  ///< 0: no whole answer; then `error` says why
    std::string body;
    net::FetchError error;
    Nanos took{};

    /// We were told to stop: it says nothing about the engine.
    [[nodiscard]] bool was_cancelled() const {
        return status == 0 && error.code == Errc::cancelled;
    }
    static Exchange cancelled();
    static Exchange from(Result<net::HttpResponse, net::FetchError> answer, Nanos took);
};

/// The request target for `path` below the base URL's own path.
std::string target_below(const net::Url& base, std::string_view path);

/// As the Python client of the seed's exporter tells them apart: a time-out before the connection
/// stands is a connection error, a later one is a time-out of a server that was reached.
enum class Outcome {
    answered,
    silent,       ///< connected, then no answer in time
    unreachable,  ///< refused, no route, no such name, connect time-out, closed midway
    refused_size  ///< answered, but with more than we read
};
Outcome outcome_of(const Exchange& exchange);

}  // namespace inferscope::probe
