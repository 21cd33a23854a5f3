// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace inferscope {
namespace {

Error failed(std::string_view path, std::string_view what) {
    return {Errc::io_error, fmt::format("{}: can't be {}: {}", path, what, std::strerror(errno))};
}

Result<void> write_whole(int file, const std::string& path, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(path, "written");
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (::fsync(file) != 0) return failed(path, "synced");
    return {};
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view text) {
    std::error_code ignored;  // a folder that can't be made shows when the file can't be opened
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    const std::string fresh = path + ".new";
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return failed(fresh, "opened");
    auto written = write_whole(file, fresh, text);
    ::close(file);
    if (written && std::rename(fresh.c_str(), path.c_str()) != 0)
        written = failed(path, "replaced");
    if (!written) ::unlink(fresh.c_str());
    return written;
}

}  // namespace inferscope
