// SPDX-License-Identifier: Apache-2.0
#include "scrape/page_layout.h"

#include <fmt/format.h>

#include <string_view>

namespace inferscope::scrape {
namespace {

static_assert(sizeof(PageLayout::Line) == 12, "compared by its bytes: none of them is padding");

std::string_view bytes_of(const std::vector<PageLayout::Line>& lines) {
    return {reinterpret_cast<const char*>(lines.data()), lines.size() * sizeof(PageLayout::Line)};
}

}  // namespace

std::shared_ptr<const PageLayout> PageLayouts::share(PageLayout layout) {
    const std::pair key(Fingerprint::of(layout.text), Fingerprint::of(bytes_of(layout.lines)));
    layout.text.shrink_to_fit();
    layout.lines.shrink_to_fit();
    auto shared = std::make_shared<const PageLayout>(std::move(layout));
    return layouts_.with([&](auto& in_use) { return in_use.share(key, std::move(shared)); });
}

FamilyPtr PageLayouts::share(FamilyPtr family) {
    // Newlines set the parts apart: only the last one may hold any.
    const auto text = fmt::format("{}\n{}\n{}\n{}", static_cast<int>(family->type), family->name,
                                  family->unit, family->help);
    const auto key = Fingerprint::of(text);
    return families_.with([&](auto& in_use) { return in_use.share(key, std::move(family)); });
}

}  // namespace inferscope::scrape
