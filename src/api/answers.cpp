// SPDX-License-Identifier: Apache-2.0
#include "api/answers.h"

#include <fmt/format.h>

#include <utility>

#include "api/json_pages.h"
#include "api/json_text.h"
#include "net/offload.h"

namespace inferscope::api {
namespace {

void append_notes(std::string& body, std::string_view name, std::span<const std::string> notes) {
    if (notes.empty()) return;
    body += fmt::format(",\"{}\":", name);
    append_list(body, notes, [&](const std::string& note) { append_json(body, note); });
}

}  // namespace

std::string open_success() { return R"({"status":"success","data":)"; }

net::HttpResponse close_success(std::string body, std::span<const std::string> warnings,
                                std::span<const std::string> infos) {
    append_notes(body, "warnings", warnings);
    append_notes(body, "infos", infos);
    body += '}';
    return net::HttpResponse::json(200, std::move(body));
}

net::HttpResponse success(std::string_view data, std::span<const std::string> warnings) {
    std::string body = open_success();
    body += data;
    return close_success(std::move(body), warnings);
}

net::HttpResponse bad_data(const Error& error) { return json_error(400, "bad_data", error.text); }

net::HttpResponse failed(const Error& error) {
    return error.code == Errc::limit_exceeded ? json_error(422, "execution", error.text)
                                              : json_error(500, "internal", error.text);
}

Error invalid_parameter(std::string_view name, std::string_view why) {
    return {Errc::invalid_argument, fmt::format("invalid parameter \"{}\": {}", name, why)};
}

Answer on_pool(net::Executor pool, std::function<net::HttpResponse()> work) {
    net::HttpResponse response;
    const auto run = [&] { response = work(); };
    co_await net::offload(std::move(pool), run);
    co_return response;
}

}  // namespace inferscope::api
