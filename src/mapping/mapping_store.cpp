// SPDX-License-Identifier: Apache-2.0
#include "mapping/mapping_store.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/files.h"

namespace inferscope::mapping {

Result<void> MappingStore::load() {
    if (file_.empty() || !std::filesystem::exists(file_)) return {};
    return load_from(file_);
}

Result<void> MappingStore::load_from(const std::string& path) {
    auto text = yaml::read_file(path);
    if (!text) return text.error();
    auto mapping = Mapping::parse(*text, path);
    if (!mapping) return mapping.error().error();
    current_ = std::move(*mapping);
    return {};
}

Result<void> MappingStore::replace(std::string_view text) {
    auto mapping = Mapping::parse(text, "", yaml::kStrangerLimits);
    if (!mapping) return mapping.error().error();
    if (auto kept = keep(text); !kept) return kept.error();
    current_ = std::move(*mapping);
    return {};
}

Result<void> MappingStore::reset() {
    std::error_code failed;
    if (!file_.empty()) std::filesystem::remove(file_, failed);
    if (failed)
        return Error{Errc::io_error,
                     fmt::format("{}: can't be removed: {}", file_, failed.message())};
    current_ = Mapping::built_in();
    return {};
}

Result<void> MappingStore::keep(std::string_view text) const {
    if (file_.empty()) return {};
    return replace_file(file_, text);
}

}  // namespace inferscope::mapping
