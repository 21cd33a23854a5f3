// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace inferscope {
namespace {

Errc code_of(int number) {
    switch (number) {
        case ENOSPC:
        case EDQUOT:
            return Errc::no_space;
        case ENOENT:
            return Errc::not_found;
        default:
            return Errc::io_error;
    }
}

/// Of the system call that failed last.
Error failed(std::string_view path, std::string_view what) {
    const int number = errno;
    return {code_of(number), fmt::format("{}: can't be {}: {}", path, what, std::strerror(number))};
}

Error failed(std::string_view path, std::string_view what, const std::error_code& error) {
    return {code_of(error.value()),
            fmt::format("{}: can't be {}: {}", path, what, error.message())};
}

/// A file descriptor, closed with its owner; below 0 if there is none.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }
    [[nodiscard]] bool ok() const { return number_ >= 0; }

private:
    int number_;
};

Result<void> write_all(int file, const std::string& path, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(path, "written");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

class DiskFile final : public File {
public:
    DiskFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}

    [[nodiscard]] Result<std::uint64_t> size() const override {
        struct stat status{};
        if (::fstat(file_.get(), &status) != 0) return failed(path_, "looked at");
        return static_cast<std::uint64_t>(status.st_size);
    }

    Result<void> append(std::string_view bytes) override {
        return write_all(file_.get(), path_, bytes);
    }

    Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const override {
        std::size_t done = 0;
        while (done < into.size()) {
            const auto count = ::pread(file_.get(), into.data() + done, into.size() - done,
                                       static_cast<off_t>(offset + done));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return failed(path_, "read");
            if (count == 0) break;
            done += static_cast<std::size_t>(count);
        }
        return done;
    }

    Result<void> sync() override {
        // The size is written too: without it the data couldn't be read.
        if (::fdatasync(file_.get()) != 0) return failed(path_, "synced");
        return {};
    }

    Result<void> allocate(std::uint64_t bytes) override {
        while (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) != 0) {
            if (errno == EINTR) continue;
            if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
            return failed(path_, "given room");
        }
        return {};
    }

    Result<void> truncate(std::uint64_t bytes) override {
        if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) return failed(path_, "cut");
        return {};
    }

private:
    std::string path_;
    Descriptor file_;
};

int flags_of(OpenMode mode) {
    switch (mode) {
        case OpenMode::existing:
            return O_RDWR | O_APPEND;
        case OpenMode::fresh:
            return O_RDWR | O_APPEND | O_CREAT | O_TRUNC;
        case OpenMode::reading:
            break;
    }
    return O_RDONLY;
}

class DiskLock final : public FileLock {
public:
    explicit DiskLock(Descriptor file) : file_(std::move(file)) {}

private:
    Descriptor file_;
};

Error locked_by_another(const std::string& path, int file) {
    std::array<char, 32> text{};
    const auto count = ::pread(file, text.data(), text.size() - 1, 0);
    const std::string_view pid(text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return {Errc::already_exists,
            fmt::format("{}: in use by {}{}; only one process may write there", path,
                        pid.empty() ? "another process" : "process ", pid)};
}

Result<void> write_whole(const Descriptor& file, const std::string& path, std::string_view text) {
    if (auto written = write_all(file.get(), path, text); !written) return written;
    if (::fsync(file.get()) != 0) return failed(path, "synced");
    return {};
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view text) {
    std::error_code ignored;  // a folder that can't be made shows when the file can't be opened
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    const std::string fresh = path + ".new";
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.ok()) return Error{Errc::io_error, failed(fresh, "opened").text};
    auto written = write_whole(file, fresh, text);
    if (written && std::rename(fresh.c_str(), path.c_str()) != 0)
        written = failed(path, "replaced");
    if (!written) ::unlink(fresh.c_str());
    return written;
}

Result<void> check_writable_folder(const std::string& path) {
    const auto is_allowed = [](const std::filesystem::path& folder, int what) {
        return ::access((folder / ".").c_str(), what) == 0;  // the dot: a file is no folder
    };
    std::filesystem::path nearest = std::filesystem::absolute(path);
    while (!is_allowed(nearest, F_OK) && errno == ENOENT && nearest.has_relative_path())
        nearest = nearest.parent_path();
    if (!is_allowed(nearest, W_OK | X_OK)) return failed(path, "written");
    return {};
}

Result<std::unique_ptr<File>> DiskFiles::open(const std::string& path, OpenMode mode) {
    Descriptor file(::open(path.c_str(), O_CLOEXEC | flags_of(mode), 0600));
    if (!file.ok()) return failed(path, "opened");
    return std::make_unique<DiskFile>(path, std::move(file));
}

Result<void> DiskFiles::remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0) return failed(path, "removed");
    return {};
}

Result<void> DiskFiles::rename(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) != 0) return failed(from, "renamed to " + to);
    return {};
}

Result<void> DiskFiles::link(const std::string& from, const std::string& to) {
    if (::link(from.c_str(), to.c_str()) != 0) return failed(from, "linked to " + to);
    return {};
}

Result<void> DiskFiles::make_folder(const std::string& folder) {
    std::error_code error;
    if (!std::filesystem::create_directories(folder, error)) {
        if (error) return failed(folder, "made", error);
        return {};
    }
    if (::chmod(folder.c_str(), 0700) != 0) return failed(folder, "made private");
    return {};
}

Result<std::vector<std::string>> DiskFiles::list(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator at(folder, error);
    while (!error && at != std::filesystem::directory_iterator()) {
        names.push_back(at->path().filename());
        at.increment(error);
    }
    if (error) return failed(folder, "listed", error);
    std::ranges::sort(names);
    return names;
}

Result<void> DiskFiles::sync_folder(const std::string& folder) {
    const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file.ok()) return failed(folder, "opened");
    if (::fsync(file.get()) != 0) return failed(folder, "synced");
    return {};
}

Result<std::unique_ptr<FileLock>> DiskFiles::lock(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file.ok()) return failed(path, "opened");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return locked_by_another(path, file.get());
        return failed(path, "locked");
    }
    if (::ftruncate(file.get(), 0) != 0) return failed(path, "emptied");
    // The number is for people: a full disk must not keep us from starting.
    static_cast<void>(write_all(file.get(), path, std::to_string(::getpid())));
    return std::make_unique<DiskLock>(std::move(file));
}

}  // namespace inferscope
