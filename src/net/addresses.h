// SPDX-License-Identifier: Apache-2.0
// Questions about addresses, asked before anybody connects or is let in.
#pragma once

#include <string_view>

namespace inferscope::net {

/// "localhost", 127.0.0.0/8, ::1 (an IPv6 address with or without brackets), any case; IPv4 within
/// IPv6 counts.
bool is_loopback_host(std::string_view host);

/// 169.254.0.0/16 and fe80::/10, and the metadata services that clouds keep elsewhere:
/// fd00:ec2::254 (AWS), 100.100.100.200 (Alibaba), 168.63.129.16 (Azure), 192.0.0.192 (Oracle).
/// Also where such an IPv4 address stands within an IPv6 one (::ffff:0:0/96, 64:ff9b::/96). False
/// for what is no address.
bool is_link_local_or_metadata(std::string_view address);

/// The same address, however it is spelt. Names are equal without case.
bool is_same_host(std::string_view a, std::string_view b);

}  // namespace inferscope::net
