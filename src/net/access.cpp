#include "net/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "net/addresses.h"
#include "net/url.h"

namespace inferscope::net {
namespace {

bool is_our_name(std::string_view host, const AccessRules& rules, std::string_view local_address) {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (is_loopback_host(host)) return true;
    if (!rules.listen_host.empty() && is_same_host(host, rules.listen_host)) return true;
    if (!local_address.empty() && is_same_host(host, local_address)) return true;
    return std::ranges::any_of(rules.allowed_hosts,
                               [&](const std::string& name) { return is_same_host(host, name); });
}

bool changes_state(const HttpRequest& request) {
    return request.method != "GET" && request.method != "HEAD";
}

bool is_query(const HttpRequest& request, const AccessRules& rules) {
    const auto path = request.path();
    return std::ranges::any_of(rules.query_paths,
                               [&](const std::string& prefix) { return path.starts_with(prefix); });
}

/// The origin of a page that this server itself, or an allowed host, delivered.
bool is_own_origin(std::string_view origin, std::string_view host, const AccessRules& rules) {
    const auto page = Url::parse(origin);
    if (!page) return false;  // also "null"
    const auto called = Url::parse(fmt::format("{}://{}", page->scheme, host));
    if (called && page->same_origin(*called)) return true;
    return std::ranges::any_of(rules.allowed_hosts, [&](const std::string& name) {
        return is_same_host(page->host, name);
    });
}

}  // namespace

std::optional<AccessDenied> check_access(const HttpRequest& request, const AccessRules& rules,
                                         std::string_view local_address) {
    const auto host = request.headers.get("Host");
    const auto called = Url::parse(fmt::format("http://{}", host));
    // A '/', '?', '#' or '@' would make the URL parser see another host than a browser meant.
    const bool plain = host.find_first_of("/?#@") == std::string_view::npos;
    if (!plain || !called || !is_our_name(called->host, rules, local_address)) {
        return AccessDenied{
            AccessDenied::Because::host,
            fmt::format("Host '{}' is not a name of this server. To allow it, add it to {}.\n",
                        quote_for_message(host), rules.allowed_hosts_setting)};
    }
    if (!changes_state(request) && !is_query(request, rules)) return std::nullopt;
    if (request.headers.has("Origin")) {
        const auto origin = request.headers.get("Origin");
        if (is_own_origin(origin, host, rules)) return std::nullopt;
        return AccessDenied{
            AccessDenied::Because::origin,
            fmt::format("Pages from '{}' may not change or query this server. To allow them, "
                        "add the host to {}.\n",
                        quote_for_message(origin), rules.allowed_hosts_setting)};
    }
    if (equals_ignoring_case(request.headers.get("Sec-Fetch-Site"), "cross-site")) {
        return AccessDenied{
            AccessDenied::Because::origin,
            "A page of another site (Sec-Fetch-Site: cross-site) may not change or query "
            "this server.\n"};
    }
    return std::nullopt;
}

}  // namespace inferscope::net
