// SPDX-License-Identifier: Apache-2.0
#include "simulate/played_engine.h"

#include <algorithm>
#include <utility>

#include "simulate/pages.h"

namespace inferscope::simulate {
namespace {

constexpr Nanos kMostAtOnce = std::chrono::minutes(1);

Nanos scaled(Nanos time, double factor) {
    return std::chrono::duration_cast<Nanos>(std::chrono::duration<double, std::nano>(time) *
                                             factor);
}

}  // namespace

PlayedEngine::PlayedEngine(EngineSettings settings, double speed, Faults faults, SteadyTime now,
                           Timestamp wall)
    : settings_(std::move(settings)), speed_(speed), last_(now), ready_(now) {
    restart(now, wall);
    set_faults(std::move(faults), now);
}

void PlayedEngine::restart(SteadyTime now, Timestamp wall) {
    ++life_;
    auto model = model_settings(settings_);
    model.seed += life_ - 1;  // another life, other traffic
    model_.emplace(model);
    http_.emplace(model.bounds.http, model.bounds.http_fine);
    received_.clear();
    last_ = now;
    started_ = wall;
    set_faults(faults_, now);
}

void PlayedEngine::set_faults(Faults faults, SteadyTime now) {
    advance(now);
    faults_ = std::move(faults);
    ready_ = now + faults_.loading;
    model_->set_hung(faults_.hang);
    model_->set_open(!faults_.sleep);
}

void PlayedEngine::advance(SteadyTime now) {
    const SteadyTime from = std::max(last_, std::min(now, ready_));
    last_ = std::max(last_, now);
    if (faults_.frozen || now <= from) return;
    model_->advance(model_->now() + std::min(scaled(now - from, speed_), kMostAtOnce));
    for (const auto& progress : model_->take_progress()) {
        const auto at = received_.find(progress.id);
        if (at == received_.end()) continue;
        at->second.tokens += progress.tokens;
        at->second.finished = progress.finished;
    }
}

std::string PlayedEngine::page() const {
    return render_page({settings_, *model_, *http_, faults_, started_});
}

std::optional<Nanos> PlayedEngine::until_next_event() const {
    const auto next = model_->next_event();
    if (!next || faults_.frozen) return std::nullopt;
    return scaled(*next - model_->now(), 1 / speed_);
}

std::optional<Ticket> PlayedEngine::submit(const Arrival& request) {
    const auto id = model_->submit(request);
    if (!id) return std::nullopt;
    received_.emplace(*id, Received{});
    return Ticket{life_, *id};
}

std::optional<Received> PlayedEngine::take(Ticket ticket) {
    if (ticket.life != life_) return std::nullopt;
    const auto at = received_.find(ticket.id);
    if (at == received_.end()) return std::nullopt;
    Received received = std::exchange(at->second, {});
    if (received.finished) received_.erase(at);
    return received;
}

void PlayedEngine::abort(Ticket ticket) {
    if (ticket.life != life_) return;
    received_.erase(ticket.id);
    model_->abort(ticket.id);
}

}  // namespace inferscope::simulate
