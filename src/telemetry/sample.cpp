// SPDX-License-Identifier: Apache-2.0
#include "telemetry/sample.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace inferscope {

void merge_by_time(std::vector<Sample>& samples, std::span<const Sample> more) {
    if (more.empty()) return;
    if (samples.empty() || samples.back().time < more.front().time) {
        samples.insert(samples.end(), more.begin(), more.end());
        return;
    }
    std::vector<Sample> merged;
    merged.reserve(samples.size() + more.size());
    std::ranges::set_union(samples, more, std::back_inserter(merged), {}, &Sample::time,
                           &Sample::time);
    samples = std::move(merged);
}

void keep_between(std::vector<Sample>& samples, Timestamp from, Timestamp to) {
    samples.erase(std::ranges::upper_bound(samples, to, {}, &Sample::time), samples.end());
    samples.erase(samples.begin(), std::ranges::lower_bound(samples, from, {}, &Sample::time));
}

}  // namespace inferscope
