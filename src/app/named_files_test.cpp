// SPDX-License-Identifier: Apache-2.0
#include "app/named_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config.h"
#include "base/files.h"

namespace inferscope::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ResultOf;
using testing::StartsWith;

FileFindings findings_of(std::string_view text, std::string_view file) {
    const auto config = parse_config(text, file);
    EXPECT_TRUE(config) << (config ? "" : config.error().message());
    return config ? look_at_files(config->named_files) : FileFindings();
}

auto message(const testing::Matcher<std::string>& text) {
    return ResultOf([](const ParseError& error) { return error.message(); }, text);
}

TEST(NamedFiles, AreEachSaidWithTheirPlaceAndReasonWhereTheyCannotBeRead) {
    const auto found = findings_of(R"(mapping: {file: m.yaml}
scrape_configs:
  - job_name: a
    tls_config: {ca_file: ca.pem, cert_file: c.pem, key_file: /k.pem}
    basic_auth:
      password_file: password
    http_sd_configs:
      - url: http://x/
        authorization: {credentials_file: token}
engines:
  - url: http://x:8000
    bearer_token_file: other
)",
                                   "/no/such/c.yml");
    EXPECT_THAT(
        found.errors,
        ElementsAre(message(AllOf(StartsWith("/no/such/c.yml:6:22: basic_auth: password_file: "),
                                  HasSubstr("/no/such/password: can't be opened: No such file"))),
                    message(HasSubstr(":4:27: tls_config: ca_file: /no/such/ca.pem")),
                    message(HasSubstr(":4:46: tls_config: cert_file: /no/such/c.pem")),
                    message(HasSubstr(":4:63: tls_config: key_file: /k.pem")),
                    message(HasSubstr(":9:43: authorization: credentials_file: /no/such/token")),
                    message(HasSubstr(":12:24: engines entry: bearer_token_file: /no/such/other")),
                    message(HasSubstr(":1:17: mapping: file: /no/such/m.yaml"))));
    EXPECT_THAT(found.warnings, IsEmpty());
}

TEST(NamedFiles, AreReadFromTheConfigurationsFolder) {
    const std::string folder = testing::TempDir() + "named";
    ASSERT_TRUE(replace_file(folder + "/m.yaml", "x"));
    EXPECT_THAT(findings_of("mapping: {file: m.yaml}", folder + "/c.yml").errors, IsEmpty());
}

TEST(NamedFiles, MayBeAPatternThatMatchesNothingYet) {
    const auto found = findings_of(R"(scrape_configs:
  - job_name: a
    file_sd_configs: [{files: ['*.yml', /no/x.json]}]
)",
                                   "/no/such/c.yml");
    EXPECT_THAT(found.errors, IsEmpty());
    EXPECT_THAT(found.warnings,
                ElementsAre(message("/no/such/c.yml:3:32: file_sd_configs entry: files: "
                                    "'/no/such/*.yml' matches no file now"),
                            message(HasSubstr(":3:41: "))));
}

}  // namespace
}  // namespace inferscope::app
