// SPDX-License-Identifier: Apache-2.0
#include "discovery/file_source.h"

#include <glob.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/yaml.h"
#include "discovery/target_groups.h"

namespace inferscope::discovery {
namespace {

Result<std::vector<TargetGroup>> read_groups(const std::string& path) {
    const auto text = yaml::read_file(path, kMaxTargetGroupsBytes);
    if (!text) return text.error();
    const bool is_json = path.ends_with(".json") || path.ends_with(".JSON");
    auto groups =
        is_json ? parse_target_groups_json(*text, path) : parse_target_groups_yaml(*text, path);
    if (!groups) return groups.error().error();
    return std::move(*groups);
}

}  // namespace

std::set<std::string> files_matching(const std::vector<std::string>& patterns) {
    std::set<std::string> paths;
    for (const auto& pattern : patterns) {
        glob_t found{};
        if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
            for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.insert(found.gl_pathv[i]);
        }
        globfree(&found);
    }
    return paths;
}

FileSource::Fingerprint FileSource::fingerprint_of(const std::string& path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return {};
    return {status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec, status.st_size,
            status.st_ino};
}

bool FileSource::read(const std::string& path, KnownFile& file) {
    auto groups = read_groups(path);
    const std::string error = groups ? "" : groups.error().text;
    const bool changed = error != file.error || (groups && *groups != file.groups);
    file.error = error;
    if (groups) file.groups = std::move(*groups);
    return changed;
}

bool FileSource::look(SteadyTime now) {
    const bool refresh = !looked_ || now >= next_refresh_;
    if (refresh) next_refresh_ = now + config_.refresh_interval;
    looked_ = true;
    const auto paths = files_matching(config_.files);
    bool changed =
        std::erase_if(files_, [&](const auto& file) { return !paths.contains(file.first); }) > 0;
    for (const auto& path : paths) {
        const auto [file, is_new] = files_.try_emplace(path);
        const auto fingerprint = fingerprint_of(path);
        if (!is_new && !refresh && fingerprint == file->second.fingerprint) continue;
        file->second.fingerprint = fingerprint;
        changed = read(path, file->second) || changed;
    }
    return changed;
}

std::vector<DiscoveredGroup> FileSource::groups() const {
    std::vector<DiscoveredGroup> groups;
    for (const auto& [path, file] : files_) {
        for (const auto& group : file.groups)
            groups.push_back({group, {{"__meta_filepath", path}}});
    }
    return groups;
}

std::string FileSource::error() const {
    std::string text;
    for (const auto& [path, file] : files_) {
        if (file.error.empty()) continue;
        if (!text.empty()) text += '\n';
        text += file.error;
    }
    return text;
}

}  // namespace inferscope::discovery
