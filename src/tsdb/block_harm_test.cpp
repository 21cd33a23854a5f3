// SPDX-License-Identifier: Apache-2.0
// Disks that fail, files that rot, power that goes: never a wrong value, nothing lost in silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>

#include "base/log.h"
#include "tsdb/block_for_test.h"

namespace inferscope::tsdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Fails calls that change something: the one after `calls` others, and perhaps all behind it.
class FaultyFiles final : public Files {
public:
    explicit FaultyFiles(MemoryFiles& files) : files_(files) {}

    void fail_after(int calls, bool for_good) {
        left_ = calls;
        for_good_ = for_good;
    }
    [[nodiscard]] bool has_failed() const { return left_ < 0; }
    void mend() { left_ = INT_MAX; }

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        if (mode == OpenMode::fresh && fails()) return broken();
        auto file = files_.open(path, mode);
        if (!file) return file.error();
        return std::make_unique<Opened>(*this, *std::move(file));
    }
    Result<void> remove(const std::string& path) override {
        return fails() ? broken() : files_.remove(path);
    }
    Result<void> rename(const std::string& from, const std::string& to) override {
        return fails() ? broken() : files_.rename(from, to);
    }
    Result<void> link(const std::string& from, const std::string& to) override {
        return fails() ? broken() : files_.link(from, to);
    }
    Result<void> make_folder(const std::string& folder) override {
        return files_.make_folder(folder);
    }
    Result<std::vector<std::string>> list(const std::string& folder) override {
        return files_.list(folder);
    }
    Result<void> sync_folder(const std::string& folder) override {
        return fails() ? broken() : files_.sync_folder(folder);
    }
    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
        return files_.lock(path);
    }

private:
    class Opened final : public File {
    public:
        Opened(FaultyFiles& files, std::unique_ptr<File> file)
            : files_(files), file_(std::move(file)) {}
        [[nodiscard]] Result<std::uint64_t> size() const override { return file_->size(); }
        Result<void> append(std::string_view bytes) override {
            if (!files_.fails()) return file_->append(bytes);
            static_cast<void>(file_->append(bytes.substr(0, bytes.size() / 2)));
            return broken();
        }
        Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
            return file_->read(offset, into);
        }
        Result<void> sync() override { return files_.fails() ? broken() : file_->sync(); }
        Result<void> allocate(std::uint64_t bytes) override { return file_->allocate(bytes); }
        Result<void> truncate(std::uint64_t bytes) override { return file_->truncate(bytes); }

    private:
        FaultyFiles& files_;
        std::unique_ptr<File> file_;
    };

    bool fails() {
        if (left_ == INT_MAX || (left_ < 0 && !for_good_)) return false;
        return left_-- <= 0;
    }
    static Error broken() { return {Errc::io_error, "broken on command"}; }

    MemoryFiles& files_;
    int left_ = INT_MAX;
    bool for_good_ = false;
};

class BlockHarmTest : public testing::Test {
protected:
    BlockHarmTest() { log::set_level(static_cast<log::Level>(4)); }
    ~BlockHarmTest() override { log::set_level(log::Level::info); }

    std::unique_ptr<Blocks> open(Files& files) {
        BlocksConfig config;
        config.range = Millis(100);
        auto opened = Blocks::open(files, "blocks", config);
        EXPECT_TRUE(opened) << opened.error().text;
        return *std::move(opened);
    }
    static Result<void> add(Blocks& blocks, std::span<const TestGroup> groups) {
        auto writer = blocks.start_block(1);
        if (!writer) return writer.error();
        for (const auto& group : groups) group.write(**writer);
        return blocks.add(*std::move(writer));
    }
    static BlockModel::Series answers(const Blocks& blocks) {
        BlockAnswers all;
        all.add(blocks);
        return all.series;
    }
    /// A block of few bytes with gaps, windows and two groups that have no time in common.
    std::vector<TestGroup> small_groups(Timestamp start = 0) {
        RandomGroups random(static_cast<std::uint64_t>(start) + 11);
        std::vector<TestGroup> groups;
        for (const Timestamp at : {start, start + 50})
            groups.push_back(random.make(at, at + 40, 8, 3));
        for (auto& group : groups)
            group.names.insert(group.names.begin(), {0, random.labels(1), {}});
        return groups;
    }
    static bool is_part(const BlockModel::Series& part, const BlockModel::Series& whole) {
        return std::ranges::all_of(part, [&](const auto& series) {
            const auto found = whole.find(series.first);
            return found != whole.end() && std::ranges::includes(found->second, series.second);
        });
    }

