// SPDX-License-Identifier: Apache-2.0
#include "net/secrets.h"

#include <algorithm>
#include <array>

namespace inferscope::net {
namespace {

constexpr std::array<std::string_view, 9> kSecretWords = {
    "token", "key", "secret", "password", "passwd", "auth", "sig", "credential", "cookie"};

bool equal_without_case(char a, char b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(a) == lower(b);
}

}  // namespace

bool sounds_secret(std::string_view name) {
    return std::ranges::any_of(kSecretWords, [&](std::string_view word) {
        return !std::ranges::search(name, word, equal_without_case).empty();
    });
}

}  // namespace inferscope::net
