// SPDX-License-Identifier: Apache-2.0
// Recorded sequences: what an engine's pages and probes said, step by step, and what must be
// concluded from it.
#include "engines/state_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace inferscope::engines {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Timestamp kStart = 1'800'000'000'000;

Timestamp at(double seconds) { return kStart + std::llround(seconds * 1000); }

Observation page(double seconds, std::vector<Lane> lanes, Nanos took = 3ms) {
    return {.time = at(seconds),
            .took = took,
            .outcome = ScrapeOutcome::page,
            .why = {},
            .page = {std::move(lanes), false}};
}

/// A page of vLLM: KV usage shown, counters that move with each step.
Observation vllm(double seconds, double running, double waiting, double kv, double progress,
                 Nanos took = 3ms) {
    return page(seconds,
                {{.name = "0",
                  .running = running,
                  .waiting = waiting,
                  .kv_usage = kv,
                  .progress = progress}},
                took);
}

/// A page of llama.cpp: no KV usage, counters that move when requests end.
Observation llama(double seconds, double running, double waiting, double progress) {
    return page(seconds, {{.name = "",
                           .running = running,
                           .waiting = waiting,
                           .kv_usage = std::nullopt,
                           .progress = progress,
                           .is_coarse = true}});
}

Observation no_page(double seconds, ScrapeOutcome outcome, std::string why = "why") {
    return {.time = at(seconds), .took = 5s, .outcome = outcome, .why = std::move(why), .page = {}};
}

probe::ProbeResult ready(double seconds, Nanos latency = 2ms) {
    probe::ProbeResult result;
    result.at = at(seconds);
    result.reachable = result.loaded = true;
    result.http_status = 200;
    result.latency = latency;
    return result;
}

probe::ProbeResult status(double seconds, int code, bool is_loading = false) {
    auto result = ready(seconds);
    result.loaded = false;
    result.loading = is_loading;
    result.http_status = code;
    result.why = "HTTP " + std::to_string(code) + " from /health";
    return result;
}

probe::ProbeResult silent(double seconds) {
    auto result = ready(seconds, 5s);
    result.loaded = false;
    result.http_status = 0;
    result.timed_out = true;
    result.error_type = "timeout";
    result.why = "no answer within 5s";
    return result;
}

probe::ProbeResult refused(double seconds) {
    auto result = silent(seconds);
    result.reachable = false;
    result.timed_out = false;
    result.error_type = "connection_error";
    result.why = "connection refused";
    return result;
}

EngineState state(const StateTracker& tracker) { return tracker.judgement().value().state; }
std::string reason(const StateTracker& tracker) { return tracker.judgement().value().reason; }

TEST(StateTracker, SaysNothingBeforeItKnowsSomething) { EXPECT_FALSE(StateTracker().judgement()); }

// vllm-v1-objects/single-{idle,load-00 ... load-09,after}.prom: running, KV usage,
// iteration_tokens_total_count + generation_tokens_total + prompt_tokens_total.
TEST(StateTracker, FollowsACapturedVllmFromIdleOverLoadToIdle) {
    struct Step {
        double running, kv, progress;
        EngineState expected;
    };
    const Step steps[] = {{0, 0, 0, EngineState::idle},
                          {3, 0.0042592592592592595, 70 + 165 + 3563, EngineState::alive},
                          {5, 0.005074074074074074, 139 + 443 + 7772, EngineState::alive},
                          {3, 0.003259259259259259, 216 + 748 + 9176, EngineState::alive},
                          {3, 0.00362962962962963, 293 + 936 + 10607, EngineState::alive},
                          {6, 0.009555555555555555, 366 + 1156 + 13978, EngineState::alive},
                          {3, 0.006518518518518518, 442 + 1671 + 16335, EngineState::alive},
                          {6, 0.007333333333333333, 518 + 1962 + 19394, EngineState::alive},
                          {4, 0.0062592592592592596, 594 + 2275 + 21995, EngineState::alive},
                          {2, 0.002185185185185185, 672 + 2490 + 22851, EngineState::alive},
                          {4, 0.005333333333333333, 734 + 2723 + 30232, EngineState::alive},
                          {0, 0, 813 + 2916 + 30232, EngineState::alive},
                          {0, 0, 813 + 2916 + 30232, EngineState::idle}};
    StateTracker tracker;
    double time = 0;
    for (const auto& step : steps) {
        tracker.on_scrape(vllm(time, step.running, 0, step.kv, step.progress));
        EXPECT_EQ(state(tracker), step.expected) << time << " " << reason(tracker);
        time += 1;
    }
    EXPECT_EQ(tracker.judgement()->since, at(12));
}

