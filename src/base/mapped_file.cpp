// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace inferscope {
namespace {

/// Of the system call that failed last.
Error failed(const std::string& path) {
    const int number = errno;
    return {number == ENOENT ? Errc::not_found : Errc::io_error,
            fmt::format("{}: can't be read: {}", path, std::strerror(number))};
}

Result<std::string_view> map(int file, const std::string& path) {
    struct stat status{};
    if (::fstat(file, &status) != 0) return failed(path);
    if (!S_ISREG(status.st_mode)) return Error{Errc::io_error, path + ": not a regular file"};
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return std::string_view();  // of which there is no mapping
    void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (start == MAP_FAILED) return failed(path);
    ::madvise(start, size, MADV_SEQUENTIAL);
    return std::string_view(static_cast<const char*>(start), size);
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return failed(path);
    const auto bytes = map(file, path);
    ::close(file);
    if (!bytes) return bytes.error();
    return MappedFile(*bytes);
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

}  // namespace inferscope
