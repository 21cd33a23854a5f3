// SPDX-License-Identifier: Apache-2.0
// A value that several threads share: reachable only under its lock, and only inside of a function,
// so that no lock lives across a suspension.
#pragma once

#include <mutex>
#include <utility>

namespace inferscope {

template <class T>
class Guarded {
public:
    template <class... Args>
    explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

    /// Calls `use(value)` under the lock and returns what it returns. Never suspend or block
    /// inside.
    template <class Use>
    decltype(auto) with(Use&& use) {
        const std::scoped_lock lock(mutex_);
        return std::forward<Use>(use)(value_);
    }
    template <class Use>
    decltype(auto) with(Use&& use) const {
        const std::scoped_lock lock(mutex_);
        return std::forward<Use>(use)(value_);
    }

private:
    mutable std::mutex mutex_;
    T value_;
};

}  // namespace inferscope
