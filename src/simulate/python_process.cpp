// SPDX-License-Identifier: Apache-2.0
#include "simulate/python_process.h"

#include <cmath>

namespace inferscope::simulate {
namespace {

/// Importing the libraries and loading the weights.
constexpr double kStartCpuSeconds = 41.3;

}  // namespace

void write_python_process(PageWriter& page, const PageState& state, std::string_view minor,
                          std::string_view patch) {
    const auto& m = state.model.measures();
    const auto steps = static_cast<double>(m.prefill_steps + m.decode_steps);
    // A plausible collector: it runs for every 100th step, an older generation for every 10th run
    // of the younger.
    const double runs[] = {130 + std::floor(steps / 100), 11 + std::floor(steps / 1000),
                           1 + std::floor(steps / 10000)};
    constexpr std::string_view kGeneration[] = {"0", "1", "2"};
    page.family("python_gc_objects_collected_total", "counter", "Objects freed by the collector.");
    for (int i = 0; i < 3; ++i)
        page.sample({"generation=\"", kGeneration[i], "\""}, std::floor(runs[i] * 6.5));
    page.family("python_gc_objects_uncollectable_total", "counter",
                "Objects that it could not free.");
    for (const auto generation : kGeneration) page.sample({"generation=\"", generation, "\""}, 0);
    page.family("python_gc_collections_total", "counter", "Runs of the collector.");
    for (int i = 0; i < 3; ++i) page.sample({"generation=\"", kGeneration[i], "\""}, runs[i]);
    page.family("python_info", "gauge", "The Python that is played.");
    page.sample({"implementation=\"CPython\",major=\"3\",minor=\"", minor, "\",patchlevel=\"",
                 patch, "\",version=\"3.", minor, ".", patch, "\""},
                1);
    page.family("process_virtual_memory_bytes", "gauge", "Virtual memory, bytes.");
    page.sample({}, 3.9024848896e10);
    page.family("process_resident_memory_bytes", "gauge", "Resident memory, bytes.");
    page.sample({}, 5.8330112e9);
    page.family("process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.");
    page.sample({}, std::floor(static_cast<double>(state.started) / 10) / 100);
    page.family("process_cpu_seconds_total", "counter", "CPU time used, seconds.");
    page.sample(
        {},
        std::floor((kStartCpuSeconds + to_seconds(m.prefill_time + m.decode_time)) * 100) / 100);
    page.family("process_open_fds", "gauge", "Open file descriptors.");
    page.sample({}, 70 + state.model.running() + state.model.waiting());
    page.family("process_max_fds", "gauge", "Most file descriptors that may be open.");
    page.sample({}, 1048576);
}

}  // namespace inferscope::simulate
