// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "base/check.h"
#include "net/http_client.h"
#include "net/http_server.h"

namespace inferscope::net {
namespace {

// OpenSSL's own socket BIO calls write(2), which raises SIGPIPE when the peer has gone; this one
// doesn't.
int socket_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int bio_result(BIO* bio, ssize_t count, int retry_flag) {
    BIO_clear_retry_flags(bio);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    }
    return static_cast<int>(count);
}

int bio_write(BIO* bio, const char* data, int size) {
    const auto count = ::send(socket_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    return bio_result(bio, count, BIO_FLAGS_WRITE);
}

int bio_read(BIO* bio, char* data, int size) {
    const auto count = ::recv(socket_of(bio), data, static_cast<std::size_t>(size), 0);
    return bio_result(bio, count, BIO_FLAGS_READ);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* socket_method() {
    static BIO_METHOD* const kMethod = [] {
        BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_control);
        return method;
    }();
    return kMethod;
}

BIO* make_bio(int socket) {
    BIO* bio = BIO_new(socket_method());
    CHECK(bio != nullptr, "OpenSSL has memory for a BIO");
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio, 1);
    return bio;
}

std::string last_error() {
    const auto code = ERR_get_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code)) return std::system_category().message(ERR_GET_REASON(code));
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "unknown error";
}

Error bad_file(std::string_view what, const std::string& path) {
    return {Errc::invalid_argument, fmt::format("{} '{}': {}", what, path, last_error())};
}

using Context = std::shared_ptr<SSL_CTX>;

Context make_context(const SSL_METHOD* method) {
    ERR_clear_error();
    Context context(SSL_CTX_new(method), SSL_CTX_free);
    CHECK(context != nullptr, "OpenSSL can make a context");
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return context;
}

Result<void> use_certificate(SSL_CTX* context, const std::string& cert, const std::string& key) {
    if (SSL_CTX_use_certificate_chain_file(context, cert.c_str()) != 1) {
        return bad_file("cert_file", cert);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return bad_file("key_file", key);
    }
    if (SSL_CTX_check_private_key(context) != 1) {
        return bad_file("key_file doesn't belong to the certificate:", key);
    }
    return {};
}

int version_number(std::string_view name) {
    if (name == "TLS10") return TLS1_VERSION;
    if (name == "TLS11") return TLS1_1_VERSION;
    if (name == "TLS13") return TLS1_3_VERSION;
    return TLS1_2_VERSION;
}

/// Any certificate will do, as long as there is one: RequireAnyClientCert and RequestClientCert.
int accept_any(int, X509_STORE_CTX*) { return 1; }

Result<void> ask_for_client_certificate(SSL_CTX* context, const WebConfig& config) {
    const auto& type = config.client_auth_type;
    if (type == "NoClientCert") return {};
    const bool verify = type == "VerifyClientCertIfGiven" || type == "RequireAndVerifyClientCert";
    const bool require = type == "RequireAnyClientCert" || type == "RequireAndVerifyClientCert";
    const int mode = SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    SSL_CTX_set_verify(context, mode, verify ? nullptr : accept_any);
    if (config.client_ca_file.empty()) return {};
    const auto& path = config.client_ca_file;
    if (SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) != 1) {
        return bad_file("client_ca_file", path);
    }
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(path.c_str()));
    return {};
}

bool is_address(const std::string& name) {
    ASN1_OCTET_STRING* const address = a2i_IPADDRESS(name.c_str());
    ASN1_OCTET_STRING_free(address);
    return address != nullptr;
}

void expect_name(SSL* session, const std::string& name) {
    if (is_address(name)) {  // SNI carries names only (RFC 6066)
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str());
        return;
    }
    SSL_set_tlsext_host_name(session, name.c_str());
    SSL_set1_host(session, name.c_str());
}

}  // namespace

Result<TlsContext> TlsContext::for_client(const TlsSettings& settings) {
    TlsContext made;
    made.context_ = make_context(TLS_client_method());
    SSL_CTX* const context = made.context_.get();
    SSL_CTX_set_verify(context, settings.insecure_skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       nullptr);
    if (settings.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context);
    } else if (SSL_CTX_load_verify_locations(context, settings.ca_file.c_str(), nullptr) != 1) {
        return bad_file("ca_file", settings.ca_file);
    }
    if (settings.cert_file.empty()) return made;
    auto used = use_certificate(context, settings.cert_file, settings.key_file);
    if (!used) return used.error();
    return made;
}