// The same engine, its counters frozen as in load-05, health 200 all the while.
TEST(StateTracker, CallsAnEngineHungThatAnswersAndHasWorkAndStandsStillForTwoMinutes) {
    StateTracker tracker;
    for (double time = 0; time <= 200; time += 5) {
        tracker.on_probe(ready(time));
        tracker.on_scrape(vllm(time, 3, 2, 0.0065, 18448));
        EXPECT_EQ(state(tracker), time < 120 ? EngineState::alive : EngineState::hung) << time;
    }
    EXPECT_EQ(tracker.judgement()->since, at(120));
    EXPECT_EQ(reason(tracker), "3 running, 2 waiting; no step and no change of KV usage for 3m20s");
    tracker.on_scrape(vllm(205, 3, 2, 0.0065, 18449));
    EXPECT_EQ(state(tracker), EngineState::alive);
}

TEST(StateTracker, CallsAnEngineHungWhoseRequestsOnlyWait) {
    StateTracker tracker;
    for (double time = 0; time <= 125; time += 5) tracker.on_scrape(vllm(time, 0, 7, 0, 10));
    EXPECT_EQ(state(tracker), EngineState::hung);
}

// A prefill of a million tokens returns no step for minutes, but takes KV blocks chunk by chunk.
TEST(StateTracker, DoesNotMistakeALongChunkedPrefillForAHang) {
    StateTracker tracker;
    for (double time = 0; time <= 600; time += 5) {
        tracker.on_scrape(vllm(time, 1, 0, 0.001 * std::floor(time / 60), 500));
        EXPECT_EQ(state(tracker), EngineState::alive) << time;
    }
}

// sglang-objects/default-load-05.prom: running 16, token_usage 0.03075; the requests finished, the
// gauges are written again up to 30 s later.
TEST(StateTracker, DoesNotMistakeStaleGaugesOfAFinishedSglangForAHang) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 18, 0, 0.0401525, 50461 + 4522 + 10998));
    for (double time = 5; time < 35; time += 5) {
        tracker.on_scrape(vllm(time, 16, 0, 0.03075, 56467 + 5303 + 12091));
        EXPECT_EQ(state(tracker), EngineState::alive) << time;
    }
    tracker.on_scrape(vllm(35, 0, 0, 0, 56467 + 5303 + 12091));
    tracker.on_scrape(vllm(40, 0, 0, 0, 56467 + 5303 + 12091));
    EXPECT_EQ(state(tracker), EngineState::idle);
}

TEST(StateTracker, NeverCallsAnIdleEngineHung) {
    StateTracker tracker;
    for (double time = 0; time <= 7200; time += 20) tracker.on_scrape(vllm(time, 0, 0, 0.01, 500));
    EXPECT_EQ(state(tracker), EngineState::idle);
    tracker.on_scrape(vllm(7205, 1, 0, 0.01, 500));  // its first request for two hours
    EXPECT_EQ(state(tracker), EngineState::alive);
}

