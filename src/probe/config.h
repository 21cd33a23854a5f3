// SPDX-License-Identifier: Apache-2.0
// Settings of the probes, with their defaults and bounds.
#pragma once

#include <string>

#include "base/time.h"
#include "base/yaml.h"
#include "net/http.h"
#include "net/http_client.h"
#include "net/url.h"
#include "telemetry/labels.h"

namespace inferscope::probe {

/// The synthetic chat request. Off unless somebody asks for it: it makes the engine work.
struct ChatSettings {
    bool enabled = false;
    std::string model;  ///< empty: the first that the engine lists
    std::string prompt = "Say OK.";
    std::uint64_t max_tokens = 8;
    Millis interval{60'000};
    Millis timeout{30'000};  ///< for the whole answer
};

/// What all probes share: the section `probe:` of the configuration.
struct ProbeConfig {
    Millis interval{15'000};
    Millis timeout{5'000};  ///< for each request
    ChatSettings chat;

    /// Reads `{interval, timeout, chat: {enabled, model, prompt, max_tokens, interval, timeout}}`;
    /// what is wrong goes to `diagnostics`.
    static ProbeConfig read(const YAML::Node& node, yaml::Diagnostics& diagnostics);
};

/// One engine's probe.
struct ProbeSettings {
    std::string kind;  ///< any spelling; empty: an OpenAI-compatible server
    net::Url base;     ///< of its API; a path is a prefix
    Labels
        labels;  ///< on every series: `job`, `instance` and `engine` in serve, none in the exporter
    Millis interval{15'000};
    Millis timeout{5'000};
    /// Where an endpoint wants a key, it is asked again only after this time. 0: each round, as the
    /// seed's exporter.
    Millis key_retry{600'000};
    /// A first wait of hash(URL) % interval, so that many probes don't start together.
    bool is_spread = true;
    net::Headers headers;  ///< credentials that the configuration names for this engine
    net::ClientSettings client{.tls = {}, .max_body_bytes = 1u << 20};
};

}  // namespace inferscope::probe
