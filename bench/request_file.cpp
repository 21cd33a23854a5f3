// SPDX-License-Identifier: Apache-2.0
#include "bench/request_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/check.h"

namespace inferscope::bench {
namespace {

struct Header {
    std::uint32_t sender;
    std::uint32_t samples;
    Timestamp first_time;
    std::uint64_t size;
};
static_assert(sizeof(Header) == 24);

nlohmann::json as_json(const LoadSummary& summary) {
    auto values = nlohmann::json::array();
    for (const auto& [selector, value] : summary.values) values.push_back({selector, value});
    auto counts = nlohmann::json::array();
    for (const auto& [selector, series] : summary.counts) counts.push_back({selector, series});
    return {{"samples", summary.samples},     {"requests", summary.requests},
            {"bytes", summary.bytes},         {"raw_bytes", summary.raw_bytes},
            {"series", summary.series},       {"first_time", summary.first_time},
            {"last_time", summary.last_time}, {"values", std::move(values)},
            {"counts", std::move(counts)}};
}

}  // namespace

nlohmann::json write_request_file(const std::string& path, const LoadSettings& settings) {
    std::ofstream file(path, std::ios::binary);
    const auto write = [&](const LoadRequest& request) {
        const Header header{request.sender, request.samples, request.first_time,
                            request.body.size()};
        file.write(reinterpret_cast<const char*>(&header), sizeof header);
        file.write(request.body.data(), static_cast<std::streamsize>(request.body.size()));
    };
    auto summary = as_json(make_load(settings, write));
    file.close();
    CHECK(file.good(), "the file of requests is written");
    std::ofstream(path + ".json") << summary.dump() << '\n';
    return summary;
}

RequestFile::RequestFile(const std::string& path) {
    map(path);
    for (std::size_t at = 0; at < size_;) {
        Header header{};
        std::memcpy(&header, data_ + at, sizeof header);
        at += sizeof header;
        senders_.resize(std::max<std::size_t>(senders_.size(), header.sender + 1));
        auto& requests = senders_[header.sender];
        in_time_order_ &= requests.empty() || requests.back().first_time <= header.first_time;
        const std::string_view body(data_ + at, header.size);
        requests.push_back({header.sender, header.samples, header.first_time, body});
        at += header.size;
    }
}

void RequestFile::map(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    CHECK(file >= 0 && ::fstat(file, &status) == 0 && status.st_size > 0, "there are requests");
    size_ = static_cast<std::size_t>(status.st_size);
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
    ::close(file);
    CHECK(at != MAP_FAILED, "the file of requests is mapped");
    data_ = static_cast<const char*>(at);
}

RequestFile::~RequestFile() { ::munmap(const_cast<char*>(data_), size_); }

}  // namespace inferscope::bench