// llamacpp-real/prefill-00 ... 07.prom: one request prefills 3306 tokens; nothing moves; here until
// it hangs.
TEST(StateTracker, GivesAnEngineWhoseCountersMoveWhenRequestsEndAQuarterOfAnHour) {
    StateTracker tracker;
    for (double time = 0; time < 900; time += 5) {
        tracker.on_scrape(llama(time, 1, 0, 7207 + 2766 + 805));
        ASSERT_EQ(state(tracker), EngineState::alive) << time;
    }
    tracker.on_scrape(llama(900, 1, 0, 7207 + 2766 + 805));
    EXPECT_EQ(state(tracker), EngineState::hung);
    EXPECT_EQ(reason(tracker), "1 running, 0 waiting; no step for 15m0s");
}

// llamacpp-real/page-00 ... 07.prom, pages-timing.tsv: ten clients on four slots; the first page
// took 511 ms.
TEST(StateTracker, FollowsACapturedLlamaCppUnderLoad) {
    StateTracker tracker;
    const double progress[] = {525 + 133 + 102,  657 + 133 + 114,  657 + 197 + 133,
                               1062 + 197 + 179, 1468 + 325 + 199, 1468 + 581 + 230,
                               1468 + 581 + 230, 2280 + 581 + 250};
    double time = 0;
    for (const double value : progress) {
        tracker.on_scrape(llama(time++, 4, 6, value));
        EXPECT_EQ(state(tracker), EngineState::alive);
    }
    EXPECT_EQ(reason(tracker), "4 running, 6 waiting");
}

TEST(StateTracker, CallsABusyEngineSaturatedWhenItsPagesComeSlowly) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 200, 40, 0.98, 1000));
    tracker.on_scrape(vllm(10, 200, 44, 0.98, 9000, 2300ms));
    EXPECT_EQ(state(tracker), EngineState::saturated);
    EXPECT_EQ(reason(tracker),
              "200 running, 44 waiting; gets on, but took 2.3 s for its metrics page");
}

// Rule A3: probes time out while tokens flow, for a quarter of an hour.
TEST(StateTracker, NeverCallsAnEngineDeadThatProgressesWhileItsProbesTimeOut) {
    StateTracker tracker;
    for (double time = 0; time <= 900; time += 15) {
        tracker.on_scrape(vllm(time, 256, 300, 0.99, 1000 + time));
        tracker.on_probe(silent(time + 1));
        EXPECT_EQ(state(tracker), EngineState::saturated) << time;
    }
    EXPECT_THAT(reason(tracker), HasSubstr("didn't answer its health look in time"));
}

TEST(StateTracker, BelievesAProgressingPageMoreThanARefusedProbe) {
    StateTracker tracker(/*is_one_port=*/false);
    for (double time = 0; time <= 300; time += 5) {
        tracker.on_probe(refused(time));
        tracker.on_scrape(vllm(time + 1, 3, 0, 0.5, 1000 + time));
        EXPECT_EQ(state(tracker), EngineState::alive) << time;
    }
    EXPECT_THAT(reason(tracker), HasSubstr("health look failed, though: connection refused"));
}

TEST(StateTracker, CallsAnEngineDownWhoseApiStaysRefusedWhileItsIdleMetricsPortAnswers) {
    StateTracker tracker(/*is_one_port=*/false);
    tracker.on_scrape(vllm(0, 0, 0, 0, 10));
    tracker.on_probe(refused(1));
    EXPECT_EQ(state(tracker), EngineState::idle);  // may be a moment
    tracker.on_scrape(vllm(5, 0, 0, 0, 10));
    tracker.on_probe(refused(16));
    EXPECT_EQ(state(tracker), EngineState::down);
    tracker.on_scrape(vllm(20, 0, 0, 0, 10));
    EXPECT_EQ(state(tracker), EngineState::down);
}

