// SPDX-License-Identifier: Apache-2.0
#include "engines/state_tracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace inferscope::engines {
namespace {

std::string duration_text(Millis duration) {
    const auto seconds = duration.count() / 1000;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m{}s", seconds / 60, seconds % 60);
    return fmt::format("{}h{}m", seconds / 3600, seconds / 60 % 60);
}

bool is_silent(const probe::ProbeResult& result) { return result.reachable && result.timed_out; }

bool was_refused(const probe::ProbeResult& result) {
    return !result.reachable && !result.timed_out;
}

bool has_answered(const probe::ProbeResult& result) { return result.http_status != 0; }

bool has_answered(ScrapeOutcome outcome) {
    return outcome != ScrapeOutcome::silent && outcome != ScrapeOutcome::refused;
}

// Counters that can't be told apart by lane stand for each lane that has none of its own.
std::optional<double> shared_progress(const Page& page) {
    for (const auto& lane : page.lanes) {
        if (lane.name.empty()) return lane.progress;
    }
    return std::nullopt;
}

}  // namespace

void StateTracker::on_scrape(const Observation& observation) {
    const bool has_page = observation.outcome == ScrapeOutcome::page;
    pass(observation.time, has_answered(observation.outcome), has_page);
    if (has_page) {
        const auto step =
            std::clamp(Millis(observation.time - newest_page_), Millis(0), limits_.max_step);
        compare_lanes(observation.page, step);
        newest_page_ = observation.time;
        has_been_ready_ = true;
    }
    scrape_ = observation;
    judge(observation.time);
}

void StateTracker::on_probe(const probe::ProbeResult& result) {
    pass(result.at, has_answered(result), false);
    unreachable_probes_ = result.reachable ? 0 : unreachable_probes_ + 1;
    has_been_ready_ = has_been_ready_ || result.loaded;
    probe_ = result;
    judge(result.at);
}

void StateTracker::on_process(Timestamp now, bool is_running) {
    if (is_running && is_process_running_ == false) has_been_ready_ = false;
    is_process_running_ = is_running;
    judge(now);
}

// Both add up over inputs, each at most `max_step`, for the same reason as the time without
// progress does.
void StateTracker::pass(Timestamp now, bool has_answered, bool has_page) {
    const auto step = newest_input_ == 0
                          ? Millis(0)
                          : std::clamp(Millis(now - newest_input_), Millis(0), limits_.max_step);
    silence_ = has_answered ? Millis(0) : silence_ + step;
    page_gap_ = has_page ? Millis(0) : page_gap_ + step;
    newest_input_ = now;
}

void StateTracker::compare_lanes(const Page& page, Millis step) {
    const auto shared = shared_progress(page);
    std::vector<LaneHistory> lanes;
    was_busy_ = false;
    for (Lane lane : page.lanes) {
        if (!lane.progress) lane.progress = shared;
        LaneHistory now{.last = lane};
        const auto before =
            std::ranges::find(lanes_, lane.name, [](const LaneHistory& h) { return h.last.name; });
        if (before != lanes_.end()) {
            // A counter that fell was reset by a restart: that is movement, too.
            now.is_new = false;
            now.moved =
                lane.progress != before->last.progress || lane.kv_usage != before->last.kv_usage;
            const bool stood_still = !now.moved && lane.work() > 0 && before->last.work() > 0;
            now.stalled = stood_still ? before->stalled + step : Millis(0);
        }
        was_busy_ = was_busy_ || lane.work() > 0;
        lanes.push_back(std::move(now));
    }
    lanes_ = std::move(lanes);
}

void StateTracker::judge(Timestamp now) {
    auto verdict = judge_sleep();
    if (!verdict) verdict = judge_page(now);
    if (!verdict) verdict = judge_without_page(now);
    if (verdict->is_gone) {
        lanes_.clear();
        was_busy_ = false;
        silence_ = Millis(0);
    }
    const bool is_same = judgement_ && judgement_->state == verdict->state;
    judgement_ = Judgement{.state = verdict->state,
                           .reason = std::move(verdict->reason),
                           .since = is_same ? judgement_->since : now};
}

