// SPDX-License-Identifier: Apache-2.0
// The pieces of Prometheus's JSON answers, appended to a text: results may have a million samples.
#pragma once

#include <string>
#include <string_view>

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

/// Appends samples to `out`, as append_json() does; quick where a value stays the same.
class SampleText {
public:
    explicit SampleText(std::string& out) : out_(out) {}
    void append(const Sample& sample);

private:
    std::string& out_;
    double last_ = 0;
    std::string last_value_;  ///< as text, with what ends a sample; empty before the first one
};

/// Seconds, with three digits behind the point unless these are zero.
void append_json_seconds(std::string& out, Timestamp time);
/// Without quotes: shortest text that gives the value again, exponents outside of 1e-6 to 1e21.
void append_go_number(std::string& out, double value);

}  // namespace inferscope::api
