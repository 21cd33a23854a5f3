// SPDX-License-Identifier: Apache-2.0
// Memory as the kernel counts it, and back to it.
#pragma once

#include <cstddef>

namespace inferscope::app {

/// 0 where /proc isn't there.
std::size_t resident_bytes();

/// What was freed goes back to the kernel now; the allocator keeps it otherwise.
void give_back_free_memory();

/// The same, now and then: sealing frees most of what rows took while they were open; a burst of
/// queries frees much at once. Confined to one thread.
class FreeMemoryWatch {
public:
    /// To be called every 2 s.
    void look();

private:
    int looks_ = 0;
    std::size_t bytes_ = 0;  ///< that stayed the last time
};

}  // namespace inferscope::app
