// SPDX-License-Identifier: Apache-2.0
// The mapping in force: one that was posted, which survives restarts; else the user's file's; else
// the built-in one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mapping/mapping.h"

namespace inferscope::mapping {

/// Thread: io (files are small, and written only when somebody posts).
class MappingStore {
public:
    /// A posted mapping is kept in `file`; empty: in memory only.
    explicit MappingStore(std::string file)
        : file_(std::move(file)), base_(Mapping::built_in()), current_(base_) {}

    /// What is in force unless one was posted: the mapping of the file at `path` (setting
    /// `mapping.file`); empty: the built-in one. What fails changes nothing.
    Result<void> set_base(const std::string& path);
    /// Reads the one that was posted, if it is there. One that doesn't parse (any more) is left
    /// where it is, and isn't used.
    Result<void> load_posted();

    [[nodiscard]] const std::shared_ptr<const Mapping>& current() const { return current_; }
    [[nodiscard]] bool is_posted() const { return current_ != base_; }
    /// Checks `text` (JSON or YAML from a stranger) whole, keeps it, puts it in force. What fails
    /// changes nothing.
    Result<void> replace(std::string_view text);
    /// Back to the base; the kept file goes.
    Result<void> reset();

private:
    Result<void> keep(std::string_view text) const;

    std::string file_;
    std::shared_ptr<const Mapping> base_;
    std::shared_ptr<const Mapping> current_;
};

}  // namespace inferscope::mapping