TEST(StateTracker, CallsAnEngineDownAtOnceWhenItsOnlyPortRefuses) {
    StateTracker tracker;
    tracker.on_probe(ready(0));
    tracker.on_scrape(vllm(1, 5, 0, 0.3, 10));
    tracker.on_scrape(no_page(6, ScrapeOutcome::refused, "connection refused"));
    EXPECT_EQ(state(tracker), EngineState::down);
    EXPECT_EQ(reason(tracker), "connection refused");
    tracker.on_probe(refused(15));
    EXPECT_EQ(state(tracker), EngineState::down);
    EXPECT_EQ(tracker.judgement()->since, at(6));
    tracker.on_probe(ready(30));
    tracker.on_scrape(vllm(31, 0, 0, 0, 0));  // restarted: all counters at zero
    EXPECT_EQ(state(tracker), EngineState::idle);
}

TEST(StateTracker, TakesACounterResetForARestartNotForAHang) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 4, 0, 0.2, 90'000));
    for (double time = 5; time < 115; time += 5) tracker.on_scrape(vllm(time, 4, 0, 0.2, 90'000));
    tracker.on_scrape(vllm(115, 1, 0, 0.2, 12));
    tracker.on_scrape(vllm(130, 1, 0, 0.2, 12));
    EXPECT_EQ(state(tracker), EngineState::alive);
}

TEST(StateTracker, KeepsAHungEngineHungWhenItsPagesTimeOutToo) {
    StateTracker tracker;
    for (double time = 0; time <= 130; time += 5) tracker.on_scrape(vllm(time, 3, 0, 0.5, 10));
    tracker.on_probe(ready(131));
    tracker.on_scrape(no_page(140, ScrapeOutcome::silent));
    EXPECT_EQ(state(tracker), EngineState::hung);
}

TEST(StateTracker, CallsABusyEngineSaturatedForTwoMinutesWhenItGoesSilentThenBlindThenHung) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 100, 900, 0.9, 10));
    tracker.on_scrape(vllm(5, 100, 900, 0.9, 20));
    for (double time = 10; time <= 400; time += 10) {
        tracker.on_scrape(no_page(time, ScrapeOutcome::silent));
        tracker.on_probe(silent(time + 1));
        const auto expected = time + 1 - 5 < 120   ? EngineState::saturated
                              : time + 1 - 5 < 300 ? EngineState::blind
                                                   : EngineState::hung;
        EXPECT_EQ(state(tracker), expected) << time << reason(tracker);
    }
    tracker.on_scrape(vllm(410, 100, 900, 0.9, 5000));
    EXPECT_EQ(state(tracker), EngineState::saturated);
    tracker.on_probe(ready(411));
    EXPECT_EQ(state(tracker), EngineState::alive);
}

TEST(StateTracker, CallsAnEngineBlindWhoseHealthAnswersWhileItsPagesKeepTimingOut) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 5, 0, 0.5, 10));
    for (double time = 10; time <= 300; time += 10) {
        tracker.on_probe(ready(time));
        tracker.on_scrape(no_page(time + 5, ScrapeOutcome::silent, "no answer within 5s"));
        EXPECT_EQ(state(tracker), time + 5 < 120 ? EngineState::saturated : EngineState::blind)
            << time;
    }
    EXPECT_EQ(reason(tracker), "answers, but its metrics page can't be read: no answer within 5s");
}

TEST(StateTracker, CallsAnEngineDownThatCanNoLongerBeConnectedTo) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 5, 0, 0.5, 10));
    for (double time = 10; time <= 150; time += 10) {  // connect time-outs: the machine is gone
        auto gone = silent(time);
        gone.reachable = false;
        tracker.on_scrape(no_page(time, ScrapeOutcome::silent, "connect timed out"));
        tracker.on_probe(gone);
        EXPECT_EQ(state(tracker), time < 120 ? EngineState::saturated : EngineState::down) << time;
    }
}

