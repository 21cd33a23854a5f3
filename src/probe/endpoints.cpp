// SPDX-License-Identifier: Apache-2.0
#include "probe/endpoints.h"

#include <array>

namespace inferscope::probe {
namespace {

// Not asked, and why:
// - SGLang's /health generates a token; /v1/models reads a string, in all versions.
// - TGI's /health runs a prefill until the first request has succeeded; /info is constant.
// - vLLM's /is_sleeping answers in development mode only; its metrics page tells the same.
// - llama.cpp's router loads a model that is named in a query; /props names none, and says
// autoload=false besides.
// - SGLang's /server_info holds keys and paths: of it only the version leaves the parser.
constexpr std::array kEndpoints{
    Endpoints{.kind = "vllm",
              .health = "/health",
              .models = "/v1/models",
              .version = "/version",
              .version_old = {},
              .version_key = "version",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 0},
    Endpoints{.kind = "sglang",
              .health = "/v1/models",
              .models = "/v1/models",
              .version = "/server_info",
              .version_old = "/get_server_info",
              .version_key = "version",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 503},
    Endpoints{.kind = "mindie",
              .health = "/v2/health/ready",
              .models = "/v1/models",
              .version = "/info",
              .version_old = {},
              .version_key = "version",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 503},
    Endpoints{.kind = "llamacpp",
              .health = "/health",
              .models = "/v1/models",
              .version = "/props?autoload=false",
              .version_old = {},
              .version_key = "build_info",
              .sleep = "/props?autoload=false",
              .sleep_key = "is_sleeping",
              .loading_status = 503},
    Endpoints{.kind = "tgi",
              .health = "/info",
              .models = "/v1/models",
              .version = "/info",
              .version_old = {},
              .version_key = "version",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 503},
    Endpoints{.kind = "lmdeploy",
              .health = "/health",
              .models = "/v1/models",
              .version = {},
              .version_old = {},
              .version_key = {},
              .sleep = "/is_sleeping",
              .sleep_key = "is_sleeping",
              .loading_status = 503},
    Endpoints{.kind = "tensorrtllm",
              .health = "/health",
              .models = "/v1/models",
              .version = "/version",
              .version_old = {},
              .version_key = "version",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 0},
    Endpoints{.kind = "nim",
              .health = "/v1/health/ready",
              .models = "/v1/models",
              .version = "/v1/version",
              .version_old = {},
              .version_key = "release",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 503},
    Endpoints{.kind = "triton",
              .health = "/v2/health/ready",
              .models = {},
              .version = "/v2",
              .version_old = {},
              .version_key = "version",
              .sleep = {},
              .sleep_key = {},
              .loading_status = 400},
    Endpoints{.kind = {},
              .health = "/v1/models",
              .models = "/v1/models",
              .version = {},
              .version_old = {},
              .version_key = {},
              .sleep = {},
              .sleep_key = {},
              .loading_status = 503},
};

}  // namespace

std::string normal_kind(std::string_view kind) {
    std::string normal;
    for (const char c : kind) {
        if (c >= 'A' && c <= 'Z') normal += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) normal += c;
    }
    return normal == "ascendmindie" ? "mindie" : normal;
}

const Endpoints& endpoints_of(std::string_view kind) {
    const std::string normal = normal_kind(kind);
    for (const auto& row : kEndpoints) {
        if (row.kind == normal) return row;
    }
    return kEndpoints.back();
}

std::span<const Endpoints> all_endpoints() { return kEndpoints; }

}  // namespace inferscope::probe
