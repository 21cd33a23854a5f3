// SPDX-License-Identifier: Apache-2.0
// Bytes that never change, shared by all who copy them: a pointer to one piece of memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <utility>

namespace inferscope {

/// Less than 4 GiB. Copies may be used and dropped by any thread.
class SharedBytes {
public:
    SharedBytes() = default;
    /// `fill(char*)` writes all of them.
    template <class Fill>
    static SharedBytes make(std::size_t size, Fill&& fill) {
        SharedBytes made;
        if (size == 0) return made;
        made.head_ =
            new (::operator new(sizeof(Head) + size)) Head{1, static_cast<std::uint32_t>(size)};
        std::forward<Fill>(fill)(made.head_->bytes());
        return made;
    }
    SharedBytes(const SharedBytes& other) noexcept : head_(other.head_) {
        if (head_ != nullptr) head_->users.fetch_add(1, std::memory_order_relaxed);
    }
    SharedBytes(SharedBytes&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
    SharedBytes& operator=(SharedBytes other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    ~SharedBytes() {
        // Whoever is alone needs no more than a look.
        if (head_ != nullptr && (head_->users.load(std::memory_order_acquire) == 1 ||
                                 head_->users.fetch_sub(1, std::memory_order_acq_rel) == 1))
            ::operator delete(head_);
    }

    [[nodiscard]] std::string_view view() const {
        return head_ == nullptr ? std::string_view()
                                : std::string_view(head_->bytes(), head_->size);
    }
    [[nodiscard]] bool empty() const { return head_ == nullptr; }
    bool operator==(const SharedBytes& other) const {
        return head_ == other.head_ || view() == other.view();
    }

private:
    /// Before the bytes.
    struct Head {
        std::atomic<std::uint32_t> users;
        std::uint32_t size;

        [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(this + 1); }
    };

    Head* head_ = nullptr;
};

}  // namespace inferscope
