// SPDX-License-Identifier: Apache-2.0
#include "simulate/http_activity.h"

#include <algorithm>

namespace inferscope::simulate {

std::uint64_t HandlerActivity::answers() const {
    std::uint64_t sum = 0;
    for (const auto& [status, count] : statuses) sum += count;
    return sum;
}

void HandlerActivity::count_answers(int status, std::uint64_t answers) {
    const auto at = std::ranges::find(statuses, status, &std::pair<int, std::uint64_t>::first);
    if (at != statuses.end()) {
        at->second += answers;
    } else {
        statuses.emplace_back(status, answers);
    }
}

void HttpActivity::end(std::string_view path, std::string_view method, int status, double seconds,
                       std::uint64_t request_bytes, std::uint64_t response_bytes) {
    auto& handler = find(path, method);
    handler.count_answers(status, 1);
    handler.request_bytes += request_bytes;
    handler.response_bytes += response_bytes;
    handler.duration.observe(seconds);
    fine_.observe(seconds);
}

HandlerActivity& HttpActivity::find(std::string_view path, std::string_view method) {
    for (auto& handler : handlers_) {
        if (handler.path == path && handler.method == method) return handler;
    }
    auto& handler = handlers_.emplace_back();
    handler.path = path;
    handler.method = method;
    handler.duration = Buckets(bounds_);
    return handler;
}

}  // namespace inferscope::simulate
