// SPDX-License-Identifier: Apache-2.0
// The pieces of Prometheus's JSON answers, appended to a text: results may have a million samples.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/go_number.h"
#include "base/time.h"
#include "telemetry/labels.h"
#include "telemetry/sample.h"

namespace inferscope::api {

/// Quoted; what isn't UTF-8 becomes U+FFFD.
void append_json(std::string& out, std::string_view text);
/// {"name":"value",...}
void append_json(std::string& out, const Labels& labels);
/// [1435781451.781,"1"]: the value as Go prints it. Source: prometheus, util/jsonutil.
void append_json(std::string& out, const Sample& sample);

/// Appends series of samples to `out`; quick where a value stays the same, and where a series has
/// the times of the one before.
class SampleText {
public:
    explicit SampleText(std::string& out) : out_(out) {}
    /// [[1435781451.781,"1"],...]
    void append(std::span<const Sample> series);

private:
    /// What stands before the value: `[1435781451.781,"`.
    struct Head {
        Timestamp time = 0;
        std::uint8_t size = 0;
        std::array<char, 31> text{};
    };
    static constexpr std::size_t kMostHeads = 12'000;  // a range query has at most 11,000 steps
    static constexpr std::size_t kMostSampleBytes = sizeof(Head::text) + GoNumber::kRoom + 3;

    const Head& head_of(Timestamp time);
    void flush();

    std::string& out_;
    std::vector<Head> heads_;  // of the series before, and of this one up to next_
    std::size_t next_ = 0;
    double last_value_ = 0;
    GoNumber last_{last_value_};
    std::array<char, 4096> buffer_;  // what is to be appended
    std::size_t used_ = 0;
};

/// Seconds, with three digits behind the point unless these are zero.
void append_json_seconds(std::string& out, Timestamp time);
/// Without quotes: shortest text that gives the value again, exponents outside of 1e-6 to 1e21.
void append_go_number(std::string& out, double value);

}  // namespace inferscope::api