TEST(StateTracker, SaysBlindAndWhyWhenTheMetricsAreSwitchedOffOrLocked) {
    StateTracker tracker;
    tracker.on_probe(ready(0));
    EXPECT_EQ(reason(tracker), "answers; no metrics page has been read lately");
    tracker.on_scrape(
        no_page(1, ScrapeOutcome::metrics_off, "HTTP 501; restart it with --metrics"));
    EXPECT_EQ(state(tracker), EngineState::blind);
    EXPECT_EQ(reason(tracker), "its metrics are switched off: HTTP 501; restart it with --metrics");
    tracker.on_scrape(no_page(2, ScrapeOutcome::needs_key, "HTTP 401"));
    EXPECT_EQ(reason(tracker), "its metrics page needs a key: HTTP 401");
    tracker.on_scrape(no_page(3, ScrapeOutcome::failed, "line 3: bad value"));
    EXPECT_EQ(reason(tracker), "answers, but its metrics page can't be read: line 3: bad value");
}

TEST(StateTracker, SaysThatAKeyIsNeededInsteadOfFailing) {
    StateTracker tracker;
    auto locked = status(0, 401);
    locked.needs_key = true;
    locked.why = "needs a key: HTTP 401 from /v1/models";
    tracker.on_probe(locked);
    EXPECT_EQ(state(tracker), EngineState::blind);
    EXPECT_EQ(reason(tracker), "needs a key: HTTP 401 from /v1/models");
    tracker.on_scrape(vllm(1, 0, 0, 0, 10));  // its metrics need none
    EXPECT_EQ(state(tracker), EngineState::idle);
}

TEST(StateTracker, CallsAnEngineBlindWhosePageLacksTheFamiliesOfWork) {
    StateTracker tracker;
    tracker.on_probe(ready(0));
    tracker.on_scrape(page(1, {}));
    EXPECT_EQ(state(tracker), EngineState::blind);
    EXPECT_THAT(reason(tracker), HasSubstr("lacks the families"));
}

// llamacpp-real/health-loading-503.txt: the port is open after 30 ms, everything answers 503.
TEST(StateTracker, SaysLoadingWhileTheModelLoads) {
    StateTracker tracker;
    tracker.on_process(at(0), true);
    EXPECT_EQ(state(tracker), EngineState::loading);
    EXPECT_EQ(reason(tracker), "its process runs, its port isn't open yet");
    tracker.on_probe(refused(1));
    EXPECT_EQ(state(tracker), EngineState::loading);
    tracker.on_scrape(no_page(2, ScrapeOutcome::not_ready, "HTTP 503"));
    EXPECT_EQ(state(tracker), EngineState::loading);
    tracker.on_probe(status(3, 503, /*is_loading=*/true));
    EXPECT_EQ(state(tracker), EngineState::loading);
    EXPECT_EQ(tracker.judgement()->since, at(0));
    tracker.on_probe(ready(60));
    tracker.on_scrape(llama(61, 0, 0, 0));
    EXPECT_EQ(state(tracker), EngineState::idle);
    tracker.on_probe(refused(75));
    EXPECT_EQ(state(tracker), EngineState::down);  // it had been ready: this is no start
    tracker.on_process(at(76), false);
    EXPECT_EQ(state(tracker), EngineState::down);
    tracker.on_process(at(80), true);
    EXPECT_EQ(state(tracker), EngineState::loading);
}

// vLLM's API process outlives its engine: 503 from /health, a page with the gauges of the last
// second.
TEST(StateTracker, CallsAnEngineDownBehindAnApiThatAnswers503WithoutMovement) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 3, 0, 0.5, 10));
    tracker.on_probe(status(1, 503));
    EXPECT_EQ(state(tracker), EngineState::down);
    EXPECT_EQ(reason(tracker), "HTTP 503 from /health");
    tracker.on_scrape(vllm(5, 3, 0, 0.5, 11));  // it moves: the probe lied
    EXPECT_EQ(state(tracker), EngineState::alive);
}