std::optional<StateTracker::Verdict> StateTracker::judge_sleep() const {
    const bool page_says =
        scrape_ && scrape_->outcome == ScrapeOutcome::page && scrape_->page.is_asleep;
    const bool probe_says = probe_ && probe_->reachable && probe_->asleep == true;
    if (!page_says && !probe_says) return std::nullopt;
    return Verdict{EngineState::idle, "asleep; a request, not a look, wakes it"};
}

// Rule A1, by the newest page.
std::optional<StateTracker::Verdict> StateTracker::judge_stall() const {
    const auto lane = std::ranges::find_if(lanes_, [&](const LaneHistory& history) {
        return history.last.progress && history.stalled >= stall_limit(history.last);
    });
    if (lane == lanes_.end()) return std::nullopt;
    const std::string which = lanes_.size() < 2 ? "" : fmt::format("engine {}: ", lane->last.name);
    return Verdict{EngineState::hung,
                   fmt::format("{}{:g} running, {:g} waiting; no step{} for {}", which,
                               lane->last.running.value_or(0), lane->last.waiting.value_or(0),
                               lane->last.kv_usage ? " and no change of KV usage" : "",
                               duration_text(lane->stalled))};
}

// What the newest scrape shows, if it has a page.
std::optional<StateTracker::Verdict> StateTracker::judge_page(Timestamp now) const {
    const Observation* scrape = scrape_at(now);
    if (scrape == nullptr || scrape->outcome != ScrapeOutcome::page) return std::nullopt;
    const auto* result = probe_at(now);
    if (is_one_port_ && result != nullptr && was_refused(*result) && result->at > scrape->time)
        return std::nullopt;
    if (auto stall = judge_stall()) return stall;
    if (!has_moved() && result != nullptr) {
        if (result->loading) return Verdict{EngineState::loading, result->why};
        if (result->http_status >= 500) return Verdict{EngineState::down, result->why};
        // One refusal may be a moment older than the page; two say that the API's port is closed
        // for good.
        if (unreachable_probes_ >= 2 && !was_busy_) {
            return Verdict{
                EngineState::down,
                "its API can't be reached, though its metrics page answers: " + result->why};
        }
    }
    const bool shows_work =
        std::ranges::any_of(lanes_, [](const LaneHistory& h) { return h.last.shows_work(); });
    if (!shows_work) {
        return Verdict{
            EngineState::blind,
            "its metrics page lacks the families that tell running and waiting requests"};
    }
    if (was_busy_ || has_moved()) return judge_busy();
    const std::string slow = slowness();
    return Verdict{EngineState::idle, slow.empty() ? "nothing to do" : "nothing to do; " + slow};
}

StateTracker::Verdict StateTracker::judge_busy() const {
    const std::string slow = slowness();
    if (was_busy_ && !slow.empty())
        return {EngineState::saturated, fmt::format("{}; gets on, but {}", work_text(), slow)};
    std::string reason = was_busy_ ? work_text() : "requests came and went since the last page";
    if (probe_ && !probe_->reachable)
        reason += fmt::format("; its health look failed, though: {}", probe_->why);
    return {EngineState::alive, std::move(reason)};
}

StateTracker::Verdict StateTracker::judge_without_page(Timestamp now) const {
    const auto* result = probe_at(now);
    const Observation* scrape = scrape_at(now);
    const bool scrape_is_silent = scrape != nullptr && scrape->outcome == ScrapeOutcome::silent;
    const bool scrape_was_refused = scrape != nullptr && scrape->outcome == ScrapeOutcome::refused;
    if (is_one_port_ && scrape_was_refused && (result == nullptr || result->at <= scrape->time)) {
        return judge_absence(scrape->why);
    }
    if (result != nullptr && result->loading) return {EngineState::loading, result->why};
    if (result != nullptr && result->http_status >= 500) return {EngineState::down, result->why};
    if (result != nullptr && was_refused(*result)) return judge_absence(result->why);
    if (scrape != nullptr && scrape->outcome == ScrapeOutcome::not_ready) {
        return {EngineState::loading, "its metrics page says that it isn't ready: " + scrape->why};
    }
    if (auto stall = judge_stall()) return *stall;
    if (scrape_is_silent && was_busy_ && page_gap_ < limits_.saturated_silence) {
        return {EngineState::saturated, "slow to answer; last seen with " + work_text()};
    }
    if (result != nullptr && has_answered(*result)) return judge_unreadable(scrape);
    if (scrape != nullptr && has_answered(scrape->outcome)) return judge_unreadable(scrape);
    const bool is_connected = result != nullptr ? result->reachable : scrape_is_silent;
    if (is_connected) return judge_silence();
    if (result != nullptr) return judge_absence(result->why);
    return judge_absence(scrape != nullptr ? scrape->why : "it hasn't been asked for long");
}

