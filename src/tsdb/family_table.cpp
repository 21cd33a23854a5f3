// SPDX-License-Identifier: Apache-2.0
#include "tsdb/family_table.h"

#include <memory>
#include <utility>

namespace inferscope::tsdb {

bool FamilyTable::add(const FamilyPtr& family) {
    const auto known = families_.find(family->name);
    if (known == families_.end() && families_.size() >= most_) return false;
    FamilyPtr kept = family;
    if (family->help.size() > max_help_bytes_) {
        std::size_t end = max_help_bytes_;
        while (end > 0 && (static_cast<unsigned char>(family->help[end]) & 0xc0) == 0x80) --end;
        Family cut = *family;
        cut.help.resize(end);
        kept = std::make_shared<const Family>(std::move(cut));
    }
    if (known == families_.end()) {
        families_.emplace(family->name, std::move(kept));
    } else {
        known->second = std::move(kept);
    }
    return true;
}

std::vector<FamilyPtr> FamilyTable::list(std::string_view name, std::size_t limit) const {
    std::vector<FamilyPtr> list;
    if (!name.empty()) {
        if (const auto known = families_.find(name); known != families_.end())
            list.push_back(known->second);
        return list;
    }
    for (const auto& [key, family] : families_) {
        if (limit != 0 && list.size() == limit) break;
        list.push_back(family);
    }
    return list;
}

}  // namespace inferscope::tsdb
