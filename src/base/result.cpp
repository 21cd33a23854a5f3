// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <fmt/format.h>

namespace inferscope {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return "invalid_argument";
        case Errc::not_found:
            return "not_found";
        case Errc::already_exists:
            return "already_exists";
        case Errc::limit_exceeded:
            return "limit_exceeded";
        case Errc::timeout:
            return "timeout";
        case Errc::connection_refused:
            return "connection_refused";
        case Errc::unavailable:
            return "unavailable";
        case Errc::permission_denied:
            return "permission_denied";
        case Errc::no_space:
            return "no_space";
        case Errc::io_error:
            return "io_error";
        case Errc::cancelled:
            return "cancelled";
    }
    return "unknown";
}

Error Error::with(std::string_view place) const {
    return {code, fmt::format("{}: {}", place, text)};
}

std::string ParseError::message() const {
    std::string out = file;
    if (line > 0) out += fmt::format("{}{}", out.empty() ? "line " : ":", line);
    if (column > 0) out += fmt::format("{}{}", file.empty() ? " column " : ":", column);
    if (!out.empty()) out += ": ";
    return out + text;
}

}  // namespace inferscope
