// SPDX-License-Identifier: Apache-2.0
// The allocator's settings; memory as the kernel counts it, and back to it.
#pragma once

#include <cstddef>

namespace inferscope::app {

/// Starts this program again, in this process, with what can only be asked of the allocator before
/// a program starts: that each thread keeps 250 freed pieces of each small size for itself, not 7.
/// A query makes and frees a few for each series. Returns if that was done, if GLIBC_TUNABLES is
/// set, or if it can't be done: then queries are slower by a tenth, and all else is as it was.
void start_again_with_larger_caches(char* const* arguments);

/// One heap for all threads: malloc_trim gives back the free end of the first one only. What a
/// query frees the next one takes again, without asking the kernel for zeroed pages; what isn't
/// taken again give_back_free_memory() gives back.
void set_up_heap();

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
