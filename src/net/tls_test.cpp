// SPDX-License-Identifier: Apache-2.0
// TLS, with certificates made on the spot, and the file that configures it.
#include "net/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "net/site_for_tests.h"

namespace inferscope::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;  // this folder's
using ::testing::HasSubstr;

class Folder {
public:
    Folder()
        : path_(std::filesystem::temp_directory_path() /
                ("net_test_" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
    [[nodiscard]] std::string write(std::string_view name, std::string_view text) const {
        std::ofstream(file(name)) << text;
        return file(name);
    }

private:
    std::filesystem::path path_;
};

void add_extension(X509* certificate, int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/// A certificate for localhost and 127.0.0.1 that has signed itself, and its key: NAME.pem,
/// NAME.key.
void make_certificate(const Folder& folder, const std::string& name) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen(folder.file(name + ".pem").c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(folder.file(name + ".key").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct TlsFiles : Folder {
    TlsFiles() {
        make_certificate(*this, "server");
        make_certificate(*this, "client");
    }
    [[nodiscard]] ServerSettings server() const {
        ServerSettings settings;
        settings.web.cert_file = file("server.pem");
        settings.web.key_file = file("server.key");
        return settings;
    }
    [[nodiscard]] ClientSettings client() const {
        ClientSettings settings;
        settings.tls.ca_file = file("server.pem");
        return settings;
    }
};

TEST(HttpServer, SpeaksTlsAndKeepsTheConnection) {
    const TlsFiles files;
    Site site(files.server());
    Url url = site.url();
    url.scheme = "https";
    HttpClient client(site.io.get_executor(), url, files.client());
    for (const auto* target : {"/small", "/large", "/small"}) {
        const auto response = wait_for(site.io, client.send(request_to(target), 5s));
        ASSERT_TRUE(response) << response.error().text;
        EXPECT_GE(response->body.size(), 100u);
    }
    EXPECT_EQ(site.server.counters().open_connections, 1u);
}

TEST(HttpServer, TakesLargeBodiesOverTls) {
    const TlsFiles files;
    Site site(files.server());
    const auto response =
        site.send(request_to("/", "POST", std::string(1u << 20, 'y')), files.client(), "https");
    ASSERT_TRUE(response) << response.error().text;
    EXPECT_GT(response->body.size(), 1u << 20);
}

TEST(HttpClient, RefusesACertificateThatNobodyItTrustsHasSigned) {
    const TlsFiles files;
    Site site(files.server());
    ClientSettings settings;
    settings.tls.ca_file = files.file("client.pem");
    const auto response = site.send(request_to("/"), settings, "https");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().phase, Phase::tls);
    EXPECT_THAT(response.error().text, HasSubstr("certificate of '127.0.0.1' is not accepted"));
    settings.tls.insecure_skip_verify = true;
    EXPECT_TRUE(site.send(request_to("/"), settings, "https"));
}

TEST(HttpClient, RefusesACertificateForAnotherName) {
    const TlsFiles files;
    Site site(files.server());
    ClientSettings settings = files.client();
    settings.tls.server_name = "gpu7.example";
    EXPECT_EQ(site.send(request_to("/"), settings, "https").error().phase, Phase::tls);
    settings.tls.server_name = "localhost";
    EXPECT_TRUE(site.send(request_to("/"), settings, "https"));
}

TEST(HttpClient, SaysThatThePeerSpeaksNoTls) {
    Site site;
    const auto response = site.send(request_to("/"), {}, "https");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().phase, Phase::tls);
    EXPECT_THAT(response.error().text, HasSubstr("speaks no TLS"));
}

TEST(HttpClient, NamesACaFileThatIsNotThere) {
    ClientSettings settings;
    settings.tls.ca_file = "/nowhere/ca.pem";
    Site site;
    const auto response = site.send(request_to("/"), settings, "https");
    ASSERT_FALSE(response);
    EXPECT_THAT(response.error().text, HasSubstr("ca_file '/nowhere/ca.pem'"));
}

TEST(HttpServer, AsksForClientCertificates) {
    const TlsFiles files;
    auto settings = files.server();
    settings.web.client_auth_type = "RequireAndVerifyClientCert";
    settings.web.client_ca_file = files.file("client.pem");
    Site site(settings);
    EXPECT_FALSE(site.send(request_to("/"), files.client(), "https"));
    auto known = files.client();
    known.tls.cert_file = files.file("client.pem");
    known.tls.key_file = files.file("client.key");
    const auto response = site.send(request_to("/"), known, "https");
    EXPECT_TRUE(response) << response.error().text;
    auto unknown = files.client();
    unknown.tls.cert_file = files.file("server.pem");
    unknown.tls.key_file = files.file("server.key");
    EXPECT_FALSE(site.send(request_to("/"), unknown, "https"));
}

TEST(HttpServer, ShowsANewCertificateFromTheNextConnectionOn) {
    const TlsFiles files;
    Site site(files.server());
    Url url = site.url();
    url.scheme = "https";
    HttpClient old_client(site.io.get_executor(), url, files.client());
    ASSERT_TRUE(wait_for(site.io, old_client.send(request_to("/"), 5s)));
    auto web = files.server().web;
    web.cert_file = files.file("client.pem");
    EXPECT_FALSE(site.server.set_web(web)) << "the key is another certificate's";
    EXPECT_TRUE(site.send(request_to("/"), files.client(), "https"));
    web.key_file = files.file("client.key");
    ASSERT_TRUE(site.server.set_web(web));
    EXPECT_FALSE(site.send(request_to("/"), files.client(), "https"));
    auto new_settings = files.client();
    new_settings.tls.ca_file = files.file("client.pem");
    EXPECT_TRUE(site.send(request_to("/"), new_settings, "https"));
    EXPECT_TRUE(wait_for(site.io, old_client.send(request_to("/"), 5s))) << "it is connected";
}

// The web configuration file

TEST(WebConfig, ReadsAFileWithPathsRelativeToIt) {
    const TlsFiles files;
    const auto path =
        files.write("web.yml",
                    "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
                    "  min_version: TLS13\n"
                    "http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n"
                    "basic_auth_users:\n  alice: " +
                        bcrypt("x") + "\n");
    const auto config = WebConfig::load(path);
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(config->cert_file, files.file("server.pem"));
    EXPECT_EQ(config->min_version, "TLS13");
    EXPECT_EQ(config->headers.at("X-Frame-Options"), "deny");
    EXPECT_EQ(config->users.size(), 1u);
}

TEST(WebConfig, RefusesWhatItDoesNotUnderstand) {
    const TlsFiles files;
    const auto failure = [&](std::string_view text) {
        const auto config = WebConfig::load(files.write("web.yml", text));
        return config ? std::string("accepted") : config.error().text;
    };
    EXPECT_THAT(failure("basic_auth_user: {}\n"), HasSubstr("did you mean 'basic_auth_users'?"));
    EXPECT_THAT(failure("basic_auth_users:\n  alice: plain\n"), HasSubstr("not a bcrypt hash"));
    EXPECT_THAT(failure("tls_server_config:\n  cert_file: server.pem\n"),
                HasSubstr("needs cert_file and key_file"));
    EXPECT_THAT(failure("tls_server_config:\n  cert_file: none.pem\n  key_file: server.key\n"),
                HasSubstr("none.pem"));
    EXPECT_THAT(failure("tls_server_config:\n  cert_file: server.pem\n  key_file: client.key\n"),
                HasSubstr("client.key"));
    EXPECT_THAT(failure("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  "
                        "min_version: SSL3\n"),
                HasSubstr("'SSL3' is none of TLS10"));
    EXPECT_THAT(failure("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
                        "  client_auth_type: RequireAndVerifyClientCert\n"),
                HasSubstr("needs client_ca_file"));
    EXPECT_THAT(failure("http_server_config:\n  headers:\n    X-Other: 1\n"), HasSubstr("X-Other"));
    EXPECT_FALSE(WebConfig::load("/nowhere/web.yml"));
}

TEST(HttpServer, SendsTheConfiguredHeaders) {
    ServerSettings settings;
    settings.web.headers = {{"X-Frame-Options", "deny"}};
    Site site(settings);
    EXPECT_EQ(site.send(request_to("/"))->headers.get("X-Frame-Options"), "deny");
}

}  // namespace
}  // namespace inferscope::net
