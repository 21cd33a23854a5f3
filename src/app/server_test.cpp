// SPDX-License-Identifier: Apache-2.0
#include "app/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace inferscope::app {
namespace {

using testing::HasSubstr;

TEST(SourceSet, ReadsAListOrNone) {
    const auto some = SourceSet::parse("host,self");
    ASSERT_TRUE(some);
    EXPECT_TRUE(some->host);
    EXPECT_TRUE(some->self);
    EXPECT_FALSE(some->engines);
    EXPECT_FALSE(SourceSet::parse("none")->self);
    EXPECT_THAT(SourceSet::parse("host,gpus").error().text, HasSubstr("gpus"));
    EXPECT_FALSE(SourceSet::parse("host,"));
}

TEST(Server, WantsACredentialOrAnExplicitWordBeyondLoopback) {
    ServerOptions options;
    options.listen = {.host = "0.0.0.0", .port = 0};
    options.sources = *SourceSet::parse("none");
    options.storage_path = testing::TempDir();
    const auto refused = Server::make(options);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("--web.open"));
    options.web_open = true;
    EXPECT_TRUE(Server::make(options));
}

TEST(Server, RefusesAStorageFolderThatCannotBeWritten) {
    ServerOptions options;
    options.sources = *SourceSet::parse("none");
    options.storage_path = "/dev/null/data";
    const auto refused = Server::make(options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text,
              "--storage.path /dev/null/data: can't be written: Not a directory; name a folder in "
              "which this user may write");
}

TEST(Server, RefusesAConfigurationThatIsNotThere) {
    ServerOptions options;
    options.config_file = "/no/such/file.yml";
    const auto refused = Server::make(options);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text, HasSubstr("/no/such/file.yml"));
}

}  // namespace
}  // namespace inferscope::app