// vllm:engine_sleep_state{sleep_state="weights_offloaded"} 1, requests kept;
// llamacpp-real/sleeping-props.txt.
TEST(StateTracker, CallsASleepingEngineIdleWhateverElseItShows) {
    StateTracker tracker;
    for (double time = 0; time <= 300; time += 5) {
        auto sleeping = vllm(time, 2, 1, 0.2, 10);
        sleeping.page.is_asleep = true;
        tracker.on_scrape(sleeping);
        EXPECT_EQ(state(tracker), EngineState::idle);
    }
    EXPECT_THAT(reason(tracker), HasSubstr("asleep"));
    StateTracker by_probe;
    auto result = ready(0);
    result.asleep = true;
    by_probe.on_probe(result);
    EXPECT_EQ(state(by_probe), EngineState::idle);
}

TEST(StateTracker, SeesOneHungRankAmongRanksThatProgress) {
    StateTracker tracker;
    for (double time = 0; time <= 125; time += 5) {
        tracker.on_scrape(page(
            time, {{.name = "0",
                    .running = 3,
                    .waiting = 0,
                    .kv_usage = 0.1 + time / 1000,
                    .progress = time},
                   {.name = "1", .running = 2, .waiting = 5, .kv_usage = 0.3, .progress = 42}}));
    }
    EXPECT_EQ(state(tracker), EngineState::hung);
    EXPECT_THAT(reason(tracker), HasSubstr("engine 1: 2 running, 5 waiting"));
}

TEST(StateTracker, CountsSharedCountersForRanksWithoutTheirOwn) {
    StateTracker tracker;
    for (double time = 0; time <= 300; time += 5) {
        tracker.on_scrape(page(time, {{.name = "", .progress = time},
                                      {.name = "0", .running = 2, .waiting = 0, .kv_usage = 0.3}}));
        EXPECT_EQ(state(tracker), EngineState::alive);
    }
}

TEST(StateTracker, CannotCallAnEngineHungThatShowsNoCounters) {
    StateTracker tracker;
    for (double time = 0; time <= 2000; time += 5) {
        tracker.on_scrape(page(time, {{.name = "", .running = 2, .waiting = 0, .kv_usage = 0.3}}));
    }
    EXPECT_EQ(state(tracker), EngineState::alive);
}

TEST(StateTracker, HangsNobodyBecauseTheClockJumps) {
    StateTracker tracker;
    tracker.on_scrape(vllm(0, 3, 0, 0.5, 10));
    tracker.on_scrape(vllm(3600, 3, 0, 0.5, 10));  // an hour forward
    EXPECT_EQ(state(tracker), EngineState::alive);
    tracker.on_scrape(vllm(1, 3, 0, 0.5, 10));  // and back
    EXPECT_EQ(state(tracker), EngineState::alive);
    tracker.on_scrape(vllm(6, 3, 0, 0.5, 11));
    EXPECT_EQ(state(tracker), EngineState::alive);
}

TEST(Observation, TellsOutcomesByStatusAndError) {
    EXPECT_EQ(outcome_of_status(200), ScrapeOutcome::page);
    EXPECT_EQ(outcome_of_status(403), ScrapeOutcome::needs_key);
    EXPECT_EQ(outcome_of_status(501), ScrapeOutcome::metrics_off);
    EXPECT_EQ(outcome_of_status(500), ScrapeOutcome::failed);
    net::FetchError error;
    error.code = Errc::timeout;
    error.phase = net::Phase::connect;
    EXPECT_EQ(outcome_of_error(error), ScrapeOutcome::silent);
    error.code = Errc::connection_refused;
    EXPECT_EQ(outcome_of_error(error), ScrapeOutcome::refused);
    error.code = Errc::io_error;
    error.phase = net::Phase::body;
    EXPECT_EQ(outcome_of_error(error), ScrapeOutcome::failed);
}

}  // namespace
}  // namespace inferscope::engines
