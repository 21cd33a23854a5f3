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

namespace {

/// An empty path: the built-in one.
Result<std::shared_ptr<const Mapping>> read_mapping(const std::string& path) {
    if (path.empty()) return Mapping::built_in();
    auto text = yaml::read_file(path);
    if (!text) return text.error();
    auto mapping = Mapping::parse(*text, path);
    if (!mapping) return mapping.error().error();
    return std::shared_ptr<const Mapping>(std::move(*mapping));
}

}  // namespace

Result<void> MappingStore::set_base(const std::string& path) {
    auto base = read_mapping(path);
    if (!base) return base.error();
    if ((*base)->to_json() == base_->to_json()) return {};  // its users go on undisturbed
    const bool keep_posted = is_posted();
    base_ = std::move(*base);
    if (!keep_posted) current_ = base_;
    return {};
}

Result<void> MappingStore::load_posted() {
    if (file_.empty() || !std::filesystem::exists(file_)) return {};
    auto posted = read_mapping(file_);
    if (!posted) return posted.error();
    current_ = std::move(*posted);
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
    current_ = base_;
    return {};
}

Result<void> MappingStore::keep(std::string_view text) const {
    if (file_.empty()) return {};
    return replace_file(file_, text);
}

}  // namespace inferscope::mapping
