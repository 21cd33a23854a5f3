// SPDX-License-Identifier: Apache-2.0
#include "net/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "net/secrets.h"

namespace inferscope::net {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

std::optional<int> hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), lower);
    return out;
}

void append_escaped(std::string& out, unsigned char byte) {
    out += '%';
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
}

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

// The messages never repeat the URL: its user info may be a secret.
Error bad(std::string text) { return {Errc::invalid_argument, "bad URL: " + std::move(text)}; }

Result<std::uint16_t> parse_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
        return bad(
            fmt::format("port '{}' is not a number from 1 to 65535", quote_for_message(text, 16)));
    }
    return static_cast<std::uint16_t>(port);
}

struct HostAndPort {
    std::string_view host;
    std::optional<std::string_view> port;
};

Result<HostAndPort> split_host(std::string_view text) {
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return bad("'[' without ']'");
        const auto host = text.substr(1, close - 1);
        const bool is_address =
            host.find(':') != std::string_view::npos && std::ranges::all_of(host, [](char c) {
                return hex_value(c) || is_letter(c) || c == ':' || c == '.' || c == '%' ||
                       c == '-' || c == '_';
            });
        if (!is_address) return bad("between '[' and ']' stands no IPv6 address");
        const auto rest = text.substr(close + 1);
        if (rest.empty()) return HostAndPort{host, std::nullopt};
        if (!rest.starts_with(':')) return bad("something other than a port follows ']'");
        return HostAndPort{host, rest.substr(1)};
    }
    const auto colon = text.find(':');
    const auto host = text.substr(0, colon);
    const bool is_name = std::ranges::all_of(host, [](char c) {
        return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_';
    });
    if (!is_name) return bad("the host holds other characters than letters, digits, '.', '-', '_'");
    if (colon == std::string_view::npos) return HostAndPort{host, std::nullopt};
    return HostAndPort{host, text.substr(colon + 1)};
}

std::string wire_target(std::string_view path_and_query) {
    std::string target;
    if (!path_and_query.starts_with('/')) target += '/';
    for (const char c : path_and_query.substr(0, path_and_query.find('#'))) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80) {
            append_escaped(target, byte);
        } else {
            target += c;
        }
    }
    return target;
}

std::string redact_query(std::string_view query) {
    std::string out;
    while (true) {
        const auto end = query.find('&');
        const auto parameter = query.substr(0, end);
        const auto equals = parameter.find('=');
        const auto name = parameter.substr(0, equals);
        const bool secret = equals != std::string_view::npos &&
                            sounds_secret(percent_decode(name, /*plus_is_space=*/true));
        out += secret ? fmt::format("{}=***", name) : std::string(parameter);
        if (end == std::string_view::npos) return out;
        out += '&';
        query.remove_prefix(end + 1);
    }
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
    const bool printable = std::ranges::none_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte == 0x7f;
    });
    if (!printable) return bad("it holds a space or a control byte");
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return bad("it must begin with http:// or https://");
    Url url;
    url.scheme = lower_case(text.substr(0, scheme_end));
    if (url.scheme != "http" && url.scheme != "https") {
        return bad(fmt::format("scheme '{}' is neither http nor https",
                               quote_for_message(url.scheme, 16)));
    }
    const auto rest = text.substr(scheme_end + 3);
    const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
    auto authority = rest.substr(0, authority_end);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const auto user_info = authority.substr(0, at);
        const auto colon = user_info.find(':');
        url.user = percent_decode(user_info.substr(0, colon), false);
        if (colon != std::string_view::npos) {
            url.password = percent_decode(user_info.substr(colon + 1), false);
        }
        authority.remove_prefix(at + 1);
    }
    const auto host = split_host(authority);
    if (!host) return host.error();
    if (host->host.empty()) return bad("it names no host");
    url.host = lower_case(host->host);
    url.port = default_port(url.scheme);
    if (host->port && !host->port->empty()) {
        const auto port = parse_port(*host->port);
        if (!port) return port.error();
        url.port = *port;
    }
    url.target = wire_target(rest.substr(authority_end));
    return url;
}

std::string Url::authority() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Url::host_header() const {
    std::string text = authority();
    if (port == default_port(scheme)) text.resize(text.rfind(':'));
    return text;
}

std::string Url::redacted() const {
    return fmt::format("{}://{}{}", scheme, host_header(), redact_target(target));
}

std::string redact_target(std::string_view target) {
    const auto question = target.find('?');
    std::string text(target.substr(0, question));
    if (question == std::string_view::npos) return text;
    return text + '?' + redact_query(target.substr(question + 1));
}

Url Url::with_target(std::string_view new_target) const {
    Url other = *this;
    other.target = wire_target(new_target);
    return other;
}

bool Url::same_origin(const Url& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const auto high = hex_value(text[i + 1]);
            const auto low = hex_value(text[i + 2]);
            if (high && low) {
                out += static_cast<char>(*high * 16 + *low);
                i += 2;
                continue;
            }
        }
        out += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            out += c;
        } else {
            append_escaped(out, static_cast<unsigned char>(c));
        }
    }
    return out;
}

}  // namespace inferscope::net
