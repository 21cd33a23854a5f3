// SPDX-License-Identifier: Apache-2.0
#include "probe/exchange.h"

namespace inferscope::probe {

Exchange Exchange::from(Result<net::HttpResponse, net::FetchError> answer, Nanos took) {
    Exchange exchange;
    exchange.took = took;
    if (answer) {
        exchange.status = answer->status;
        exchange.body = std::move(answer->body);
    } else {
        exchange.error = std::move(answer.error());
    }
    return exchange;
}

Exchange Exchange::cancelled() {
    Exchange exchange;
    exchange.error.code = Errc::cancelled;
    exchange.error.text = "cancelled";
    return exchange;
}

std::string target_below(const net::Url& base, std::string_view path) {
    std::string target = base.target.substr(0, base.target.find('?'));
    while (target.ends_with('/')) target.pop_back();
    return target.append(path);
}

Outcome outcome_of(const Exchange& exchange) {
    if (exchange.status != 0) return Outcome::answered;
    if (exchange.error.code == Errc::limit_exceeded) return Outcome::refused_size;
    const bool is_connected = exchange.error.phase == net::Phase::send ||
                              exchange.error.phase == net::Phase::headers ||
                              exchange.error.phase == net::Phase::body;
    return exchange.error.code == Errc::timeout && is_connected ? Outcome::silent
                                                                : Outcome::unreachable;
}

}  // namespace inferscope::probe
