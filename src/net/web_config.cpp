// SPDX-License-Identifier: Apache-2.0
// Reading Prometheus's web configuration file.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "base/log.h"
#include "base/text.h"
#include "base/yaml.h"
#include "net/credentials.h"
#include "net/http_server.h"
#include "net/tls.h"

namespace inferscope::net {
namespace {

constexpr std::array<std::string_view, 5> kClientAuthTypes = {
    "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert"};
constexpr std::array<std::string_view, 4> kTlsVersions = {"TLS10", "TLS11", "TLS12", "TLS13"};
// Those that Prometheus allows; others could break the answers.
constexpr std::array<std::string_view, 5> kHeaders = {
    "Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options",
    "X-Frame-Options", "X-XSS-Protection"};

void read_choice(yaml::MapReader& map, std::string_view key, std::string& out,
                 std::span<const std::string_view> choices, yaml::Diagnostics& diagnostics) {
    map.read(key, [&](const YAML::Node& node) {
        auto text = yaml::scalar_text(node, key, diagnostics);
        if (!text) return;
        if (std::ranges::find(choices, *text) == choices.end()) {
            diagnostics.fail(node, fmt::format("{} '{}' is none of {}", key,
                                               quote_for_message(*text), fmt::join(choices, ", ")));
        }
        out = std::move(*text);
    });
}

void read_tls(const YAML::Node& node, std::string_view folder, WebConfig& config,
              yaml::Diagnostics& diagnostics) {
    yaml::MapReader map(node, "tls_server_config", diagnostics);
    map.read_path("cert_file", config.cert_file, folder);
    map.read_path("key_file", config.key_file, folder);
    map.read_path("client_ca_file", config.client_ca_file, folder);
    read_choice(map, "client_auth_type", config.client_auth_type, kClientAuthTypes, diagnostics);
    read_choice(map, "min_version", config.min_version, kTlsVersions, diagnostics);
    map.finish();
    const bool verifies = config.client_auth_type == "VerifyClientCertIfGiven" ||
                          config.client_auth_type == "RequireAndVerifyClientCert";
    if (config.cert_file.empty() || config.key_file.empty()) {
        diagnostics.fail(node, "tls_server_config needs cert_file and key_file");
    } else if (verifies && config.client_ca_file.empty()) {
        diagnostics.fail(
            node, fmt::format("client_auth_type {} needs client_ca_file", config.client_auth_type));
    } else if (!config.client_ca_file.empty() && config.client_auth_type == "NoClientCert") {
        diagnostics.fail(node, "client_ca_file is of no use with client_auth_type NoClientCert");
    }
}

void read_headers(const YAML::Node& node, WebConfig& config, yaml::Diagnostics& diagnostics) {
    yaml::MapReader map(node, "headers", diagnostics);
    for (const auto name : kHeaders) {
        std::string value;
        map.read(name, value);
        const bool breaks_line =
            value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
        if (breaks_line) diagnostics.fail(node, fmt::format("{} holds a line break", name));
        if (!value.empty()) config.headers.emplace(name, std::move(value));
    }
    map.finish();
}

void read_users(yaml::MapReader& root, WebConfig& config, yaml::Diagnostics& diagnostics) {
    std::vector<std::pair<std::string, std::string>> users;
    root.read("basic_auth_users", users);
    root.read("basic_auth_users", [&](const YAML::Node& node) {
        for (const auto& [name, hash] : users) {
            if (!is_bcrypt_hash(hash)) {
                diagnostics.fail(
                    node, fmt::format("basic_auth_users: what stands for '{}' is not a bcrypt hash "
                                      "(make one with htpasswd -nBC 10 \"\")",
                                      quote_for_message(name)));
            }
        }
    });
    config.users = {users.begin(), users.end()};
}

}  // namespace

Result<WebConfig> WebConfig::load(const std::string& path) {
    constexpr std::size_t kMaxBytes = 1u << 20;
    const auto text = yaml::read_file(path, kMaxBytes);
    if (!text) return text.error();
    const auto document = yaml::parse(*text, path);
    if (!document) return document.error().error();
    WebConfig config;
    yaml::Diagnostics diagnostics(path);
    yaml::MapReader root(*document, "web configuration", diagnostics);
    const auto folder = std::filesystem::path(path).parent_path().string();
    root.read("tls_server_config",
              [&](const YAML::Node& node) { read_tls(node, folder, config, diagnostics); });
    root.read("http_server_config", [&](const YAML::Node& node) {
        yaml::MapReader map(node, "http_server_config", diagnostics);
        map.unsupported("http2", "HTTP/1.1 is spoken");
        map.read("headers",
                 [&](const YAML::Node& headers) { read_headers(headers, config, diagnostics); });
        map.finish();
    });
    read_users(root, config, diagnostics);
    root.finish();
    if (diagnostics.error()) return diagnostics.error()->error();
    for (const auto& warning : diagnostics.warnings()) log::warning("{}", warning.message());
    if (!config.uses_tls()) return config;
    const auto context = TlsContext::for_server(config);
    if (!context) return context.error().with(path);
    return config;
}

}  // namespace inferscope::net
