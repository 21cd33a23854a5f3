// SPDX-License-Identifier: Apache-2.0
// A whole file as text, however large: the system reads its pages when they are looked at.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace inferscope {

/// The file must not be cut short while it is mapped: whoever looks behind its end then is killed
/// (SIGBUS). Immutable; any thread.
class MappedFile {
public:
    /// Fails with not_found or io_error, and the path and reason.
    static Result<MappedFile> open(const std::string& path);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    MappedFile& operator=(MappedFile&&) = delete;
    ~MappedFile();

    [[nodiscard]] std::string_view bytes() const { return bytes_; }

private:
    explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}

    std::string_view bytes_;
};

}  // namespace inferscope
