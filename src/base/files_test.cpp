// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "base/memory_files.h"

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

TEST(CheckWritableFolder, TakesOneThatIsThereOrCanBeMadeAndMakesNone) {
    const std::string folder = testing::TempDir() + "inferscope_writable/a/b";
    EXPECT_TRUE(check_writable_folder(folder));
    EXPECT_FALSE(std::filesystem::exists(folder));
    EXPECT_TRUE(check_writable_folder(testing::TempDir()));
    EXPECT_TRUE(check_writable_folder("not-there-yet"));
    EXPECT_TRUE(check_writable_folder("not-there-yet/"));
}

TEST(CheckWritableFolder, SaysWhyNothingCanBeMadeThere) {
    const std::string file = testing::TempDir() + "inferscope_a_file";
    ASSERT_TRUE(replace_file(file, "x"));
    for (const auto& path : {file, file + "/below"}) {
        const auto failed = check_writable_folder(path);
        ASSERT_FALSE(failed);
        EXPECT_EQ(failed.error().text, path + ": can't be written: Not a directory");
    }
}

TEST(ReplaceFile, SaysWhyItFailed) {
    const auto failed = replace_file("/proc/no/such/file", "x");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::io_error);
    EXPECT_NE(failed.error().text.find("/proc/no/such/file"), std::string::npos);
}

/// What both kinds of files promise.
class FilesTest : public testing::TestWithParam<bool> {
protected:
    FilesTest() {
        std::filesystem::remove_all(folder_);
        if (GetParam()) {
            files_ = std::make_unique<MemoryFiles>();
        } else {
            files_ = std::make_unique<DiskFiles>();
        }
    }
    ~FilesTest() override { std::filesystem::remove_all(folder_); }

    static std::string text(const File& file) {
        std::string bytes(100, '\0');
        bytes.resize(file.read(0, bytes).value_or(0));
        return bytes;
    }

    const std::string folder_ = testing::TempDir() + "inferscope_files_seam_test";
    std::unique_ptr<Files> files_;
};

TEST_P(FilesTest, AppendReadCutAndAppendAgain) {
    ASSERT_TRUE(files_->make_folder(folder_));
    auto file = files_->open(folder_ + "/a", OpenMode::fresh);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->allocate(1 << 20));
    EXPECT_EQ((*file)->size(), 0);
    ASSERT_TRUE((*file)->append("0123"));
    ASSERT_TRUE((*file)->append("4567"));
    ASSERT_TRUE((*file)->truncate(6));
    ASSERT_TRUE((*file)->append("x"));
    ASSERT_TRUE((*file)->sync());
    EXPECT_EQ((*file)->size(), 7);
    EXPECT_EQ(text(**file), "012345x");
    std::string middle(3, '\0');
    EXPECT_EQ((*file)->read(5, middle), 2);
    EXPECT_EQ((*file)->read(50, middle), 0);
    EXPECT_EQ(text(**files_->open(folder_ + "/a", OpenMode::existing)), "012345x");
    EXPECT_EQ(text(**files_->open(folder_ + "/a", OpenMode::fresh)), "");
}

TEST_P(FilesTest, ALinkOutlivesTheFirstName) {
    ASSERT_TRUE(files_->make_folder(folder_));
    auto file = files_->open(folder_ + "/a", OpenMode::fresh);
    ASSERT_TRUE(file && (*file)->append("text"));
    ASSERT_TRUE(files_->link(folder_ + "/a", folder_ + "/b"));
    EXPECT_FALSE(files_->link(folder_ + "/a", folder_ + "/b")) << "it is taken";
    EXPECT_EQ(files_->link(folder_ + "/none", folder_ + "/c").error().code, Errc::not_found);
    ASSERT_TRUE(files_->remove(folder_ + "/a"));
    EXPECT_EQ(text(**files_->open(folder_ + "/b", OpenMode::existing)), "text");
}

