// SPDX-License-Identifier: Apache-2.0
// A posted mapping and a page's series, both from a stranger: text of the mapping, a line "---",
// one series name per line, each optionally with `{label="value",...}`. What is accepted must
// answer as JSON that reads back the same, and map any series.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/numbers.h"
#include "mapping/selector.h"
#include "mapping/target_mapping.h"

namespace {

using namespace inferscope;

std::vector<Column> columns_of(std::string_view lines) {
    std::vector<Column> columns;
    const auto family = std::make_shared<const Family>();
    while (!lines.empty() && columns.size() < 100) {
        const auto end = std::min(lines.find('\n'), lines.size());
        if (const auto selector = mapping::Selector::parse(lines.substr(0, end))) {
            LabelsBuilder labels;
            for (const auto& matcher : selector->matchers) labels.set(matcher.label, matcher.value);
            labels.set(kMetricName, selector->family);
            columns.push_back({labels.build(), family, ShownOn::raw, {}});
        }
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return columns;
}

void map_page(const std::shared_ptr<const mapping::Mapping>& rules, std::string_view lines,
              std::string_view version) {
    auto columns = columns_of(lines);
    std::vector<std::string_view> names;
    for (const auto& column : columns) names.push_back(column.labels.metric_name());
    auto identity = rules->recognise(names, {});
    identity.version = version;
    mapping::TargetMapping target(rules, identity, Labels::from({{"worker_name", "w"}}));
    target.name_columns(columns);
    const auto derived = target.derive_columns(0, columns);
    std::vector<double> values(columns.size() + derived.size(), 1.5);
    for (const Timestamp now : {0, 1000, 400'000}) target.derive_values(now, values);
    for (const auto& family : target.missing(names, true))
        CHECK(!family.engine_family.empty(), "a missing family has a name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto split = std::min(input.find("\n---\n"), input.size());
    const auto lines = input.substr(std::min(split + 5, input.size()));
    const auto posted =
        mapping::Mapping::parse(input.substr(0, split), "posted", yaml::kStrangerLimits);
    if (!posted) {
        CHECK(!posted.error().text.empty(), "a refused mapping has a reason");
    } else {
        const auto again = mapping::Mapping::parse((*posted)->to_json(), "again");
        CHECK(again && (*again)->to_json() == (*posted)->to_json(),
              "what GET answers can be posted back");
        map_page(*posted, lines, "0.11.0rc2.dev21+gabc");
    }
    map_page(mapping::Mapping::built_in(), lines, "");
    return 0;
}
