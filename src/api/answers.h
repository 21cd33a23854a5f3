// SPDX-License-Identifier: Apache-2.0
// How endpoints answer: the envelope of Prometheus's API, its kinds of errors, the way to the pool.
// Source: Prometheus 3.14, web/api/v1/api.go.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/async.h"
#include "net/http.h"

namespace inferscope::api {

using Answer = net::Task<net::HttpResponse>;

/// Of Prometheus's text format.
inline constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";

/// {"status":"success","data": — what is appended then is the data; close_success() ends it.
std::string open_success();
/// Lists that are empty are left out.
net::HttpResponse close_success(std::string body, std::span<const std::string> warnings = {},
                                std::span<const std::string> infos = {});
net::HttpResponse success(std::string_view data, std::span<const std::string> warnings = {});

/// 400 bad_data.
net::HttpResponse bad_data(const Error& error);
/// 422 execution where a bound was passed, else 500 internal.
net::HttpResponse failed(const Error& error);
/// `invalid parameter "NAME": WHY`
Error invalid_parameter(std::string_view name, std::string_view why);

/// Runs `work` on `pool`; comes back to the caller's executor.
Answer on_pool(net::Executor pool, std::function<net::HttpResponse()> work);

/// [a,b,...]: `append` appends one entry to `out`.
template <class List, class Append>
void append_list(std::string& out, const List& list, Append append) {
    char before = '[';
    for (const auto& entry : list) {
        out += before;
        append(entry);
        before = ',';
    }
    out += before == '[' ? "[]" : "]";
}

}  // namespace inferscope::api
