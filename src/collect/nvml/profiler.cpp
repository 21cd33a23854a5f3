// SPDX-License-Identifier: Apache-2.0
#include "collect/nvml/profiler.h"

#include <array>
#include <utility>

#include "collect/nvml/device_calls.h"

namespace inferscope::collect::nvml {
namespace {

constexpr double kMebibyte = 1048576;

struct GpmNumber {
    unsigned metric;  ///< NVML_GPM_METRIC_...
    GpuField field;
    double factor;  ///< to our unit
};

constexpr auto kGpmNumbers = std::to_array<GpmNumber>({
    {1, GpuField::graphics_active_percent, 1},
    {2, GpuField::sm_active_percent, 1},
    {3, GpuField::sm_occupancy_percent, 1},
    {5, GpuField::tensor_active_percent, 1},
    {10, GpuField::dram_active_percent, 1},
    {11, GpuField::fp64_active_percent, 1},
    {12, GpuField::fp32_active_percent, 1},
    {13, GpuField::fp16_active_percent, 1},
    {20, GpuField::profiled_pcie_tx_bytes_per_second, kMebibyte},
    {21, GpuField::profiled_pcie_rx_bytes_per_second, kMebibyte},
    {60, GpuField::profiled_nvlink_rx_bytes_per_second, kMebibyte},
    {61, GpuField::profiled_nvlink_tx_bytes_per_second, kMebibyte},
});

}  // namespace

Profiler::Profiler(const Api& api, Device device) : api_(api), device_(device) {
    if (api.gpm_support == nullptr || api.gpm_sample_alloc == nullptr ||
        api.gpm_sample_free == nullptr || api.gpm_sample == nullptr || api.gpm_metrics == nullptr) {
        return;
    }
    GpmSupport support{.version = 1, .is_supported = 0};
    if (api.gpm_support(device, &support) != kSuccess || support.is_supported == 0) return;
    if (api.gpm_sample_alloc(&earlier_) != kSuccess) earlier_ = nullptr;
    if (api.gpm_sample_alloc(&later_) != kSuccess) later_ = nullptr;
    request_ = std::make_unique<GpmMetricsGet>();
}

Profiler::~Profiler() {
    if (earlier_ != nullptr) api_.gpm_sample_free(earlier_);
    if (later_ != nullptr) api_.gpm_sample_free(later_);
}

void Profiler::read(SteadyTime now, const NvmlSettings& settings, GpuValues& values) {
    constexpr auto kLeastDistance = Millis(100);
    if (earlier_ == nullptr || later_ == nullptr || !pause_.over(now)) return;
    if (has_earlier_ && now - earlier_time_ < kLeastDistance) return;
    int result = api_.gpm_sample(device_, later_);
    if (result == kSuccess && has_earlier_) result = take_numbers(values);
    gives_pcie_ = values.has(GpuField::profiled_pcie_tx_bytes_per_second) &&
                  values.has(GpuField::profiled_pcie_rx_bytes_per_second);
    if (is_lacking(result)) pause_.until = now + settings.retry_unsupported;
    has_earlier_ = result == kSuccess;
    earlier_time_ = now;
    std::swap(earlier_, later_);
}

int Profiler::take_numbers(GpuValues& values) {
    request_->version = 1;
    request_->count = kGpmNumbers.size();
    request_->earlier = earlier_;
    request_->later = later_;
    for (std::size_t i = 0; i < kGpmNumbers.size(); ++i)
        request_->metrics[i].metric = kGpmNumbers[i].metric;
    const int result = api_.gpm_metrics(request_.get());
    if (result != kSuccess) return result;
    for (std::size_t i = 0; i < kGpmNumbers.size(); ++i) {
        const auto& metric = request_->metrics[i];
        if (metric.result == kSuccess)
            values.set(kGpmNumbers[i].field, metric.value * kGpmNumbers[i].factor);
    }
    return result;
}

}  // namespace inferscope::collect::nvml
