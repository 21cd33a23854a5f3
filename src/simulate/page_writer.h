// SPDX-License-Identifier: Apache-2.0
// Writes a page as Python's prometheus_client does: its spelling of numbers, its order of lines.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "simulate/buckets.h"

namespace inferscope::simulate {

/// Appends `value` as prometheus_client 0.2x writes it: Python's repr(), whole numbers with ".0",
/// from 1e6 on with an exponent ("1.5e+06", "3.9e+010": the exponent is written with one zero in
/// front, whatever its length). Source: prometheus_client/utils.py, floatToGoString.
void append_python_number(std::string& out, double value);

/// Appends to one text. Families that `missing` names are left out, samples too.
class PageWriter {
public:
    PageWriter(std::string& out, std::span<const std::string> missing)
        : out_(out), missing_(missing) {}

    /// Starts a family; what is written until the next one belongs to it.
    void family(std::string_view name, std::string_view type, std::string_view help);
    /// One sample of the family: NAME SUFFIX {labels} value. `labels` are parts of text, put
    /// together as they stand.
    void sample(std::string_view suffix, std::initializer_list<std::string_view> labels,
                double value);
    void sample(std::initializer_list<std::string_view> labels, double value) {
        sample("", labels, value);
    }

    /// Labels that sort before `le`, and behind it, without the comma between; either may be empty.
    /// The order in which single-process pages write a histogram: buckets, count, sum.
    void histogram(const Buckets& buckets, std::string_view before, std::string_view after);
    /// The order of multi-process pages: sum, buckets, count.
    void histogram_sum_first(const Buckets& buckets, std::string_view before,
                             std::string_view after);

private:
    void buckets_of(const Buckets& buckets, std::string_view before, std::string_view after);

    std::string& out_;
    std::span<const std::string> missing_;
    std::string name_;
    bool skipping_ = false;
};

}  // namespace inferscope::simulate
