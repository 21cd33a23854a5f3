// SPDX-License-Identifier: Apache-2.0
#include "discovery/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "discovery/fake_proc_for_test.h"

namespace inferscope::discovery {
namespace {

using testing::HasSubstr;

constexpr SteadyTime kStart{};

FileSdConfig config(const TemporaryDirectory& directory, std::string_view pattern) {
    FileSdConfig sd;
    sd.files = {directory.path(pattern)};
    return sd;
}

std::vector<std::string> addresses(const FileSource& source) {
    std::vector<std::string> found;
    for (const auto& group : source.groups()) {
        found.insert(found.end(), group.group.targets.begin(), group.group.targets.end());
    }
    return found;
}

TEST(FileSource, ReadsAllMatchingFilesAndTellsWhichOne) {
    TemporaryDirectory directory;
    directory.write("a.yml", "- targets: [a:1]\n");
    directory.write("b.json", R"([{"targets": ["b:1"]}])");
    directory.write("c.txt", "- targets: [c:1]\n");
    FileSdConfig sd;
    sd.files = {directory.path("*.yml"), directory.path("b.json")};
    FileSource source(sd);
    EXPECT_TRUE(source.look(kStart));
    EXPECT_EQ(addresses(source), (std::vector<std::string>{"a:1", "b:1"}));
    EXPECT_EQ(source.groups()[0].meta[0],
              std::pair(std::string("__meta_filepath"), directory.path("a.yml")));
    EXPECT_FALSE(source.look(kStart));
}

TEST(FileSource, ReadsAgainWhatChangedAndForgetsWhatIsGone) {
    TemporaryDirectory directory;
    directory.write("a.yml", "- targets: [a:1]\n");
    FileSource source(config(directory, "*.yml"));
    source.look(kStart);
    directory.write("a.yml", "- targets: [a:1, a:22]\n");
    directory.write("b.yml", "- targets: [b:1]\n");
    EXPECT_TRUE(source.look(kStart));
    EXPECT_EQ(addresses(source), (std::vector<std::string>{"a:1", "a:22", "b:1"}));
    std::filesystem::remove(directory.path("a.yml"));
    EXPECT_TRUE(source.look(kStart));
    EXPECT_EQ(addresses(source), std::vector<std::string>{"b:1"});
}

TEST(FileSource, ABrokenFileKeepsItsTargetsAndSaysWhy) {
    TemporaryDirectory directory;
    directory.write("a.json", R"([{"targets": ["a:1"]}])");
    FileSource source(config(directory, "a.json"));
    source.look(kStart);
    directory.write("a.json", R"([{"targets": ["a:1", "b:1")");
    EXPECT_TRUE(source.look(kStart));
    EXPECT_EQ(addresses(source), std::vector<std::string>{"a:1"});
    EXPECT_THAT(source.error(), HasSubstr(directory.path("a.json") + ":1:"));
    EXPECT_FALSE(source.look(kStart));
    directory.write("a.json", R"([{"targets": ["c:1"]}])");
    EXPECT_TRUE(source.look(kStart));
    EXPECT_EQ(source.error(), "");
    EXPECT_EQ(addresses(source), std::vector<std::string>{"c:1"});
}

TEST(FileSource, ReadsEveryRefreshIntervalWhatStatDoesNotShow) {
    TemporaryDirectory directory;
    directory.write("a.yml", "- targets: [a:1]\n");
    FileSource source(config(directory, "a.yml"));
    source.look(kStart);
    const auto time = std::filesystem::last_write_time(directory.path("a.yml"));
    directory.write("a.yml", "- targets: [b:1]\n");  // same size, same inode
    std::filesystem::last_write_time(directory.path("a.yml"), time);
    EXPECT_FALSE(source.look(kStart + Millis(299'999)));
    EXPECT_TRUE(source.look(kStart + Millis(300'000)));
    EXPECT_EQ(addresses(source), std::vector<std::string>{"b:1"});
}

TEST(FileSource, AFileThatDoesNotExistIsNoError) {
    TemporaryDirectory directory;
    FileSource source(config(directory, "none.yml"));
    EXPECT_FALSE(source.look(kStart));
    EXPECT_EQ(source.error(), "");
}

}  // namespace
}  // namespace inferscope::discovery