StateTracker::Verdict StateTracker::judge_absence(const std::string& why) const {
    if (is_process_running_ == true && !has_been_ready_) {
        return {EngineState::loading, "its process runs, its port isn't open yet", true};
    }
    return {EngineState::down, why, true};
}

// Connects, and says nothing to anybody.
StateTracker::Verdict StateTracker::judge_silence() const {
    const std::string seen = was_busy_ ? ", last seen with " + work_text() : "";
    const bool is_coarse = std::ranges::any_of(lanes_, [&](const LaneHistory& h) {
        return stall_limit(h.last) == limits_.hung_after_coarse;
    });
    const auto limit = is_coarse ? std::max(limits_.hung_after_silence, limits_.hung_after_coarse)
                                 : limits_.hung_after_silence;
    const auto state = silence_ >= limit ? EngineState::hung : EngineState::blind;
    return {state, fmt::format("accepts connections and has answered nothing for {}{}",
                               duration_text(silence_), seen)};
}

// Something answers; the metrics page doesn't, or not with a page.
StateTracker::Verdict StateTracker::judge_unreadable(const Observation* scrape) const {
    if (probe_ && probe_->needs_key) return {EngineState::blind, probe_->why};
    if (scrape == nullptr)
        return {EngineState::blind, "answers; no metrics page has been read lately"};
    switch (scrape->outcome) {
        case ScrapeOutcome::needs_key:
            return {EngineState::blind, "its metrics page needs a key: " + scrape->why};
        case ScrapeOutcome::metrics_off:
            return {EngineState::blind, "its metrics are switched off: " + scrape->why};
        case ScrapeOutcome::refused:
            return {EngineState::blind, "answers, but its metrics port doesn't: " + scrape->why};
        default:
            return {EngineState::blind,
                    "answers, but its metrics page can't be read: " + scrape->why};
    }
}

Millis StateTracker::stall_limit(const Lane& lane) const {
    return lane.is_coarse || !lane.kv_usage ? limits_.hung_after_coarse : limits_.hung_after;
}

const probe::ProbeResult* StateTracker::probe_at(Timestamp now) const {
    return probe_ && now - probe_->at <= limits_.fresh.count() ? &*probe_ : nullptr;
}

const Observation* StateTracker::scrape_at(Timestamp now) const {
    return scrape_ && now - scrape_->time <= limits_.fresh.count() ? &*scrape_ : nullptr;
}

bool StateTracker::has_moved() const {
    return std::ranges::any_of(lanes_, [](const LaneHistory& history) { return history.moved; });
}

std::string StateTracker::work_text() const {
    double running = 0;
    double waiting = 0;
    for (const auto& history : lanes_) {
        running += history.last.running.value_or(0);
        waiting += history.last.waiting.value_or(0);
    }
    return fmt::format("{:g} running, {:g} waiting", running, waiting);
}

// What was slow lately; empty if nothing was.
std::string StateTracker::slowness() const {
    if (scrape_ && scrape_->took > limits_.slow) {
        return fmt::format("took {:.1f} s for its metrics page", to_seconds(scrape_->took));
    }
    if (probe_ && is_silent(*probe_)) return "didn't answer its health look in time";
    if (probe_ && probe_->reachable && probe_->latency > limits_.slow) {
        return fmt::format("took {:.1f} s for its health look", to_seconds(probe_->latency));
    }
    return {};
}

}  // namespace inferscope::engines