    MemoryFiles files_;
};

TEST_F(BlockHarmTest, EveryFlippedByteIsToldAndGivesNoWrongValue) {
    const std::string path = "blocks/00000001.block";
    ASSERT_TRUE(add(*open(files_), small_groups()));
    const auto whole = files_.bytes(path);
    const auto right = answers(*open(files_));
    ASSERT_FALSE(right.empty());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const char flip : {'\x01', '\x80', '\xff'}) {
            auto bytes = whole;
            bytes[at] = static_cast<char>(bytes[at] ^ flip);
            static_cast<void>(files_.remove("blocks/00000001.harmed"));
            files_.set_bytes(path, bytes);
            const auto blocks = open(files_);
            const bool told_at_open = blocks->list()->empty();
            BlockAnswers answers;
            answers.add(*blocks);
            ASSERT_TRUE(is_part(answers.series, right)) << "byte " << at;
            ASSERT_TRUE(told_at_open || !answers.warnings.empty()) << "byte " << at;
            const auto stats = blocks->stats();
            ASSERT_EQ(stats.set_aside + (stats.harmed_chunks > 0 ? 1 : 0), 1u) << "byte " << at;
            ASSERT_NE(answers.series, right) << "byte " << at;
            ASSERT_EQ(blocks->list()->size(), stats.set_aside == 1 ? 0u : 1u);
        }
    }
}

TEST_F(BlockHarmTest, EveryTruncatedFileIsSetAside) {
    const std::string path = "blocks/00000001.block";
    ASSERT_TRUE(add(*open(files_), small_groups()));
    const auto whole = files_.bytes(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        files_.set_bytes(path, whole.substr(0, size));
        const auto blocks = open(files_);
        ASSERT_THAT(*blocks->list(), IsEmpty()) << size;
        ASSERT_THAT(*files_.list("blocks"), ElementsAre("00000001.harmed"));
        ASSERT_EQ(files_.bytes("blocks/00000001.harmed"), whole.substr(0, size));
        ASSERT_TRUE(files_.remove("blocks/00000001.harmed"));
    }
}

TEST_F(BlockHarmTest, AFileCutWhileItIsOpenIsAWarning) {
    auto blocks = open(files_);
    ASSERT_TRUE(add(*blocks, small_groups()));
    const auto path = blocks->list()->front()->path();
    static_cast<void>(
        blocks->list()->front()->series({}, 0, 1 << 20));  // groups and index are in memory
    ASSERT_TRUE((*files_.open(path, OpenMode::existing))->truncate(20));
    BlockAnswers found;
    found.add(*blocks);
    EXPECT_THAT(found.series, IsEmpty());
    ASSERT_FALSE(found.warnings.empty());
    EXPECT_THAT(found.warnings[0],
                HasSubstr("blocks/00000001.block: the chunk at byte 16 is left"));
    EXPECT_GT(blocks->stats().harmed_chunks, 0u);
}

TEST_F(BlockHarmTest, AHarmedChunkOutlivesMergingInAFileSetAside) {
    auto blocks = open(files_);
    for (Timestamp start = 0; start < 400; start += 100)
        ASSERT_TRUE(add(*blocks, small_groups(start)));
    const auto right = answers(*blocks);
    blocks.reset();
    auto bytes = files_.bytes("blocks/00000002.block");
    bytes[20] ^= 1;
    files_.set_bytes("blocks/00000002.block", bytes);
    blocks = open(files_);
    const auto done = blocks->compact(1);
    ASSERT_TRUE(done && *done);
    const auto left = answers(*blocks);
    EXPECT_NE(left, right);
    EXPECT_TRUE(is_part(left, right));
    EXPECT_EQ(files_.bytes("blocks/00000002.harmed"), bytes);
    EXPECT_EQ(blocks->stats().set_aside, 1u);
}

