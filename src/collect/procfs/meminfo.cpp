// SPDX-License-Identifier: Apache-2.0
#include "collect/procfs/meminfo.h"

#include "collect/scanner.h"

namespace inferscope::collect {

std::optional<std::uint64_t> Meminfo::get(std::string_view key) const {
    for (const auto& field : fields) {
        if (field.key == key) return field.value;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> Meminfo::available() const {
    if (const auto given = get("MemAvailable")) return given;
    const auto free = get("MemFree");
    if (!free) return std::nullopt;
    return *free + get("Buffers").value_or(0) + get("Cached").value_or(0);
}

Result<Meminfo> parse_meminfo(std::string_view text) {
    Meminfo info;
    info.fields.reserve(64);
    while (auto line = take_line(text)) {
        auto key = take_word(*line);
        if (!key.ends_with(':')) continue;
        key.remove_suffix(1);
        const auto value = take_unsigned(*line);
        if (!value) continue;
        const bool in_bytes = take_word(*line) == "kB";
        info.fields.push_back({key, in_bytes ? *value * 1024 : *value, in_bytes});
    }
    if (!info.get("MemTotal")) return Error{Errc::invalid_argument, "no line 'MemTotal:'"};
    return info;
}

}  // namespace inferscope::collect
