// SPDX-License-Identifier: Apache-2.0
#include "collect/kernel_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace inferscope::collect {
namespace {

constexpr std::size_t kFirstBufferBytes = 16384;

Error system_error(const std::string& path, int code) {
    const bool absent = code == ENOENT || code == ENOTDIR || code == ENODEV || code == EOPNOTSUPP;
    return {absent ? Errc::not_found : Errc::io_error,
            fmt::format("{}: {}", path, std::generic_category().message(code))};
}

}  // namespace

KernelFile::~KernelFile() { close(); }

KernelFile::KernelFile(KernelFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

KernelFile& KernelFile::operator=(KernelFile&& other) noexcept {
    if (this == &other) return *this;
    close();
    path_ = std::move(other.path_);
    fd_ = std::exchange(other.fd_, -1);
    return *this;
}

void KernelFile::close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::string_view> KernelFile::read(ReadBuffer& buffer) {
    if (fd_ < 0) fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) return system_error(path_, errno);
    if (buffer.size() < kFirstBufferBytes) buffer.resize(kFirstBufferBytes);
    std::size_t size = 0;
    while (true) {  // a sequence file gives about a page at a time, and 0 only at its end
        if (size == buffer.size()) {
            if (size >= kMaxKernelFileBytes) {
                return Error{Errc::limit_exceeded,
                             fmt::format("{} is larger than {} bytes (kMaxKernelFileBytes)", path_,
                                         kMaxKernelFileBytes)};
            }
            buffer.resize(2 * size);
        }
        const auto got =
            ::pread(fd_, buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int code = errno;
            close();
            return system_error(path_, code);
        }
        if (got == 0) return std::string_view(buffer.data(), size);
        size += static_cast<std::size_t>(got);
    }
}

}  // namespace inferscope::collect
