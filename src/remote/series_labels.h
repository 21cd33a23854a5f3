// SPDX-License-Identifier: Apache-2.0
// The labels of a series that isn't known yet: read, put in order, and checked.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "remote/config.h"
#include "telemetry/labels.h"

namespace inferscope::remote {

/// Reads label fields into `labels`: sorted, no name twice, none empty, as Labels::from_sorted()
/// takes them. Views point into `fields`. Fails with Prometheus's words
/// - with invalid_argument: no metric name, a name twice, an empty name, no UTF-8, or no fields of
///   labels at all. Names may be any UTF-8, as in Prometheus 3;
/// - with limit_exceeded: a bound of `config` is passed.
Result<void> read_series_labels(std::string_view fields, const WriteConfig& config,
                                std::vector<Label>& labels);

/// The same of an exemplar, which has no metric name.
Result<void> read_exemplar_labels(std::string_view fields, const WriteConfig& config,
                                  std::vector<Label>& labels);

/// The labels of `fields` as they came, for a message: cut if they are long.
std::string show_labels(std::string_view fields);

/// Label fields in their shortest form: equal for equal label sets.
void write_label_fields(std::span<const Label> labels, std::string& out);

}  // namespace inferscope::remote
