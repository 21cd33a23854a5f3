// SPDX-License-Identifier: Apache-2.0
// The driver's library, loaded at run time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "collect/nvml/nvml_api.h"

namespace inferscope::collect::nvml {

class Library {
public:
    /// Fails with not_found if there is no such library, with unavailable if it lacks what nothing
    /// works without.
    static Result<std::unique_ptr<Library>> load(const std::string& name);
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    [[nodiscard]] const Api& api() const { return api_; }

private:
    explicit Library(void* handle);

    void* handle_;
    Api api_{};
};

/// "GPU_IS_LOST": the header's name of a result without its prefix; "result 77" for one that we
/// don't know.
std::string result_name(int result);

}  // namespace inferscope::collect::nvml
