// SPDX-License-Identifier: Apache-2.0
#include "remote/metadata.h"

#include <array>
#include <cstdint>

#include "base/text.h"
#include "remote/wire_reader.h"

namespace inferscope::remote {
namespace {

MetricType type_of(std::uint64_t number) {
    constexpr std::array kTypes{
        MetricType::unknown,         MetricType::counter, MetricType::gauge, MetricType::histogram,
        MetricType::gauge_histogram, MetricType::summary, MetricType::info,  MetricType::state_set};
    return number < kTypes.size() ? kTypes[number] : MetricType::unknown;
}

}  // namespace

std::optional<Family> read_metadata(std::string_view message) {
    Family family;
    WireReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case 1:
                family.type = type_of(reader.varint());
                break;
            case 2:
                family.name = reader.bytes();
                break;
            case 4:
                family.help = reader.bytes();
                break;
            case 5:
                family.unit = reader.bytes();
                break;
            default:
                reader.skip();
        }
    }
    const bool is_text =
        is_valid_utf8(family.name) && is_valid_utf8(family.help) && is_valid_utf8(family.unit);
    if (!reader.ok() || family.name.empty() || !is_text) return std::nullopt;
    return family;
}

}  // namespace inferscope::remote
