#include "net/credentials.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>
#include <memory>

#include "base/check.h"
#include "net/http.h"

namespace inferscope::net {
namespace {

constexpr std::size_t kMaxRemembered = 128;  // of each kind; then forgotten altogether

bool is_bcrypt_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '/';
}

}  // namespace

std::optional<Login> parse_basic_authorization(std::string_view value) {
    namespace base64 = boost::beast::detail::base64;
    constexpr std::string_view kScheme = "Basic ";
    if (!equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return std::nullopt;
    const auto encoded = value.substr(kScheme.size());
    std::string plain(base64::decoded_size(encoded.size()) + 1, '\0');
    const auto [size, used] = base64::decode(plain.data(), encoded.data(), encoded.size());
    plain.resize(size);
    const auto colon = plain.find(':');
    if (colon == std::string::npos) return std::nullopt;
    return Login{plain.substr(0, colon), plain.substr(colon + 1)};
}

bool is_bcrypt_hash(std::string_view text) {
    constexpr std::size_t kSize = 60;
    if (text.size() != kSize || !text.starts_with("$2") || text[3] != '$' || text[6] != '$')
        return false;
    const bool known = text[2] == 'a' || text[2] == 'b' || text[2] == 'y';
    const int cost = (text[4] - '0') * 10 + (text[5] - '0');
    return known && cost >= 4 && cost <= 31 && std::ranges::all_of(text.substr(7), is_bcrypt_digit);
}

bool matches_bcrypt(const std::string& password, const std::string& hash) {
    // crypt reads up to a NUL: a password with one would match its own beginning.
    if (password.find('\0') != std::string::npos) return false;
    const auto memory = std::make_unique<crypt_data>();  // 32 KiB: not for the stack
    const char* const made = crypt_r(password.c_str(), hash.c_str(), memory.get());
    if (made == nullptr) return false;
    const std::string_view result = made;
    return result.size() == hash.size() && CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
}

Credentials::Credentials(std::map<std::string, std::string> users) : users_(std::move(users)) {
    if (users_.empty()) return;
    CHECK(RAND_bytes(key_.data(), static_cast<int>(key_.size())) == 1, "OpenSSL has random bytes");
}

std::optional<bool> Credentials::recall(const Login& login) const {
    const auto print = fingerprint(login);
    if (accepted_.contains(print)) return true;
    if (refused_.contains(print)) return false;
    return std::nullopt;
}

const std::string& Credentials::hash_of(const std::string& user) const {
    const auto found = users_.find(user);
    return found != users_.end() ? found->second : users_.begin()->second;
}

bool Credentials::conclude(const Login& login, bool matches) {
    const bool accepted = matches && users_.contains(login.user);
    auto& remembered = accepted ? accepted_ : refused_;
    if (remembered.size() >= kMaxRemembered) remembered.clear();
    remembered.insert(fingerprint(login));
    return accepted;
}

Credentials::Fingerprint Credentials::fingerprint(const Login& login) const {
    std::string text = hash_of(login.user);
    text += '\0';
    text += login.user;  // holds no ':' (it was split there), so that the parts can't be shifted
    text += ':';
    text += login.password;
    Fingerprint print{};
    unsigned int size = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), print.data(), &size);
    OPENSSL_cleanse(text.data(), text.size());
    return print;
}

}  // namespace inferscope::net