TEST_P(FilesTest, NamesAreListedRenamedAndRemoved) {
    ASSERT_TRUE(files_->make_folder(folder_));
    ASSERT_TRUE(files_->make_folder(folder_));
    ASSERT_TRUE(files_->open(folder_ + "/b", OpenMode::fresh));
    ASSERT_TRUE(files_->open(folder_ + "/a", OpenMode::fresh));
    ASSERT_TRUE(files_->rename(folder_ + "/b", folder_ + "/c"));
    ASSERT_TRUE(files_->sync_folder(folder_));
    EXPECT_EQ(files_->list(folder_), (std::vector<std::string>{"a", "c"}));
    ASSERT_TRUE(files_->remove(folder_ + "/a"));
    EXPECT_EQ(files_->list(folder_), std::vector<std::string>{"c"});
    EXPECT_EQ(files_->remove(folder_ + "/a").error().code, Errc::not_found);
    EXPECT_EQ(files_->rename(folder_ + "/a", folder_ + "/b").error().code, Errc::not_found);
    EXPECT_EQ(files_->open(folder_ + "/a", OpenMode::existing).error().code, Errc::not_found);
}

TEST_P(FilesTest, LockIsHeldByOneUntilItIsGivenUp) {
    ASSERT_TRUE(files_->make_folder(folder_));
    auto first = files_->lock(folder_ + "/lock");
    ASSERT_TRUE(first);
    const auto second = files_->lock(folder_ + "/lock");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::already_exists);
    EXPECT_NE(second.error().text.find(folder_ + "/lock: in use by"), std::string::npos);
    first->reset();
    EXPECT_TRUE(files_->lock(folder_ + "/lock"));
}

INSTANTIATE_TEST_SUITE_P(All, FilesTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Memory" : "Disk"; });

TEST(DiskFiles, SaysWhichProcessHoldsTheLock) {
    const std::string path = testing::TempDir() + "inferscope_lock_test";
    DiskFiles files;
    const auto held = files.lock(path);
    ASSERT_TRUE(held);
    EXPECT_NE(files.lock(path).error().text.find("process " + std::to_string(::getpid()) + ";"),
              std::string::npos);
}

TEST(MemoryFiles, FullDiskTakesWhatFits) {
    MemoryFiles files;
    auto file = *files.open("d/a", OpenMode::fresh);
    files.set_room(10);
    ASSERT_TRUE(file->append("01234567"));
    EXPECT_EQ(file->allocate(11).error().code, Errc::no_space);
    EXPECT_EQ(file->append("89ab").error().code, Errc::no_space);
    EXPECT_EQ(files.bytes("d/a"), "0123456789");
    ASSERT_TRUE(file->truncate(4));
    EXPECT_TRUE(file->append("xyz"));
}

TEST(MemoryFiles, CrashKeepsWhatWasSyncedAndAnyPartOfTheRest) {
    std::set<std::size_t> sizes;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        MemoryFiles files;
        auto file = *files.open("d/a", OpenMode::fresh);
        ASSERT_TRUE(file->append("safe"));
        ASSERT_TRUE(file->sync());
        ASSERT_TRUE(files.sync_folder("d"));
        ASSERT_TRUE(file->append("lost?"));
        ASSERT_TRUE(files.open("d/unnamed", OpenMode::fresh));
        files.crash(seed);
        const auto left = files.bytes("d/a");
        EXPECT_TRUE(left.starts_with("safe"));
        sizes.insert(left.size());
    }
    EXPECT_EQ(sizes, (std::set<std::size_t>{4, 5, 6, 7, 8, 9}));
}

TEST(MemoryFiles, SyncFailsOnCommand) {
    MemoryFiles files;
    auto file = *files.open("d/a", OpenMode::fresh);
    files.fail_syncs(true);
    EXPECT_EQ(file->sync().error().code, Errc::io_error);
    files.fail_truncates(true);
    EXPECT_EQ(file->truncate(0).error().code, Errc::io_error);
}

}  // namespace
}  // namespace inferscope
