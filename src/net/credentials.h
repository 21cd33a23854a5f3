// Users and their bcrypt hashes, and what was found out about passwords, since bcrypt takes 100 ms
// on purpose.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace inferscope::net {

struct Login {
    std::string user;
    std::string password;
};

/// The user and password of an Authorization header; none if it isn't a Basic one.
std::optional<Login> parse_basic_authorization(std::string_view value);

/// "$2a$", "$2b$" or "$2y$", a cost and 53 characters of salt and hash.
bool is_bcrypt_hash(std::string_view text);

/// Slow (that is bcrypt's point), pure: for a background thread.
bool matches_bcrypt(const std::string& password, const std::string& hash);

/// Thread: confined to one; matches_bcrypt is called elsewhere in between.
class Credentials {
public:
    explicit Credentials(std::map<std::string, std::string> users);

    [[nodiscard]] bool required() const { return !users_.empty(); }
    /// What an earlier check found; none if there was none.
    [[nodiscard]] std::optional<bool> recall(const Login& login) const;
    /// The hash to check against; for unknown users another one, so that they take the same time.
    [[nodiscard]] const std::string& hash_of(const std::string& user) const;
    /// Keeps the outcome of matches_bcrypt(login.password, hash_of(login.user)); true if the user
    /// may come in.
    bool conclude(const Login& login, bool matches);

private:
    using Fingerprint = std::array<unsigned char, 32>;
    /// A keyed hash of user, password and stored hash: what is remembered is of no use elsewhere.
    [[nodiscard]] Fingerprint fingerprint(const Login& login) const;

    std::map<std::string, std::string> users_;
    std::array<unsigned char, 32> key_;
    std::set<Fingerprint> accepted_;
    std::set<Fingerprint> refused_;  // apart, so that guessing doesn't push good ones out
};

}  // namespace inferscope::net
