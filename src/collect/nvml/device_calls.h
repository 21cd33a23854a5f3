// SPDX-License-Identifier: Apache-2.0
// The functions that each give one GPU's number or two: a visible table, and what their results
// mean.
#pragma once

#include <span>

#include "collect/gpu_snapshot.h"
#include "collect/nvml/nvml_api.h"

namespace inferscope::collect::nvml {

enum class Cadence {
    always,  ///< in each reading
    rarely,  ///< what hardly changes: limits, counts of the card's life
};

struct Call {
    Cadence cadence;
    /// Sets what it reads and returns the library's result; FUNCTION_NOT_FOUND where the library
    /// lacks it.
    int (*read)(const Api& api, Device device, GpuValues& values);
};

/// A row that fails leaves its numbers out, and nothing else.
std::span<const Call> device_calls();

/// The GPU has fallen off the bus or needs a reset: it will answer nothing.
bool is_lost(int result);
/// The library must be started anew.
bool is_driver_gone(int result);
/// The card or the driver won't know it in a second either. What remains (UNKNOWN, TIMEOUT ...) may
/// pass.
bool is_lacking(int result);

}  // namespace inferscope::collect::nvml
