// SPDX-License-Identifier: Apache-2.0
#include "net/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/addresses.h"
#include "net/http.h"

namespace inferscope::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Url, ReadsAllItsParts) {
    const auto url = Url::parse("HTTPS://us%40er:p%3Aw@GPU7.Example:8443/a/b?c=d#fragment");
    ASSERT_TRUE(url) << url.error().text;
    EXPECT_EQ(url->scheme, "https");
    EXPECT_EQ(url->user, "us@er");
    EXPECT_EQ(url->password, "p:w");
    EXPECT_EQ(url->host, "gpu7.example");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->target, "/a/b?c=d");
    EXPECT_EQ(url->authority(), "gpu7.example:8443");
}

TEST(Url, FillsInPortAndPath) {
    EXPECT_EQ(Url::parse("http://h")->port, 80);
    EXPECT_EQ(Url::parse("https://h:")->port, 443);
    EXPECT_EQ(Url::parse("http://h?x")->target, "/?x");
    EXPECT_EQ(Url::parse("http://h#x")->target, "/");
    EXPECT_EQ(Url::parse("http://h:80")->host_header(), "h");
    EXPECT_EQ(Url::parse("https://h:80")->host_header(), "h:80");
    EXPECT_EQ(Url::parse("http://h/\xc3\xa9")->target, "/%C3%A9");
}

TEST(Url, ReadsIpv6Hosts) {
    const auto url = Url::parse("http://[2001:DB8::1]:90/x");
    ASSERT_TRUE(url) << url.error().text;
    EXPECT_EQ(url->host, "2001:db8::1");
    EXPECT_EQ(url->authority(), "[2001:db8::1]:90");
    EXPECT_EQ(Url::parse("http://[::1]/")->host_header(), "[::1]");
}

TEST(Url, RefusesWhatIsNoHttpUrl) {
    for (const auto* bad : {"",
                            "h:80/x",
                            "ftp://h/",
                            "http://",
                            "http:///x",
                            "http://:80/",
                            "http://h:0/",
                            "http://h:65536/",
                            "http://h:x/",
                            "http://h:80 /",
                            "http://h/a b",
                            "http://h/\n",
                            "http://[::1/",
                            "http://[]/",
                            "http://[h]/",
                            "http://[::1]x/",
                            "http://h\\x/",
                            "http://h%41/",
                            "http://a:b:c/",
                            "file:///etc/passwd",
                            "http://h<x/"}) {
        EXPECT_FALSE(Url::parse(bad)) << bad;
    }
}

TEST(Url, NeverRepeatsItselfInAnError) {
    EXPECT_THAT(Url::parse("http://user:s3cret@h:99999/").error().text, Not(HasSubstr("s3cret")));
    EXPECT_THAT(Url::parse("http://user:s3cret@[h/").error().text, Not(HasSubstr("s3cret")));
}

TEST(Url, ShowsNoSecrets) {
    EXPECT_EQ(Url::parse("http://user:s3cret@h:80/p?a=1&api_key=s3cret&Access-Token=s3cret&b=2")
                  ->redacted(),
              "http://h/p?a=1&api_key=***&Access-Token=***&b=2");
    EXPECT_EQ(Url::parse("http://h/?to%6ben=s3cret")->redacted(), "http://h/?to%6ben=***");
    EXPECT_EQ(Url::parse("http://h/p?x&y=")->redacted(), "http://h/p?x&y=");
}

TEST(Url, KeepsItsOriginWithAnotherTarget) {
    const auto url = Url::parse("https://u:p@h:1/a?b");
    const auto other = url->with_target("c");
    EXPECT_EQ(other.target, "/c");
    EXPECT_TRUE(other.same_origin(*url));
    EXPECT_FALSE(other.same_origin(*Url::parse("http://h:1/")));
    EXPECT_FALSE(other.same_origin(*Url::parse("https://h:2/")));
}

TEST(Percent, DecodesWhatIsEncoded) {
    EXPECT_EQ(percent_encode("a b/ü~"), "a%20b%2F%C3%BC~");
    EXPECT_EQ(percent_decode("a%20b%2f+c", false), "a b/+c");
    EXPECT_EQ(percent_decode("a+b", true), "a b");
    EXPECT_EQ(percent_decode("%4", false), "%4");
    EXPECT_EQ(percent_decode("100%", false), "100%");
    EXPECT_EQ(percent_decode("%zz%41", false), "%zzA");
}

TEST(HttpRequest, GivesPathAndParametersDecoded) {
    HttpRequest request;
    request.target = "/a%20b?query=up%7B%7D+x&query=second&empty";
    EXPECT_EQ(request.path(), "/a b");
    EXPECT_EQ(request.parameter("query"), "up{} x");
    EXPECT_EQ(request.parameter("empty"), "");
    EXPECT_EQ(request.parameter("none"), std::nullopt);
}

TEST(HttpRequest, PrefersAFormToTheQuery) {
    HttpRequest request;
    request.target = "/?a=query&b=query";
    request.body = "a=form";
    EXPECT_EQ(request.parameter("a"), "query");
    request.headers.add("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    EXPECT_EQ(request.parameter("a"), "form");
    EXPECT_EQ(request.parameter("b"), "query");
}

TEST(Headers, CompareNamesWithoutCase) {
    Headers headers = {{"Accept", "a"}, {"X", "1"}};
    headers.add("accept", "b");
    EXPECT_EQ(headers.get("ACCEPT"), "a");
    headers.set("aCCept", "c");
    EXPECT_EQ(headers.fields().size(), 2u);
    headers.remove("x");
    EXPECT_FALSE(headers.has("X"));
}

TEST(ListsToken, HeedsQualities) {
    EXPECT_TRUE(lists_token("br, GZIP", "gzip"));
    EXPECT_TRUE(lists_token("gzip;q=0.1", "gzip"));
    EXPECT_FALSE(lists_token("gzip;q=0.0", "gzip"));
    EXPECT_FALSE(lists_token("xgzip", "gzip"));
    EXPECT_FALSE(lists_token("", "gzip"));
}

TEST(Addresses, KnowLoopback) {
    for (const auto* yes : {"localhost", "LocalHost", "127.0.0.1", "127.255.0.3", "::1", "[::1]",
                            "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(is_loopback_host(yes)) << yes;
    }
    for (const auto* no : {"localhost.evil", "128.0.0.1", "0.0.0.0", "::", "127.1", "", "evil"}) {
        EXPECT_FALSE(is_loopback_host(no)) << no;
    }
}

TEST(Addresses, KnowLinkLocalAndMetadata) {
    for (const auto* yes :
         {"169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "::ffff:169.254.169.254",
          "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"}) {
        EXPECT_TRUE(is_link_local_or_metadata(yes)) << yes;
    }
    for (const auto* no :
         {"169.253.0.1", "10.0.0.1", "127.0.0.1", "fec0::1", "2001:db8::1", "name"}) {
        EXPECT_FALSE(is_link_local_or_metadata(no)) << no;
    }
}

}  // namespace
}  // namespace inferscope::net
