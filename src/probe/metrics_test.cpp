// SPDX-License-Identifier: Apache-2.0
#include "probe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/recording_appender.h"

namespace inferscope::probe {
namespace {

using namespace std::chrono_literals;
using testing::_;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

Exchange answered(int status, Nanos took = 3ms) {
    Exchange exchange;
    exchange.status = status;
    exchange.took = took;
    return exchange;
}

Exchange failed(Errc code, net::Phase phase) {
    Exchange exchange;
    exchange.error.code = code;
    exchange.error.phase = phase;
    exchange.error.text = "no answer";
    return exchange;
}

ModelList one_model() {
    return {.models = {{.id = "q", .owned_by = "vllm", .root = "Q/q", .max_model_len = 4096}},
            .total = 1};
}

std::map<std::string, double> written(const ProbeMetrics& metrics, Labels common = {}) {
    RecordingAppender appender;
    RowWriter rows(appender, "test", std::move(common));
    metrics.write(rows);
    EXPECT_TRUE(rows.flush(1000));
    return appender.latest();
}

TEST(ProbeMetrics, HasEveryCounterAtZeroBeforeItsFirstRound) {
    const auto series = written(ProbeMetrics());
    const std::map<std::string, double> expected = {
        {"vllm_model_loaded", 0},
        {"vllm_service_up", 0},
        {"vllm_available_models_total", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.001\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.005\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.01\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.025\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.05\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.1\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.25\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"0.5\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"1.0\"}", 0},
        {"vllm_health_check_latency_seconds_bucket{le=\"+Inf\"}", 0},
        {"vllm_health_check_latency_seconds_sum", 0},
        {"vllm_health_check_latency_seconds_count", 0},
        {"vllm_probe_request_success_total", 0},
        {"vllm_probe_request_error_total{error_type=\"connection_error\"}", 0},
        {"vllm_probe_request_error_total{error_type=\"timeout\"}", 0},
        {"vllm_max_model_len", 0},
        {"vllm_exporter_scrape_duration_seconds", 0},
        {"vllm_exporter_scrape_errors_total{endpoint=\"health\"}", 0},
        {"vllm_exporter_scrape_errors_total{endpoint=\"models\"}", 0},
    };
    EXPECT_EQ(series, expected);
}

TEST(ProbeMetrics, CountsTwoSuccessesForAReadyEngineWithItsModels) {
    ProbeMetrics metrics;
    metrics.on_health(answered(200, 3ms));
    metrics.on_models(one_model());
    metrics.on_round(20ms);
    const auto series = written(metrics);
    EXPECT_EQ(series.at("vllm_service_up"), 1);
    EXPECT_EQ(series.at("vllm_model_loaded"), 1);
    EXPECT_EQ(series.at("vllm_probe_request_success_total"), 2);
    EXPECT_EQ(series.at("vllm_available_models_total"), 1);
    EXPECT_EQ(series.at("vllm_model_info{id=\"q\",owned_by=\"vllm\",root=\"Q/q\"}"), 1);
    EXPECT_EQ(series.at("vllm_max_model_len"), 4096);
    EXPECT_EQ(series.at("vllm_health_check_latency_seconds_bucket{le=\"0.001\"}"), 0);
    EXPECT_EQ(series.at("vllm_health_check_latency_seconds_bucket{le=\"0.005\"}"), 1);
    EXPECT_DOUBLE_EQ(series.at("vllm_exporter_scrape_duration_seconds"), 0.02);
    EXPECT_THAT(series, Each(AnyOf(Key(Not(HasSubstr("error"))), Pair(_, 0))));
}

TEST(ProbeMetrics, SaysReachableButNotLoadedForAnotherStatus) {
    ProbeMetrics metrics;
    metrics.on_health(answered(503));
    const auto series = written(metrics);
    EXPECT_EQ(series.at("vllm_service_up"), 1);
    EXPECT_EQ(series.at("vllm_model_loaded"), 0);
    EXPECT_EQ(series.at("vllm_probe_request_success_total"), 0);
    EXPECT_EQ(series.at("vllm_health_check_latency_seconds_count"), 1);
    EXPECT_THAT(series, Each(AnyOf(Key(Not(HasSubstr("error"))), Pair(_, 0))));
}

struct Failure {
    Errc code;
    net::Phase phase;
    double up;
    std::string error_type;
};

class HealthFailure : public testing::TestWithParam<Failure> {};

TEST_P(HealthFailure, IsCountedOnceByTypeAndOnceAsScrapeErrorWithoutLatency) {
    ProbeMetrics metrics;
    metrics.on_health(answered(200));
    metrics.on_health(failed(GetParam().code, GetParam().phase));
    const auto series = written(metrics);
    EXPECT_EQ(series.at("vllm_service_up"), GetParam().up);
    EXPECT_EQ(series.at("vllm_model_loaded"), 0);
    EXPECT_THAT(series, Contains(Pair("vllm_probe_request_error_total{error_type=\"" +
                                          GetParam().error_type + "\"}",
                                      1)));
    EXPECT_THAT(series,
                Contains(Pair("vllm_exporter_scrape_errors_total{endpoint=\"health\"}", 1)));
    EXPECT_EQ(series.at("vllm_health_check_latency_seconds_count"), 1);
}

INSTANTIATE_TEST_SUITE_P(
    ProbeMetrics, HealthFailure,
    testing::Values(Failure{Errc::connection_refused, net::Phase::connect, 0, "connection_error"},
                    Failure{Errc::timeout, net::Phase::connect, 0, "connection_error"},
                    Failure{Errc::timeout, net::Phase::resolve, 0, "connection_error"},
                    Failure{Errc::not_found, net::Phase::resolve, 0, "connection_error"},
                    Failure{Errc::io_error, net::Phase::headers, 0, "connection_error"},
                    Failure{Errc::timeout, net::Phase::headers, 1, "timeout"},
                    Failure{Errc::timeout, net::Phase::body, 1, "timeout"}));

TEST(ProbeMetrics, CountsOnlyAScrapeErrorWhenTheModelsFailAndKeepsWhatItKnew) {
    ProbeMetrics metrics;
    metrics.on_models(one_model());
    const auto before = written(metrics);
    metrics.on_models(Error{Errc::unavailable, "HTTP 500 instead of a list of models"});
    auto after = written(metrics);
    EXPECT_EQ(after.at("vllm_exporter_scrape_errors_total{endpoint=\"models\"}"), 1);
    after["vllm_exporter_scrape_errors_total{endpoint=\"models\"}"] = 0;
    EXPECT_EQ(after, before);
}

TEST(ProbeMetrics, CountsAnEmptyListOfModelsAsSuccess) {
    ProbeMetrics metrics;
    metrics.on_models(ModelList{});
    EXPECT_EQ(written(metrics).at("vllm_probe_request_success_total"), 1);
}

TEST(ProbeMetrics, CarriesItsOwnersLabels) {
    const auto series =
        written(ProbeMetrics(), Labels::from({{"instance", "gpu7:8000"}, {"engine", "vllm"}}));
    EXPECT_THAT(series,
                Contains(Pair("vllm_service_up{engine=\"vllm\",instance=\"gpu7:8000\"}", 0)));
}

}  // namespace
}  // namespace inferscope::probe
