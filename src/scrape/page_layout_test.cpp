// SPDX-License-Identifier: Apache-2.0
#include "scrape/page_layout.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace inferscope::scrape {
namespace {

PageLayout layout(std::string text, ColumnIndex column, bool special = false) {
    const auto fixed = static_cast<std::uint32_t>(text.size());
    return {.text = std::move(text),
            .lines = {{.fixed = fixed, .column = column, .special = special}}};
}

TEST(PageLayouts, HoldsEqualLayoutsOnce) {
    PageLayouts layouts;
    const auto first = layouts.share(layout("a ", 0));
    EXPECT_EQ(layouts.share(layout("a ", 0)), first);
    EXPECT_NE(layouts.share(layout("b ", 0)), first);
    EXPECT_NE(layouts.share(layout("a ", 1)), first) << "relabelling gave it another column";
    EXPECT_NE(layouts.share(layout("a ", 0, true)), first);
}

TEST(PageLayouts, GivesAFreshOneWhereNobodyHoldsItAnymore) {
    PageLayouts layouts;
    for (int i = 0; i < 1000; ++i) {
        const auto text = fmt::format("a{{n=\"{}\"}} ", i);
        EXPECT_EQ(layouts.share(layout(text, 0))->text, text);
    }
    EXPECT_EQ(layouts.share(layout("a{n=\"0\"} ", 7))->lines[0].column, 7U);
}

TEST(PageLayouts, HoldsEqualFamiliesOnce) {
    PageLayouts layouts;
    const auto share = [&](Family family) {
        return layouts.share(std::make_shared<const Family>(std::move(family)));
    };
    const auto first = share({"a", MetricType::gauge, "Help.", "bytes"});
    EXPECT_EQ(share({"a", MetricType::gauge, "Help.", "bytes"}), first);
    EXPECT_NE(share({"b", MetricType::gauge, "Help.", "bytes"}), first);
    EXPECT_NE(share({"a", MetricType::counter, "Help.", "bytes"}), first);
    EXPECT_NE(share({"a", MetricType::gauge, "Help!", "bytes"}), first);
    EXPECT_NE(share({"a", MetricType::gauge, "Help.", ""}), first);
}

}  // namespace
}  // namespace inferscope::scrape
