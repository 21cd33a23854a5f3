// SPDX-License-Identifier: Apache-2.0
#include "discovery/http_settings.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/yaml.h"

namespace inferscope::discovery {
namespace {

constexpr std::size_t kMaxCredentialsBytes = 64u << 10;

/// RFC 4648, section 4.
std::string base64(std::string_view bytes) {
    static constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        for (std::size_t k = 0; k < 3; ++k) {
            group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            out += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
        }
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    static constexpr std::string_view kSpaces = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(kSpaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

Result<Secret> secret_of(const Secret& written, const std::string& file) {
    if (file.empty()) return written;
    auto text = yaml::read_file(file, kMaxCredentialsBytes);
    if (!text) return text.error();
    return Secret(std::string(trimmed(*text)));
}

}  // namespace

bool HttpSettings::operator==(const HttpSettings& other) const {
    const auto same_tls = [](const net::TlsSettings& a, const net::TlsSettings& b) {
        return a.ca_file == b.ca_file && a.cert_file == b.cert_file && a.key_file == b.key_file &&
               a.server_name == b.server_name && a.insecure_skip_verify == b.insecure_skip_verify;
    };
    return basic_auth == other.basic_auth && authorization == other.authorization &&
           same_tls(tls, other.tls) && follow_redirects == other.follow_redirects;
}

Result<Secret> authorization_header(const HttpSettings& settings) {
    if (settings.basic_auth) {
        const auto& basic = *settings.basic_auth;
        auto password = secret_of(basic.password, basic.password_file);
        if (!password) return password.error().with("basic_auth password_file");
        return Secret("Basic " + base64(basic.username + ":" + password->reveal()));
    }
    if (settings.authorization) {
        const auto& authorization = *settings.authorization;
        auto credentials = secret_of(authorization.credentials, authorization.credentials_file);
        if (!credentials) return credentials.error().with("authorization credentials_file");
        return Secret(authorization.type + " " + credentials->reveal());
    }
    return Secret();
}

net::ClientSettings client_settings(const HttpSettings& settings, std::uint64_t max_body_bytes,
                                    bool refuse_link_local) {
    net::ClientSettings client;
    client.tls = settings.tls;
    if (max_body_bytes > 0) client.max_body_bytes = max_body_bytes;
    client.max_redirects = settings.follow_redirects ? kMaxRedirects : 0;
    client.refuse_link_local = refuse_link_local;
    return client;
}

}  // namespace inferscope::discovery
