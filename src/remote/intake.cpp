// SPDX-License-Identifier: Apache-2.0
#include "remote/intake.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "remote/body.h"
#include "remote/filling.h"
#include "remote/refusals.h"
#include "remote/write_request.h"

namespace inferscope::remote {
namespace {

constexpr std::size_t kSlice = 4096;  ///< groups looked at under one lock by close_idle()

/// What decoding a request needs, kept for the next one.
struct Scratch {
    BodyBuffer body;
    WriteRequest request;
};

/// Decoding buffers that no request uses now.
class ScratchPool {
public:
    std::unique_ptr<Scratch> take() {
        auto scratch = free_.with([](auto& free) {
            if (free.empty()) return std::unique_ptr<Scratch>();
            auto last = std::move(free.back());
            free.pop_back();
            return last;
        });
        return scratch ? std::move(scratch) : std::make_unique<Scratch>();
    }
    void give_back(std::unique_ptr<Scratch> scratch) {
        free_.with([&](auto& free) { free.push_back(std::move(scratch)); });
    }
    void clear() {
        free_.with([](auto& free) { free.clear(); });
    }

private:
    Guarded<std::vector<std::unique_ptr<Scratch>>> free_;
};

}  // namespace

class Intake::Work {
public:
    Work(PieceAppender& store, const WriteConfig& config)
        : config_(config), filling_(store, config_) {}

    [[nodiscard]] const WriteConfig& config() const { return config_; }

    Result<WriteOutcome> write(std::string_view compressed) {
        auto scratch = pool_.take();
        auto outcome = take(compressed, *scratch);
        pool_.give_back(std::move(scratch));
        if (!outcome) count_failure(outcome.error());
        return outcome;
    }

    void close_idle(Timestamp now) {
        pool_.clear();
        bool is_done = false;
        for (std::size_t from = 0; !is_done; from += kSlice) {
            filling_.with([&](Filling& filling) {
                auto& placement = filling.placement();
                placement.close_idle(from, kSlice, now);
                is_done = from + kSlice >= placement.groups().end();
            });
        }
    }

    [[nodiscard]] IntakeCounters counters() const {
        auto counters = counters_.with([](const IntakeCounters& now) { return now; });
        filling_.with([&](const Filling& filling) { show(filling, counters); });
        return counters;
    }

private:
    Result<WriteOutcome> take(std::string_view compressed, Scratch& scratch) {
        const auto message = scratch.body.decompress(compressed, config_.max_body_bytes);
        if (!message) return message.error();
        auto& request = scratch.request;
        if (auto read = request.decode(*message, config_.max_items_per_request); !read)
            return read.error();
        Refusals refusals;
        const auto verdicts =
            filling_.with([&](Filling& filling) { return filling.take(request, refusals); });
        if (!verdicts) return verdicts.error();
        count_success(message->size(), *verdicts, refusals);
        return WriteOutcome{*verdicts, refusals.total(), refusals.text()};
    }

    void count_success(std::size_t bytes, const VerdictCounts& verdicts, const Refusals& refusals) {
        counters_.with([&](IntakeCounters& counters) {
            ++counters.requests;
            counters.bytes += bytes;
            counters.samples += verdicts;
            counters.invalid_labels += refusals.count(Refusal::invalid_labels);
            counters.native_histograms += refusals.count(Refusal::native_histogram);
            counters.refused_by_bounds += refusals.count(Refusal::bound);
        });
    }

    void count_failure(const Error& error) {
        counters_.with([&](IntakeCounters& counters) {
            ++(error.code == Errc::invalid_argument ? counters.refused_rubbish
               : error.code == Errc::limit_exceeded ? counters.refused_by_size
                                                    : counters.failed);
        });
    }

    static void show(const Filling& filling, IntakeCounters& counters) {
        const auto& placement = filling.placement();
        counters.exemplars = filling.exemplars();
        counters.series = placement.series();
        counters.new_series = placement.announced();
        counters.groups = placement.groups().open();
    }

    const WriteConfig config_;
    ScratchPool pool_;
    Guarded<Filling> filling_;
    Guarded<IntakeCounters> counters_;
};

Intake::Intake(PieceAppender& store, const WriteConfig& config)
    : work_(std::make_unique<Work>(store, config)) {}
Intake::~Intake() = default;

Result<std::size_t> Intake::decompressed_bytes(std::string_view compressed) const {
    return remote::decompressed_bytes(compressed, work_->config().max_body_bytes);
}
Result<WriteOutcome> Intake::write(std::string_view compressed) { return work_->write(compressed); }
void Intake::close_idle(Timestamp now) { work_->close_idle(now); }
IntakeCounters Intake::counters() const { return work_->counters(); }

}  // namespace inferscope::remote
