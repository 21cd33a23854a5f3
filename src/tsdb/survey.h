// SPDX-License-Identifier: Apache-2.0
// What a store's folder holds, and what of it is harmed: for whoever looks at it from outside.
// Takes no lock and changes nothing; the folder's owner may go on meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "tsdb/block_format.h"
#include "tsdb/wal_replay.h"

namespace inferscope::tsdb {

struct StoreSurvey {
    std::vector<BlockMeta> blocks;        ///< by number; without harmed ones
    std::vector<SegmentReport> segments;  ///< of the log, by number
    std::uint64_t harmed_blocks = 0;      ///< set aside, or found now
};

/// Fails with not_found if `folder` has neither log nor blocks.
Result<void> check_is_store(Files& files, const std::string& folder);

/// Reads the ends of blocks and the whole log. Fails as check_is_store(), or if it can't be read.
Result<StoreSurvey> survey_store(Files& files, const std::string& folder);

struct HarmReport {
    std::vector<std::string> harms;  ///< "FILE: what is wrong, and where"
    std::uint64_t blocks = 0;
    std::uint64_t chunks = 0;
    std::uint64_t columns = 0;  ///< of chunks; each one was decoded
    std::uint64_t segments = 0;
};

/// Reads everything: compares all checksums, decodes each column of each chunk, and each record of
/// the log. A torn end of the log is harm, too, though the next start takes it as it is: a crash
/// leaves it, and so would a lost tail. Fails as survey_store().
Result<HarmReport> find_harm(Files& files, const std::string& folder);

}  // namespace inferscope::tsdb
