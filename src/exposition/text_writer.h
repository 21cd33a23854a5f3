// SPDX-License-Identifier: Apache-2.0
// Writes the Prometheus text format 0.0.4.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "telemetry/labels.h"
#include "telemetry/metadata.h"

namespace inferscope::exposition {

/// Appends to one text. The caller writes each family once, all of its samples behind it.
class TextWriter {
public:
    explicit TextWriter(std::string& out) : out_(out) {}

    /// HELP (if any) and TYPE.
    void family(const Family& family);
    void sample(std::string_view name, std::span<const Label> labels, double value);
    void sample(const Labels& series, double value);

private:
    std::string& out_;
};

}  // namespace inferscope::exposition
