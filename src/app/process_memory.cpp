// SPDX-License-Identifier: Apache-2.0
#include "app/process_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

namespace inferscope::app {
namespace {

constexpr int kLooksToGiveBack = 5;
constexpr std::size_t kMuch = std::size_t{8} << 20;

}  // namespace

std::size_t resident_bytes() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "r"),
                                                               &std::fclose);
    unsigned long total = 0;
    unsigned long resident = 0;
    if (!file || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void give_back_free_memory() { ::malloc_trim(0); }

void FreeMemoryWatch::look() {
    const bool has_grown = resident_bytes() > bytes_ + kMuch;
    if (++looks_ < kLooksToGiveBack && !has_grown) return;
    give_back_free_memory();
    looks_ = 0;
    bytes_ = resident_bytes();
}

}  // namespace inferscope::app
