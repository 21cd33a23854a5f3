// SPDX-License-Identifier: Apache-2.0
#include "collect/sysfs/cgroup.h"

#include "collect/scanner.h"

namespace inferscope::collect {
namespace {

constexpr std::uint64_t kMostCpus = 65536;  // far above NR_CPUS: a longer list is damaged

std::optional<double> ratio(std::optional<std::uint64_t> quota,
                            std::optional<std::uint64_t> period) {
    if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
    return static_cast<double>(*quota) / static_cast<double>(*period);
}

/// "3" or "0-3".
std::optional<std::uint64_t> count_range(std::string_view range) {
    const auto dash = range.find('-');
    const auto first = to_unsigned(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : to_unsigned(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= kMostCpus) return std::nullopt;
    return *last - *first + 1;
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
    auto line = take_line(text).value_or("");
    const auto quota = take_unsigned(line);
    const auto period = take_unsigned(line);
    return ratio(quota, period);
}

std::optional<double> parse_cfs_quota(std::string_view quota, std::string_view period) {
    return ratio(parse_byte_count(quota), parse_byte_count(period));
}

std::optional<std::uint64_t> parse_byte_count(std::string_view text) {
    auto line = take_line(text).value_or("");
    return take_unsigned(line);
}

std::optional<int> count_cpu_list(std::string_view text) {
    auto line = take_line(text).value_or("");
    auto list = take_word(line);
    std::uint64_t count = 0;
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto range = count_range(list.substr(0, comma));
        if (!range) return std::nullopt;
        count += *range;
        if (count > kMostCpus) return std::nullopt;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    if (count == 0) return std::nullopt;
    return static_cast<int>(count);
}

std::optional<std::uint64_t> find_flat_key(std::string_view text, std::string_view key) {
    while (auto line = take_line(text)) {
        if (take_word(*line) == key) return take_unsigned(*line);
    }
    return std::nullopt;
}

}  // namespace inferscope::collect
