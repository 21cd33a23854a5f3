// SPDX-License-Identifier: Apache-2.0
// Values that no engine sends but that follow from what it sends: scaled, added up, divided. Pure
// index arithmetic over a row; made by TargetMapping.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

namespace inferscope::mapping {

/// values[output] = values[input] × scale; the stale marker if the input is one of `blanks`.
struct ScaledSlot {
    std::uint32_t input = 0;
    std::uint32_t output = 0;
    double scale = 1;
    std::span<const double> blanks;  ///< live as long as the mapping

    void fill(std::span<double> values) const;
};

/// values[output] = sum of the inputs that are there × scale; the stale marker if none is.
struct SumSlot {
    std::vector<std::uint32_t> inputs;
    std::uint32_t output = 0;
    double scale = 1;

    void fill(std::span<double> values) const;
};

/// Adds up the increases of several counters, across their resets and absences.
class CounterSum {
public:
    /// What `column` counted before it was first seen counts too: engines start at 0.
    void add(std::uint32_t column) { inputs_.push_back({column, 0}); }
    [[nodiscard]] bool empty() const { return inputs_.empty(); }
    /// The sum of all increases so far.
    double follow(std::span<const double> values);

private:
    struct Input {
        std::uint32_t column;
        double last;
    };
    std::vector<Input> inputs_;
    double total_ = 0;
};

/// values[output] = increase of hits / increase of queries over the window. While the window holds
/// no query, the ratio of the latest ones before stays; before the first window has passed, it is
/// the ratio since the engine's start. The stale marker before the first query.
class RatioSlot {
public:
    explicit RatioSlot(Millis window) : window_(window) {}

    std::uint32_t output = 0;
    CounterSum hits;
    CounterSum queries;

    void fill(Timestamp now, std::span<double> values);

private:
    struct Point {
        Timestamp time;
        double hits;
        double queries;
    };

    Millis window_;
    std::vector<Point> points_;  ///< rising times; the first is where the window starts
    double ratio_ = 0;
    bool known_ = false;
};

}  // namespace inferscope::mapping
