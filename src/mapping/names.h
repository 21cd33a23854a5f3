// SPDX-License-Identifier: Apache-2.0
// Hash tables keyed by names, which can be asked by string_view. (Debian builds Abseil for C++14,
// where its own string hash doesn't take a std::string_view.)
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <functional>
#include <string>
#include <string_view>

namespace inferscope::mapping {

struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
        return std::hash<std::string_view>()(name);
    }
};

using NameSet = absl::flat_hash_set<std::string, NameHash, std::equal_to<>>;
template <class T>
using NameMap = absl::flat_hash_map<std::string, T, NameHash, std::equal_to<>>;

}  // namespace inferscope::mapping
