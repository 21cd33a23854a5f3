// SPDX-License-Identifier: Apache-2.0
// Judges an engine's state by whether it gets on with its work, not by its health look alone: a
// hung engine answers 200, a saturated one times out. Rules: reference rules A1 (stalled), A3
// (saturated, not dead), A4 (blind), A8 (asleep).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engines/observation.h"
#include "engines/state.h"
#include "probe/probe_result.h"

namespace inferscope::engines {

struct StateLimits {
    /// Work, no counter and no KV usage moved for this long: hung. (Source: gonka#1421, 120 s.)
    Millis hung_after{120'000};
    /// The same where KV usage isn't shown or counters move only when requests end (llama.cpp): a
    /// long prefill, or a long answer, shows nothing in between.
    Millis hung_after_coarse{900'000};
    /// Accepts connections and answers neither scrapes nor probes for this long: hung.
    Millis hung_after_silence{300'000};
    /// An engine that was busy on its last page counts as saturated for this long while it is
    /// silent.
    Millis saturated_silence{120'000};
    /// Answers that take longer are slow.
    Millis slow{1'000};
    /// The most that one step between two pages adds to the time without progress: a clock that
    /// jumps, or a machine that slept, hangs nobody.
    Millis max_step{60'000};
    /// Older results of probes and scrapes aren't looked at.
    Millis fresh{300'000};
};

struct Judgement {
    EngineState state = EngineState::blind;
    std::string reason;   ///< a sentence for people
    Timestamp since = 0;  ///< when the state began
};

/// One engine. Pure: all times are passed in. Thread: confined to one.
class StateTracker {
public:
    /// `is_one_port`: the metrics page and the API share it, so that a refusal of one is the end of
    /// both.
    explicit StateTracker(bool is_one_port = true, StateLimits limits = {})
        : limits_(limits), is_one_port_(is_one_port) {}

    void on_scrape(const Observation& observation);
    void on_probe(const probe::ProbeResult& result);
    /// Whether the engine's process is there (known on this machine only): an engine whose port
    /// isn't open yet is loading then, not down.
    void on_process(Timestamp now, bool is_running);

    /// Nothing before the first input.
    [[nodiscard]] const std::optional<Judgement>& judgement() const { return judgement_; }

private:
    struct LaneHistory {
        Lane last;
        Millis stalled{};    ///< with work and without movement
        bool moved = false;  ///< between the last two pages
        bool is_new = true;
    };
    struct Verdict {
        EngineState state;
        std::string reason;
        bool is_gone = false;  ///< nobody listens: what was known of its work is void
    };

    void pass(Timestamp now, bool has_answered, bool has_page);
    void compare_lanes(const Page& page, Millis step);
    void judge(Timestamp now);
    [[nodiscard]] std::optional<Verdict> judge_sleep() const;
    [[nodiscard]] std::optional<Verdict> judge_stall() const;
    [[nodiscard]] std::optional<Verdict> judge_page(Timestamp now) const;
    [[nodiscard]] Verdict judge_busy() const;
    [[nodiscard]] Verdict judge_without_page(Timestamp now) const;
    [[nodiscard]] Verdict judge_absence(const std::string& why) const;
    [[nodiscard]] Verdict judge_silence() const;
    [[nodiscard]] Verdict judge_unreadable(const Observation* scrape) const;
    [[nodiscard]] Millis stall_limit(const Lane& lane) const;
    [[nodiscard]] const probe::ProbeResult* probe_at(Timestamp now) const;
    [[nodiscard]] const Observation* scrape_at(Timestamp now) const;
    [[nodiscard]] bool has_moved() const;
    [[nodiscard]] std::string work_text() const;
    [[nodiscard]] std::string slowness() const;

    StateLimits limits_;
    bool is_one_port_;
    std::vector<LaneHistory> lanes_;  ///< of the newest page
    std::optional<Observation> scrape_;
    std::optional<probe::ProbeResult> probe_;
    int unreachable_probes_ = 0;   ///< in a row
    bool has_been_ready_ = false;  ///< since its process was last seen to start
    std::optional<bool> is_process_running_;
    bool was_busy_ = false;  ///< on the newest page
    Timestamp newest_page_ = 0;
    Timestamp newest_input_ = 0;
    Millis silence_{};   ///< since something was answered
    Millis page_gap_{};  ///< since a page was read
    std::optional<Judgement> judgement_;
};

}  // namespace inferscope::engines
