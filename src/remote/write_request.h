// SPDX-License-Identifier: Apache-2.0
// A WriteRequest of remote write 1.0, decoded into flat arrays that point into the message.
//
//   WriteRequest: 1 timeseries, 3 metadata
//   TimeSeries:   1 labels {1 name, 2 value}, 2 samples {1 value (double), 2 timestamp (int64)},
//                 3 exemplars {1 labels, 2 value, 3 timestamp}, 4 histograms
//   Metadata:     1 type, 2 metric_family_name, 4 help, 5 unit
//
// A series whose labels are known needn't be read label by label. Nearly all series end in one
// sample of 18 bytes (9 if the value is 0): what stands before it is *supposed* to be the labels.
// If those bytes are known to be label fields, since they were read before, that was right; if they
// are unknown, read_in_full() finds out.
// Source: Prometheus, prompb/remote.proto and prompb/types.proto.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "telemetry/fingerprint.h"
#include "telemetry/sample.h"

namespace inferscope::remote {

/// Views point into the message, or into the request that holds the series.
struct WireSeries {
    std::string_view fields;  ///< the whole TimeSeries
    std::string_view labels;  ///< its label fields, as they stand
    Fingerprint key;          ///< of `labels`
    std::uint32_t first_sample = 0;
    std::uint32_t samples = 0;
    std::uint32_t first_exemplar = 0;
    std::uint32_t exemplars = 0;
    std::uint32_t native_histograms = 0;
    bool is_supposed = false;  ///< only right if `key` is known
};

struct WireExemplar {
    std::string_view labels;  ///< its label fields, as they stand
    double value = 0;
    Timestamp time = 0;
};

/// Keeps its memory from one message to the next.
class WriteRequest {
public:
    /// Fails with invalid_argument if `message` isn't a WriteRequest, and with limit_exceeded if it
    /// has more than `most` series, samples and exemplars. `message` outlives what is read of it.
    Result<void> decode(std::string_view message, std::size_t most);
    /// Reads a series that was supposed. Fails as decode().
    Result<void> read_in_full(WireSeries& series);

    [[nodiscard]] std::span<WireSeries> series() { return series_; }
    [[nodiscard]] std::span<const WireSeries> series() const { return series_; }
    [[nodiscard]] std::span<const Sample> samples(const WireSeries& series) const {
        return std::span(samples_).subspan(series.first_sample, series.samples);
    }
    [[nodiscard]] std::span<const WireExemplar> exemplars(const WireSeries& series) const {
        return std::span(exemplars_).subspan(series.first_exemplar, series.exemplars);
    }
    /// MetricMetadata messages, not yet looked into.
    [[nodiscard]] std::span<const std::string_view> metadata() const { return metadata_; }
    [[nodiscard]] bool has_exemplars() const { return !exemplars_.empty(); }

private:
    void clear();
    Result<void> add_series(std::string_view fields);
    bool add_sample(std::string_view message);
    bool add_exemplar(std::string_view message);

    std::vector<WireSeries> series_;
    std::vector<Sample> samples_;
    std::vector<WireExemplar> exemplars_;
    std::vector<std::string_view> metadata_;
    std::deque<std::string> label_copies_;  // labels that didn't stand together
};

}  // namespace inferscope::remote
