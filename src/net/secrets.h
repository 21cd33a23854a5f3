// SPDX-License-Identifier: Apache-2.0
// What sounds like a secret: such values are neither shown nor handed to another origin.
#pragma once

#include <string_view>

namespace inferscope::net {

/// True if the name of a query parameter or header contains token, key, secret, password, passwd,
/// auth, sig, credential or cookie, in any case. Rather one too many: the price is a "***" in a
/// message.
bool sounds_secret(std::string_view name);

}  // namespace inferscope::net
