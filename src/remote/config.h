// SPDX-License-Identifier: Apache-2.0
// Settings of remote write, in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace inferscope::remote {

struct WriteConfig {
    /// `remote_write_receiver.max_body_bytes`: of one request, decompressed.
    std::size_t max_body_bytes = 32u << 20;
    /// `remote_write_receiver.max_requests_in_flight`: more are answered 429.
    std::size_t max_requests_in_flight = 16;
    /// `remote_write_receiver.max_bytes_in_flight`: of bodies that are being worked on, compressed
    /// and decompressed together. One request alone is always let in.
    std::size_t max_bytes_in_flight = 64u << 20;
    /// `remote_write_receiver.max_items_per_request`: series, samples, exemplars and metadata.
    std::size_t max_items_per_request = 1'000'000;
    /// `remote_write_receiver.max_labels_per_series`: empty ones don't count.
    std::size_t max_labels_per_series = 128;
    /// `remote_write_receiver.max_label_name_bytes`: of one label's name.
    std::size_t max_label_name_bytes = 1024;
    /// `remote_write_receiver.max_label_value_bytes`: of one label's value.
    std::size_t max_label_value_bytes = 8192;
    /// `remote_write_receiver.max_series`: remembered at a time; a series is forgotten once it is
    /// idle.
    std::size_t max_series = 20'000'000;
    /// `remote_write_receiver.idle_after`: a group of which fewer than a quarter of the series got
    /// a sample in so long is closed; series that still live are announced anew.
    Millis idle_after{30 * 60 * 1000};
    /// New series of one job and instance: fewer aren't worth a group of their own.
    std::size_t min_cohort = 4;
    /// Columns of one group, loose or not; the store's bound is 100,000.
    std::uint32_t max_group_columns = 50'000;
};

}  // namespace inferscope::remote