TEST_F(BlockHarmTest, AFullDiskLeavesTheSetAsItWas) {
    auto blocks = open(files_);
    for (Timestamp start = 0; start < 400; start += 100)
        ASSERT_TRUE(add(*blocks, small_groups(start)));
    const auto right = answers(*blocks);
    const auto names = *files_.list("blocks");
    MemoryFiles elsewhere;
    ASSERT_TRUE(add(*open(elsewhere), small_groups(500)));
    const auto needed = elsewhere.bytes("blocks/00000001.block").size();
    for (std::uint64_t room = 0; room < needed; room += 7) {
        files_.set_room(room);
        const auto done = blocks->compact(1);
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::no_space);
        EXPECT_EQ(add(*blocks, small_groups(500)).error().code, Errc::no_space);
        EXPECT_EQ(*files_.list("blocks"), names);
        EXPECT_EQ(answers(*blocks), right);
    }
    files_.set_room(MemoryFiles::kEndless);
    EXPECT_TRUE(*blocks->compact(1));
    EXPECT_EQ(answers(*blocks), right);
}

/// What a program does with its blocks; what must be there afterwards is in the model.
class Scenario {
public:
    /// Stops at the first error, as after a failed sync.
    void run(Blocks& blocks, std::span<const std::vector<TestGroup>> given) {
        for (const auto& groups : given) {
            for (const auto& group : groups) maybe.add(group);
            auto writer = blocks.start_block(1);
            if (!writer) return;
            for (const auto& group : groups) group.write(**writer);
            if (!blocks.add(*std::move(writer))) return;
            for (const auto& group : groups) certain.add(group);
        }
        while (true) {
            const auto done = blocks.compact(1);
            if (!done) return;
            if (!*done) break;
        }
    }
    BlockModel certain;  // what was added
    BlockModel maybe;    // and what was tried
};

TEST_F(BlockHarmTest, NothingIsLostWhicheverCallFailsAndPowerGoes) {
    std::vector<std::vector<TestGroup>> given;
    for (Timestamp start = 0; start < 400; start += 100) given.push_back(small_groups(start));
    for (const bool power : {false, true}) {
        int calls = 0;
        for (bool failed = true; failed; ++calls) {
            MemoryFiles files;
            FaultyFiles faulty(files);
            Scenario scenario;
            {
                auto blocks = open(faulty);
                faulty.fail_after(calls, power);
                scenario.run(*blocks, given);
                failed = faulty.has_failed();
                if (!power) {
                    EXPECT_EQ(answers(*blocks), scenario.certain.series) << "call " << calls;
                }
            }
            if (power) files.crash(static_cast<std::uint64_t>(calls));
            const auto blocks = open(files);
            const auto found = answers(*blocks);
            ASSERT_TRUE(is_part(scenario.certain.series, found)) << "call " << calls;
            ASSERT_TRUE(is_part(found, scenario.maybe.series)) << "call " << calls;
            ASSERT_EQ(blocks->stats().set_aside, 0u) << "call " << calls;
            const auto names = *files.list("blocks");
            ASSERT_TRUE(std::ranges::all_of(
                names, [](const auto& name) { return name.ends_with(".block"); }));
        }
        EXPECT_GT(calls, 20);
    }
}

TEST_F(BlockHarmTest, LeftoversOfACrashGoOnlyIfTheirHeirIsGood) {
    auto blocks = open(files_);
    for (Timestamp start = 0; start < 400; start += 100)
        ASSERT_TRUE(add(*blocks, small_groups(start)));
    std::vector<std::string> before;
    for (const int number : {1, 2, 3})
        before.push_back(files_.bytes("blocks/0000000" + std::to_string(number) + ".block"));
    const auto right = answers(*blocks);
    ASSERT_TRUE(*blocks->compact(1));
    blocks.reset();
    const auto heir = files_.bytes("blocks/00000005.block");
    const auto put_back = [&] {
        for (std::size_t i = 0; i < before.size(); ++i)
            files_.set_bytes("blocks/0000000" + std::to_string(i + 1) + ".block", before[i]);
    };
    put_back();
    EXPECT_EQ(answers(*open(files_)), right);
    EXPECT_THAT(*files_.list("blocks"), ElementsAre("00000004.block", "00000005.block"));
    put_back();
    auto harmed = heir;
    harmed[heir.size() - 200] ^= 1;  // in the index
    files_.set_bytes("blocks/00000005.block", harmed);
    EXPECT_EQ(answers(*open(files_)), right);
    EXPECT_THAT(*files_.list("blocks"),
                ElementsAre("00000001.block", "00000002.block", "00000003.block", "00000004.block",
                            "00000005.harmed"));
}

}  // namespace
}  // namespace inferscope::tsdb
