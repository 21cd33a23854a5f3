// SPDX-License-Identifier: Apache-2.0
// HTTP messages as values: transport without meaning.
#pragma once

#include <atomic>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace inferscope::net {

/// Header fields in order; names compare without case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

    void add(std::string_view name, std::string_view value);
    /// Replaces all fields of that name.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    /// The first field's value; empty if there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const {
        return fields_;
    }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";  ///< origin form: path and query
    Headers headers;
    std::string body;
    std::string remote_address;  ///< server side only: the peer's IP
    /// Server side only: turns true, within a moment, when the peer closes before it was answered.
    std::shared_ptr<const std::atomic<bool>> peer_is_gone{};

    /// The target without its query, percent-decoded.
    [[nodiscard]] std::string path() const;
    /// The first value of a parameter, decoded: of a form body (application/x-www-form-urlencoded)
    /// if it is there, else of the query, as Prometheus reads them.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
    /// All of its values: those of the form body, then those of the query.
    [[nodiscard]] std::vector<std::string> parameters(std::string_view name) const;
};

struct HttpResponse {
    int status = 200;
    Headers headers;
    std::string body;

    static HttpResponse text(int status, std::string body,
                             std::string_view content_type = "text/plain; charset=utf-8");
    static HttpResponse json(int status, std::string body) {
        return text(status, std::move(body), "application/json");
    }
};

std::string_view reason_phrase(int status);
/// A line of a message's head.
void append_field(std::string& out, std::string_view name, std::string_view value);

/// ASCII, without case: names of headers and hosts.
bool equals_ignoring_case(std::string_view a, std::string_view b);
/// Whether a comma-separated header value ("gzip, br;q=0") lists `token`, and not with q=0.
bool lists_token(std::string_view value, std::string_view token);
/// The value of an Authorization header for the Basic scheme.
std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace inferscope::net