Result<TlsContext> TlsContext::for_server(const WebConfig& config) {
    TlsContext made;
    made.server_ = true;
    made.context_ = make_context(TLS_server_method());
    SSL_CTX* const context = made.context_.get();
    SSL_CTX_set_min_proto_version(context, version_number(config.min_version));
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    constexpr unsigned char kSessionContext[] = "inferscope";
    SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
    auto used = use_certificate(context, config.cert_file, config.key_file);
    if (!used) return used.error();
    auto asked = ask_for_client_certificate(context, config);
    if (!asked) return asked.error();
    return made;
}

TlsSession::TlsSession(const TlsContext& context, int socket, const std::string& server_name)
    : session_(SSL_new(context.get())), server_name_(server_name) {
    CHECK(session_ != nullptr, "OpenSSL has memory for a session");
    BIO* const bio = make_bio(socket);
    SSL_set_bio(session_, bio, bio);
    if (context.is_server()) {
        SSL_set_accept_state(session_);
    } else {
        SSL_set_connect_state(session_);
        expect_name(session_, server_name);
    }
}

TlsSession::~TlsSession() { SSL_free(session_); }

std::string TlsSession::explain_failure() const {
    const auto code = ERR_peek_error();
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        ERR_clear_error();
        const long verdict = SSL_get_verify_result(session_);
        return fmt::format("TLS: the certificate of '{}' is not accepted: {}",
                           server_name_.empty() ? "the client" : server_name_,
                           X509_verify_cert_error_string(verdict));
    }
    const bool speaks_plain = ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER ||
                              ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
    const auto reason = last_error();
    return fmt::format("TLS: {}{}", reason, speaks_plain ? " (the peer speaks no TLS)" : "");
}

Attempt TlsSession::attempt_of(int result) {
    if (result > 0) return {Attempt::Outcome::done, static_cast<std::size_t>(result), {}};
    const int saved_errno = errno;
    switch (SSL_get_error(session_, result)) {
        case SSL_ERROR_WANT_READ:
            return {Attempt::Outcome::wants_read, 0, {}};
        case SSL_ERROR_WANT_WRITE:
            return {Attempt::Outcome::wants_write, 0, {}};
        case SSL_ERROR_ZERO_RETURN:
            return {Attempt::Outcome::ended, 0, {}};
        case SSL_ERROR_SYSCALL:
            ERR_clear_error();
            return {Attempt::Outcome::failed,
                    0,
                    {Errc::unavailable, saved_errno == EPIPE || saved_errno == ECONNRESET
                                            ? "the peer reset the connection"
                                            : "the connection closed within TLS"}};
        default:
            break;
    }
    const bool cut_off = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (cut_off) {
        ERR_clear_error();
        return {Attempt::Outcome::failed,
                0,
                {Errc::unavailable, "the peer closed the connection without ending TLS"}};
    }
    return {Attempt::Outcome::failed, 0, {Errc::permission_denied, explain_failure()}};
}

Attempt TlsSession::handshake() {
    ERR_clear_error();
    return attempt_of(SSL_do_handshake(session_));
}

Attempt TlsSession::read(char* data, std::size_t size) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(session_, data, size, &count);
    auto attempt = attempt_of(result);
    attempt.count = count;
    return attempt;
}

Attempt TlsSession::write(const char* data, std::size_t size) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(session_, data, size, &count);
    auto attempt = attempt_of(result);
    attempt.count = count;
    return attempt;
}

bool TlsSession::has_pending() const { return SSL_has_pending(session_) != 0; }

bool TlsSession::is_quiet() {
    ERR_clear_error();
    char byte = 0;
    const int result = SSL_peek(session_, &byte, 1);
    return result <= 0 && SSL_get_error(session_, result) == SSL_ERROR_WANT_READ;
}

void TlsSession::say_goodbye() {
    ERR_clear_error();
    if (SSL_is_init_finished(session_) != 0) SSL_shutdown(session_);
    ERR_clear_error();
}

}  // namespace inferscope::net
