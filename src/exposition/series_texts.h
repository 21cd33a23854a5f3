// SPDX-License-Identifier: Apache-2.0
// Texts that resemble their neighbours, as the series of one page do: of each only the middle is
// kept, by which it differs from one of those before it.
//
//     x_bucket{instance="a:8000",job="vllm",le="0.5",model_name="m"}   kept whole
//     x_bucket{instance="a:8000",job="vllm",le="1",model_name="m"}     its own bytes: `1`
//     '---------------- prefix ----------------' '---- suffix ----'
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace inferscope::exposition {

/// At most 4 GiB of text. Thread: confined to one while texts are added, any afterwards.
class SeriesTexts {
public:
    void add(std::string_view text);
    /// Gives back what more texts would have been put into.
    void shrink_to_fit();

    [[nodiscard]] std::size_t size() const { return texts_.size(); }
    void append(std::size_t index, std::string& out) const;
    [[nodiscard]] std::string at(std::size_t index) const;

private:
    static constexpr std::size_t kModels = 4;

    struct Text {
        std::uint32_t end = 0;     ///< of its own bytes, which follow those of the text before
        std::uint32_t model = 0;   ///< a text that is kept whole; itself if it is one
        std::uint16_t prefix = 0;  ///< bytes of the model that stand before its own ones
        std::uint16_t suffix = 0;  ///< and behind them
    };

    [[nodiscard]] std::string_view own_bytes(std::size_t index) const;

    std::string bytes_;
    std::vector<Text> texts_;
    std::array<std::uint32_t, kModels> models_{};  // those kept whole last, a ring
    std::size_t whole_ = 0;                        // how many were kept whole
};

}  // namespace inferscope::exposition
