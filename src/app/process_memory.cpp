// SPDX-License-Identifier: Apache-2.0
#include "app/process_memory.h"

#include <malloc.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

namespace inferscope::app {
namespace {

constexpr int kLooksToGiveBack = 5;
constexpr std::size_t kMuch = std::size_t{4} << 20;

}  // namespace

std::size_t resident_bytes() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "r"),
                                                               &std::fclose);
    unsigned long total = 0;
    unsigned long resident = 0;
    if (!file || std::fscanf(file.get(), "%lu %lu", &total, &resident) != 2) return 0;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void start_again_with_larger_caches(char* const* arguments) {
    constexpr const char* kVariable = "GLIBC_TUNABLES";
    constexpr std::string_view kSetting = "glibc.malloc.tcache_count=250";
    if (const auto* const set = std::getenv(kVariable)) {
        if (set == kSetting) ::unsetenv(kVariable);  // that was us; no child needs it
        return;
    }
    if (::getauxval(AT_SECURE) != 0) return;  // glibc wouldn't look at it
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) return;
    ::setenv(kVariable, kSetting.data(), 1);
    ::execv(program.c_str(), arguments);
    ::unsetenv(kVariable);
}

void set_up_heap() {
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
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
