// SPDX-License-Identifier: Apache-2.0
#include "tsdb/index_format.h"

#include <algorithm>

#include "base/crc32c.h"

namespace inferscope::tsdb::index_format {

Result<std::string> assemble(Header header, const Sections& sections) {
    std::ranges::copy(kMagic, header.magic.begin());
    header.version = kVersion;
    std::uint64_t offset = sizeof(Header);
    for (std::size_t i = 0; i < kSections; ++i) {
        if (sections[i].size() > UINT32_MAX) {
            return Error{Errc::limit_exceeded,
                         "index of a block: a section of 4 GiB or more; make shorter blocks"};
        }
        header.sections[i] = {offset, sections[i].size(), crc32c(sections[i]), 0};
        offset += sections[i].size();
    }
    const auto bytes = as_bytes(header);
    header.crc = crc32c(bytes.substr(0, sizeof(Header) - sizeof header.crc));
    std::string out;
    out.reserve(offset);
    out += bytes;
    for (const auto& section : sections) out += section;
    return out;
}

}  // namespace inferscope::tsdb::index_format
