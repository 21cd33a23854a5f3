// SPDX-License-Identifier: Apache-2.0
#include "probe/metrics.h"

#include <memory>

#include "telemetry/families.h"

namespace inferscope::probe {
namespace {

// Thousands of probes share these.
struct Families {
    FamilyPtr model_loaded =
        make_family("vllm_model_loaded", MetricType::gauge,
                    "1 if the engine answers its health look with 200, else 0.");
    FamilyPtr service_up =
        make_family("vllm_service_up", MetricType::gauge,
                    "1 if the engine can be reached (it may still be loading), else 0.");
    FamilyPtr available_models = make_family("vllm_available_models_total", MetricType::gauge,
                                             "Models that the engine lists.");
    FamilyPtr model_info =
        make_family("vllm_model_info", MetricType::info, "The first model that the engine lists.");
    FamilyPtr latency = make_family("vllm_health_check_latency_seconds", MetricType::histogram,
                                    "Time until the health look was answered.");
    FamilyPtr success = make_family("vllm_probe_request_success_total", MetricType::counter,
                                    "Probe requests that were answered as they should be.");
    FamilyPtr error = make_family("vllm_probe_request_error_total", MetricType::counter,
                                  "Health looks without an answer: timeout, connection_error.");
    FamilyPtr max_model_len =
        make_family("vllm_max_model_len", MetricType::gauge,
                    "Longest sequence of the first model, in tokens; 0 until known.");
    FamilyPtr round_duration =
        make_family("vllm_exporter_scrape_duration_seconds", MetricType::gauge,
                    "Duration of the last round of probes.");
    FamilyPtr scrape_errors =
        make_family("vllm_exporter_scrape_errors_total", MetricType::counter,
                    "Rounds in which an endpoint (health, models) didn't give what it should.");
};

const Families& families() {
    static const Families all;
    return all;
}

double as_number(std::uint64_t count) { return static_cast<double>(count); }

}  // namespace

ProbeMetrics::ProbeMetrics() : latency_({0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0}) {}

void ProbeMetrics::on_health(const Exchange& health) {
    const Outcome outcome = outcome_of(health);
    is_up_ = outcome != Outcome::unreachable;
    is_loaded_ = health.status == 200;
    if (outcome == Outcome::answered) {
        latency_.observe(to_seconds(health.took));
        if (is_loaded_) ++successes_;
        return;
    }
    if (outcome == Outcome::silent) ++errors_["timeout"];
    if (outcome == Outcome::unreachable) ++errors_["connection_error"];
    ++scrape_errors_["health"];
}

void ProbeMetrics::on_models(const Result<ModelList>& models) {
    if (!models) {
        ++scrape_errors_["models"];
        return;
    }
    ++successes_;
    available_models_ = models->total;
    if (models->models.empty()) return;
    model_ = models->models.front();
    if (model_->max_model_len) max_model_len_ = *model_->max_model_len;
}

void ProbeMetrics::on_round(Nanos duration) { round_seconds_ = to_seconds(duration); }

void ProbeMetrics::write(RowWriter& rows) const {
    const Families& f = families();
    rows.set(f.model_loaded, {}, is_loaded_ ? 1 : 0);
    rows.set(f.service_up, {}, is_up_ ? 1 : 0);
    rows.set(f.available_models, {}, as_number(available_models_));
    if (model_) {
        rows.set(f.model_info,
                 {{"id", model_->id}, {"owned_by", model_->owned_by}, {"root", model_->root}}, 1);
    }
    latency_.write(rows, f.latency, {});
    rows.set(f.success, {}, as_number(successes_));
    for (const auto& [type, count] : errors_)
        rows.set(f.error, {{"error_type", type}}, as_number(count));
    rows.set(f.max_model_len, {}, static_cast<double>(max_model_len_));
    rows.set(f.round_duration, {}, round_seconds_);
    for (const auto& [endpoint, count] : scrape_errors_) {
        rows.set(f.scrape_errors, {{"endpoint", endpoint}}, as_number(count));
    }
}

}  // namespace inferscope::probe
