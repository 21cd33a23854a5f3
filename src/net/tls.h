// TLS over OpenSSL: contexts are made when the first connection needs them, sessions read and write
// a socket that doesn't block, and hold no buffers while they are idle.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace inferscope::net {

struct TlsSettings;
struct WebConfig;

/// Certificates, keys and rules, shared by sessions. Empty until made.
class TlsContext {
public:
    TlsContext() = default;
    /// Fails with invalid_argument, and the file's name, if a file can't be read or isn't what it
    /// should be.
    static Result<TlsContext> for_client(const TlsSettings& settings);
    static Result<TlsContext> for_server(const WebConfig& config);

    [[nodiscard]] bool is_server() const { return server_; }
    [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }
    explicit operator bool() const { return context_ != nullptr; }

private:
    std::shared_ptr<ssl_ctx_st> context_;
    bool server_ = false;
};

/// What one try at a socket that doesn't block came to.
struct Attempt {
    enum class Outcome { done, wants_read, wants_write, ended, failed };
    Outcome outcome = Outcome::done;
    std::size_t count = 0;  ///< bytes, if done
    Error error;            ///< if failed
};

/// One side of one connection. Writes never raise SIGPIPE. Thread: confined to its connection.
class TlsSession {
public:
    TlsSession(const TlsContext& context, int socket, const std::string& server_name);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    Attempt handshake();
    Attempt read(char* data, std::size_t size);
    Attempt write(const char* data, std::size_t size);
    /// Bytes have been taken from the socket that read() hasn't given yet.
    [[nodiscard]] bool has_pending() const;
    /// No byte of the application has arrived unread, and the peer hasn't closed.
    bool is_quiet();
    /// Tells the peer that we are done, if that goes without waiting.
    void say_goodbye();

private:
    Attempt attempt_of(int result);
    std::string explain_failure() const;

    ssl_st* session_;
    std::string server_name_;
};

}  // namespace inferscope::net
