// SPDX-License-Identifier: Apache-2.0
#include "remote/write_endpoint.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "net/offload.h"

namespace inferscope::remote {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::string_view kType = "application/x-protobuf";
constexpr std::string_view kMessage = "prometheus.WriteRequest";
constexpr std::string_view kSecondsWhenBusy = "1";
constexpr std::string_view kSecondsWhenFull = "5";

std::string_view trim(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

/// The first part of `text` up to `separator`, which is taken off.
std::string_view take_part(std::string_view& text, char separator) {
    const auto end = std::min(text.find(separator), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return trim(part);
}

/// Why the body can't be one that we read.
std::optional<std::string> wrong_type(const HttpRequest& request) {
    const auto type = request.headers.get("Content-Type");
    const auto encoding = request.headers.get("Content-Encoding");
    auto rest = type;
    if (!type.empty() && !net::equals_ignoring_case(take_part(rest, ';'), kType))
        return fmt::format("Content-Type is {}, remote write sends {}\n", quote_for_message(type),
                           kType);
    while (!rest.empty()) {
        auto parameter = take_part(rest, ';');
        if (take_part(parameter, '=') == "proto" && trim(parameter) != kMessage) {
            return fmt::format("{} is not accepted, only remote write 1.0 (proto={})\n",
                               quote_for_message(parameter), kMessage);
        }
    }
    if (!encoding.empty() && !net::equals_ignoring_case(encoding, "snappy"))
        return fmt::format("Content-Encoding is {}, only snappy is accepted\n",
                           quote_for_message(encoding));
    return std::nullopt;
}

HttpResponse text(int status, std::string body) {
    return HttpResponse::text(status, std::move(body));
}

HttpResponse later(int status, std::string body, std::string_view seconds) {
    auto response = text(status, std::move(body));
    response.headers.set("Retry-After", seconds);
    return response;
}

HttpResponse answer(const Error& error) {
    switch (error.code) {
        case Errc::invalid_argument:
            return text(400, error.text + "\n");
        case Errc::limit_exceeded:
            return text(413, error.text + "\n");
        default:
            return later(503, error.text + "\n", kSecondsWhenFull);
    }
}

HttpResponse answer(Result<WriteOutcome> outcome) {
    if (!outcome) return answer(outcome.error());
    if (outcome->refused > 0) return text(400, std::move(outcome->refusals));
    HttpResponse nothing;
    nothing.status = 204;
    return nothing;
}

}  // namespace

class WriteEndpoint::Admission {
public:
    Admission(EndpointCounters& counters, std::size_t bytes) : counters_(counters), bytes_(bytes) {
        ++counters_.requests_in_flight;
        counters_.bytes_in_flight += bytes_;
    }
    ~Admission() {
        --counters_.requests_in_flight;
        counters_.bytes_in_flight -= bytes_;
    }
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

private:
    EndpointCounters& counters_;
    const std::size_t bytes_;
};

WriteEndpoint::WriteEndpoint(net::Executor pool, Intake& intake, const WriteConfig& config)
    : pool_(std::move(pool)), intake_(intake), config_(config) {}

/// Which bound a request of `bytes` would pass now.
std::optional<std::string> WriteEndpoint::too_busy(std::size_t bytes) const {
    if (counters_.requests_in_flight >= config_.max_requests_in_flight) {
        return fmt::format("{} requests in flight (remote_write_receiver.max_requests_in_flight)\n",
                           counters_.requests_in_flight);
    }
    const bool is_alone = counters_.requests_in_flight == 0;
    if (!is_alone && counters_.bytes_in_flight + bytes > config_.max_bytes_in_flight) {
        return fmt::format(
            "{} bytes in flight and {} more, above {} "
            "(remote_write_receiver.max_bytes_in_flight)\n",
            counters_.bytes_in_flight, bytes, config_.max_bytes_in_flight);
    }
    return std::nullopt;
}

net::Task<net::ServerResponse> WriteEndpoint::handle(net::HttpRequest request) {
    ++counters_.requests;
    counters_.bytes += request.body.size();
    if (auto why = wrong_type(request)) {
        ++counters_.refused_type;
        co_return text(415, std::move(*why));
    }
    const auto decompressed = intake_.decompressed_bytes(request.body);
    if (!decompressed) {
        ++counters_.refused_body;
        co_return answer(decompressed.error());
    }
    const auto bytes = request.body.size() + *decompressed;
    if (auto why = too_busy(bytes)) {
        ++counters_.refused_busy;
        co_return later(429, std::move(*why), kSecondsWhenBusy);
    }
    const Admission admission(counters_, bytes);
    Result<WriteOutcome> outcome;
    const auto work = [&] { outcome = intake_.write(request.body); };
    co_await net::offload(pool_, work);
    co_return answer(std::move(outcome));
}

}  // namespace inferscope::remote
