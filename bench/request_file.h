// SPDX-License-Identifier: Apache-2.0
// Requests made ahead: one after the other, each 24 bytes of header (sender, samples, first time,
// size) and its body, in this machine's byte order; what a store must answer stands in FILE.json.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/remote_write_data.h"

namespace inferscope::bench {

/// Makes `settings`' load and writes it to `path`; returns what was written to FILE.json.
nlohmann::json write_request_file(const std::string& path, const LoadSettings& settings);

/// A mapped file; its requests point into it. Read once from end to end when opened, so that the
/// disk takes no part in the measurement.
class RequestFile {
public:
    explicit RequestFile(const std::string& path);
    ~RequestFile();
    RequestFile(const RequestFile&) = delete;
    RequestFile& operator=(const RequestFile&) = delete;

    /// By sender, in the order of sending.
    [[nodiscard]] const std::vector<std::vector<LoadRequest>>& senders() const { return senders_; }
    /// False if a sender's requests go back in time, as with SendMode::series.
    [[nodiscard]] bool in_time_order() const { return in_time_order_; }

private:
    void map(const std::string& path);

    const char* data_ = nullptr;
    std::size_t size_ = 0;
    std::vector<std::vector<LoadRequest>> senders_;
    bool in_time_order_ = true;
};

}  // namespace inferscope::bench
