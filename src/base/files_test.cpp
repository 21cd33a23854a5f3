// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace inferscope {
namespace {

TEST(ReplaceFile, MakesFoldersReplacesAndKeepsTheFilePrivate) {
    const auto folder = std::filesystem::path(testing::TempDir()) / "inferscope_files_test";
    std::filesystem::remove_all(folder);
    const std::string path = folder / "a" / "b.txt";
    ASSERT_TRUE(replace_file(path, "old text"));
    ASSERT_TRUE(replace_file(path, "new"));
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    EXPECT_EQ(text.str(), "new");
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(ReplaceFile, SaysWhyItFailed) {
    const auto failed = replace_file("/proc/no/such/file", "x");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::io_error);
    EXPECT_NE(failed.error().text.find("/proc/no/such/file"), std::string::npos);
}

}  // namespace
}  // namespace inferscope
