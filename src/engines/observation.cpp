// SPDX-License-Identifier: Apache-2.0
#include "engines/observation.h"

namespace inferscope::engines {

ScrapeOutcome outcome_of_status(int http_status) {
    switch (http_status) {
        case 200:
            return ScrapeOutcome::page;
        case 503:
            return ScrapeOutcome::not_ready;
        case 401:
        case 403:
            return ScrapeOutcome::needs_key;
        case 404:
        case 501:
            return ScrapeOutcome::metrics_off;
        default:
            return ScrapeOutcome::failed;
    }
}

ScrapeOutcome outcome_of_error(const net::FetchError& error) {
    if (error.code == Errc::timeout) return ScrapeOutcome::silent;
    const bool is_early = error.phase == net::Phase::resolve || error.phase == net::Phase::connect;
    return is_early ? ScrapeOutcome::refused : ScrapeOutcome::failed;
}

}  // namespace inferscope::engines
