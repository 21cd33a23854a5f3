// SPDX-License-Identifier: Apache-2.0
// The order of a page: which families it has, under which name and TYPE, and which series stand
// behind each. Made from the series' texts alone, so it holds until a series comes or goes,
// whatever their values are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/parser.h"
#include "telemetry/metadata.h"

namespace inferscope::exposition {

/// What the plan is made from: a series' text as it is written, `name{labels} `, with the blank,
/// legacy names only.
struct SeriesToPlan {
    std::string_view text;
    const Family* family = nullptr;
};

/// One family of the page: series [begin, end) of the plan.
struct PlannedFamily {
    std::string name;                ///< as TYPE names it
    std::string_view type;           ///< TYPE's word
    const Family* family = nullptr;  ///< for HELP and UNIT; null: neither
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
};

/// Points to the families that were given; the texts aren't needed any more.
struct PagePlan {
    std::vector<PlannedFamily> families;  ///< sorted by name, each name once
    std::vector<std::uint32_t> series;    ///< by their index in what was given
};

/// Families of one name are joined: the first one's metadata, the series in the order given.
///
/// Both formats forbid that one sample could belong to two families (a gauge `x_count` beside a
/// histogram `x`) or that a sample's name isn't its family's. Such series stand in families of
/// their own, untyped, under their own name. OpenMetrics besides: counters lose `_total` in TYPE,
/// those without it are `unknown`; `x_created` joins `x`; a family's series are sorted into metrics
/// (one label set each), its buckets by `le`; a histogram that lacks its +Inf bucket, or has only
/// one of sum and count, is taken apart into untyped families. Sources: promtool's parser
/// (common/expfmt) for text; OpenMetrics 1.0 and prometheus_client's parser of it.
PagePlan plan_page(std::span<const SeriesToPlan> series, Format format);

}  // namespace inferscope::exposition
