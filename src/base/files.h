// SPDX-License-Identifier: Apache-2.0
// The seam to the disk: files that grow at their end, and their folder. The store writes through
// it, so that a test can give it a disk that fails on command (memory_files.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace inferscope {

/// Puts `text` in the place of `path`, atomically: after a crash there is the old file or the new
/// one. Mode 0600, folders are made. Fails with no_space or io_error, and the reason.
Result<void> replace_file(const std::string& path, std::string_view text);

/// Fails with the path and the reason if no file could be made in the folder `path`, or in the one
/// above it where it would have to be made first. Changes nothing.
Result<void> check_writable_folder(const std::string& path);

/// An open file. Errors: no_space if the disk (or a quota) is full, else io_error; the text has the
/// path. Thread: one at a time, but read() and sync() may run beside the others.
class File {
public:
    virtual ~File() = default;
    [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
    /// Puts all of `bytes` behind the end. When it fails, a part of them may stand there.
    virtual Result<void> append(std::string_view bytes) = 0;
    /// Fills `into` from `offset` on and returns how much there was: less at the end of the file.
    virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) const = 0;
    /// Returns when everything that was appended before the call is on the disk.
    virtual Result<void> sync() = 0;
    /// Takes room for `bytes` in all, so that appending up to there can't fail for want of it. The
    /// size stays. Does nothing where the file system has no such call.
    virtual Result<void> allocate(std::uint64_t bytes) = 0;
    /// Cuts the file to `bytes`, and gives back the room that was taken behind.
    virtual Result<void> truncate(std::uint64_t bytes) = 0;
};

/// Holds a lock until it is destroyed or the process ends, however it ends.
class FileLock {
public:
    virtual ~FileLock() = default;
};

enum class OpenMode : std::uint8_t {
    existing,  ///< not_found if it isn't there
    fresh,     ///< made, or emptied
    reading,   ///< as existing, but never to be changed: needs no right to write
};

/// Names of files and folders. Errors as above. Thread: any.
class Files {
public:
    virtual ~Files() = default;
    virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    virtual Result<void> remove(const std::string& path) = 0;
    /// Replaces `to` if it is there.
    virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
    /// Gives the file a second name, which is free, on the same file system. Fails where there is
    /// no such thing.
    virtual Result<void> link(const std::string& from, const std::string& to) = 0;
    /// Makes the folder, and those above it, if it isn't there.
    virtual Result<void> make_folder(const std::string& folder) = 0;
    /// Names of the files in it, sorted.
    virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
    /// Until then a file that was made, renamed or removed may have its old name after a crash.
    virtual Result<void> sync_folder(const std::string& folder) = 0;
    /// Fails with already_exists while another holds it; the text says which process.
    virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// The real one. Files have mode 0600, folders 0700.
class DiskFiles final : public Files {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<void> remove(const std::string& path) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> link(const std::string& from, const std::string& to) override;
    Result<void> make_folder(const std::string& folder) override;
    Result<std::vector<std::string>> list(const std::string& folder) override;
    Result<void> sync_folder(const std::string& folder) override;
    Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
};

}  // namespace inferscope
