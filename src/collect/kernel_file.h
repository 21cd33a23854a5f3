// SPDX-License-Identifier: Apache-2.0
// One file of /proc or /sys: opened once, read again from its start for each collection.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace inferscope::collect {

/// More text than this in one kernel file is refused: 1024 CPUs make about 200 KiB of /proc/stat.
inline constexpr std::size_t kMaxKernelFileBytes = std::size_t{4} << 20;

/// Grows to the largest file read, then stays.
using ReadBuffer = std::vector<char>;

/// Thread: confined to one.
class KernelFile {
public:
    explicit KernelFile(std::string path) : path_(std::move(path)) {}
    ~KernelFile();
    KernelFile(KernelFile&& other) noexcept;
    KernelFile& operator=(KernelFile&& other) noexcept;
    KernelFile(const KernelFile&) = delete;
    KernelFile& operator=(const KernelFile&) = delete;

    /// The whole text; valid until `buffer` is used again. Opens the file when it isn't open (first
    /// time, or it failed before). Fails with not_found, io_error, limit_exceeded
    /// (`kMaxKernelFileBytes`).
    Result<std::string_view> read(ReadBuffer& buffer);
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    void close();

    std::string path_;
    int fd_ = -1;
};

}  // namespace inferscope::collect
