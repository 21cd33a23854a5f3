// SPDX-License-Identifier: Apache-2.0
// The mapping in force: the built-in one, or one that was posted, which survives restarts.
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
        : file_(std::move(file)), current_(Mapping::built_in()) {}

    /// Reads `file` if it is there. One that doesn't parse (any more) is left where it is, and the
    /// built-in mapping stays in force.
    Result<void> load();
    /// Uses the mapping of a file that the user keeps (setting `mapping.file`), instead of the
    /// built-in one.
    Result<void> load_from(const std::string& path);

    [[nodiscard]] const std::shared_ptr<const Mapping>& current() const { return current_; }
    /// Checks `text` (JSON or YAML from a stranger) whole, keeps it, puts it in force. What fails
    /// changes nothing.
    Result<void> replace(std::string_view text);
    /// Back to the built-in mapping; the kept file goes.
    Result<void> reset();

private:
    Result<void> keep(std::string_view text) const;

    std::string file_;
    std::shared_ptr<const Mapping> current_;
};

}  // namespace inferscope::mapping
