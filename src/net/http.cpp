// SPDX-License-Identifier: Apache-2.0
#include "net/http.h"

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>

#include "net/url.h"

namespace inferscope::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Appends the values that `name` has in the form.
void find_parameters(std::string_view form, std::string_view name,
                     std::vector<std::string>& values) {
    while (!form.empty()) {
        const auto end = std::min(form.find('&'), form.size());
        const auto pair = form.substr(0, end);
        form.remove_prefix(std::min(end + 1, form.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        if (percent_decode(pair.substr(0, equals), true) != name) continue;
        values.push_back(percent_decode(pair.substr(std::min(equals + 1, pair.size())), true));
    }
}

/// True for "q=0", "q=0.0": the client doesn't want it.
bool has_zero_quality(std::string_view parameters) {
    const auto q = parameters.find("q=");
    if (q == std::string_view::npos) return false;
    const auto value = parameters.substr(q + 2);
    return value.starts_with('0') && value.find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool lists_token(std::string_view value, std::string_view token) {
    while (!value.empty()) {
        const auto end = std::min(value.find(','), value.size());
        const auto item = value.substr(0, end);
        value.remove_prefix(std::min(end + 1, value.size()));
        const auto semicolon = std::min(item.find(';'), item.size());
        if (!equals_ignoring_case(trim(item.substr(0, semicolon)), token)) continue;
        return !has_zero_quality(item.substr(semicolon));
    }
    return false;
}

std::string basic_authorization(std::string_view user, std::string_view password) {
    namespace base64 = boost::beast::detail::base64;
    std::string plain(user);
    plain += ':';
    plain += password;
    std::string encoded(base64::encoded_size(plain.size()), '\0');
    encoded.resize(base64::encode(encoded.data(), plain.data(), plain.size()));
    return "Basic " + encoded;
}

void Headers::add(std::string_view name, std::string_view value) {
    fields_.emplace_back(name, value);
}

void Headers::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_,
                  [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

std::string_view Headers::get(std::string_view name) const {
    for (const auto& [key, value] : fields_) {
        if (equals_ignoring_case(key, name)) return value;
    }
    return {};
}

bool Headers::has(std::string_view name) const {
    return std::ranges::any_of(
        fields_, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

std::string HttpRequest::path() const {
    return percent_decode(std::string_view(target).substr(0, target.find('?')), false);
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
    auto values = parameters(name);
    return values.empty() ? std::nullopt : std::optional(std::move(values.front()));
}

std::vector<std::string> HttpRequest::parameters(std::string_view name) const {
    std::vector<std::string> values;
    const auto type = headers.get("Content-Type");
    const auto media_type = trim(type.substr(0, type.find(';')));
    if (equals_ignoring_case(media_type, "application/x-www-form-urlencoded")) {
        find_parameters(body, name, values);
    }
    if (const auto question = target.find('?'); question != std::string::npos)
        find_parameters(std::string_view(target).substr(question + 1), name, values);
    return values;
}

HttpResponse HttpResponse::text(int status, std::string body, std::string_view content_type) {
    return {status, {{"Content-Type", std::string(content_type)}}, std::move(body)};
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

}  // namespace inferscope::net
