// "host:port" as people write it.
#include <fmt/format.h>

#include <charconv>

#include "base/text.h"
#include "net/addresses.h"
#include "net/http_server.h"

namespace inferscope::net {

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
    const auto bad = [&](std::string_view why) {
        return Error{
            Errc::invalid_argument,
            fmt::format("listen address '{}': {} (examples: 127.0.0.1:7090, [::1]:7090, :7090)",
                        quote_for_message(text), why)};
    };
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return bad("it has no port");
    auto host = text.substr(0, colon);
    const auto port_text = text.substr(colon + 1);
    ListenAddress address;
    const auto* const end = port_text.data() + port_text.size();
    const auto [stop, failure] = std::from_chars(port_text.data(), end, address.port);
    if (failure != std::errc() || stop != end)
        return bad("the port is not a number from 0 to 65535");
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.find(':') != std::string_view::npos) {
        return bad("an IPv6 address stands in brackets");
    }
    if (host.find_first_of(" /[]@") != std::string_view::npos)
        return bad("the host is not a name or address");
    address.host = host;
    return address;
}

bool ListenAddress::is_loopback() const { return is_loopback_host(host); }

std::string ListenAddress::text() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace inferscope::net
