// SPDX-License-Identifier: Apache-2.0
// What the HTTP server of a simulated engine counts about itself, as the engines' web frameworks
// do.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulate/buckets.h"

namespace inferscope::simulate {

/// One path and method.
struct HandlerActivity {
    std::string path;
    std::string method;
    std::vector<std::pair<int, std::uint64_t>> statuses;  ///< status -> answers
    std::uint64_t requests = 0;                           ///< begun
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
    Buckets duration;

    [[nodiscard]] std::uint64_t answers() const;
    void count_answers(int status, std::uint64_t answers);
};

/// Confined to one thread. Its caller passes known paths only, so it stays small.
class HttpActivity {
public:
    explicit HttpActivity(std::span<const double> bounds, std::span<const double> fine_bounds)
        : bounds_(bounds), fine_(fine_bounds) {}

    void begin(std::string_view path, std::string_view method) { ++find(path, method).requests; }
    void end(std::string_view path, std::string_view method, int status, double seconds,
             std::uint64_t request_bytes, std::uint64_t response_bytes);

    [[nodiscard]] std::span<const HandlerActivity> handlers() const { return handlers_; }
    [[nodiscard]] const Buckets& fine() const { return fine_; }

private:
    HandlerActivity& find(std::string_view path, std::string_view method);

    std::span<const double> bounds_;
    std::vector<HandlerActivity> handlers_;
    Buckets fine_;
};

}  // namespace inferscope::simulate
