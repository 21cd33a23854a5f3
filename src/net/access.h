// Who may come in, as far as a request's own headers tell: guards against DNS rebinding (Host) and
// against pages of other sites that use a visitor's browser (Origin, Sec-Fetch-Site). Pure. Source:
// Fetch Metadata (W3C), RFC 6454 (Origin), RFC 9110 7.2 (Host).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace inferscope::net {

struct AccessRules {
    std::string listen_host;                 ///< as configured; empty: all interfaces
    std::vector<std::string> allowed_hosts;  ///< further names, without port
    std::string allowed_hosts_setting;       ///< what messages call the list
    /// Paths that begin so are queries: guarded as changes of state are.
    std::vector<std::string> query_paths;
};

struct AccessDenied {
    enum class Because { host, origin };
    Because because;
    std::string text;  ///< for the client: what came, and how to allow it
};

/// `local_address`: the one that the client called; an address is never a rebound name.
std::optional<AccessDenied> check_access(const HttpRequest& request, const AccessRules& rules,
                                         std::string_view local_address);

}  // namespace inferscope::net
