// SPDX-License-Identifier: Apache-2.0
#include "net/addresses.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <optional>

#include "net/http.h"

namespace inferscope::net {
namespace {

namespace ip = boost::asio::ip;

std::optional<ip::address> parse_address(std::string_view text) {
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    boost::system::error_code failure;
    const auto address = ip::make_address(text, failure);
    return failure ? std::nullopt : std::optional(address);
}

/// The IPv4 address within a mapped (::ffff:0:0/96) or translated (64:ff9b::/96) IPv6 one.
std::optional<ip::address_v4> embedded_v4(const ip::address_v6& address) {
    constexpr std::array<unsigned char, 12> kTranslated = {0x00, 0x64, 0xff, 0x9b};
    const auto bytes = address.to_bytes();
    const bool translated = std::equal(kTranslated.begin(), kTranslated.end(), bytes.begin());
    if (!address.is_v4_mapped() && !translated) return std::nullopt;
    return ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

ip::address plain(const ip::address& address) {
    if (!address.is_v6()) return address;
    const auto v4 = embedded_v4(address.to_v6());
    return v4 ? ip::address(*v4) : address;
}

bool is_link_local(const ip::address& address) {
    if (address.is_v6()) return address.to_v6().is_link_local();
    const auto bytes = address.to_v4().to_bytes();
    return bytes[0] == 169 && bytes[1] == 254;
}

}  // namespace

bool is_loopback_host(std::string_view host) {
    if (equals_ignoring_case(host, "localhost")) return true;
    const auto address = parse_address(host);
    return address && plain(*address).is_loopback();
}

bool is_link_local_or_metadata(std::string_view text) {
    static const std::array kMetadata = {
        ip::make_address("fd00:ec2::254"), ip::make_address("100.100.100.200"),
        ip::make_address("168.63.129.16"), ip::make_address("192.0.0.192")};
    const auto parsed = parse_address(text);
    if (!parsed) return false;
    const auto address = plain(*parsed);
    return is_link_local(address) || std::ranges::find(kMetadata, address) != kMetadata.end();
}

bool is_same_host(std::string_view a, std::string_view b) {
    const auto first = parse_address(a);
    const auto second = parse_address(b);
    if (first && second) return plain(*first) == plain(*second);
    return equals_ignoring_case(a, b);
}

}  // namespace inferscope::net
