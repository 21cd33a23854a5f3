// SPDX-License-Identifier: Apache-2.0
#include "remote/filling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>

#include "remote/metadata.h"
#include "remote/series_labels.h"

namespace inferscope::remote {
namespace {

constexpr std::array<std::pair<Verdict, Refusal>, 3> kRefusals{
    {{Verdict::out_of_order, Refusal::out_of_order},
     {Verdict::duplicate, Refusal::duplicate},
     {Verdict::out_of_bounds, Refusal::out_of_bounds}}};

/// Whether only these samples are refused, and for good; else the store has a trouble of its own.
bool refuses_samples(const Error& error) {
    return error.code == Errc::limit_exceeded || error.code == Errc::invalid_argument;
}

}  // namespace

Result<VerdictCounts> Filling::take(WriteRequest& request, Refusals& refusals) {
    request_ = &request;
    verdicts_ = {};
    if (auto found = placement_.find(request, refusals); !found) return found.error();
    store_.begin_batch();
    placement_.announce();
    gather(request, refusals);
    Result<void> appended;
    for (const auto& piece : pieces_.arrange()) {
        appended = append(piece, refusals);
        if (!appended) break;
    }
    if (appended) {
        append_exemplars();
        add_families();
    }
    auto kept = store_.end_batch();
    if (!appended) return appended.error();
    if (!kept) return kept.error();
    return verdicts_;
}

void Filling::gather(const WriteRequest& request, Refusals& refusals) {
    pieces_.clear();
    const auto all = request.series();
    const auto places = placement_.places();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& series = all[i];
        if (series.native_histograms > 0) {
            refusals.add(Refusal::native_histogram, series.native_histograms, [&] {
                return fmt::format("native histograms aren't supported: {}",
                                   show_labels(series.labels));
            });
        }
        if (!places[i]) continue;
        for (const auto& sample : request.samples(series))
            pieces_.add(places[i].group, sample.time, {places[i].column, sample.value});
    }
}

/// Fails only if the store can't keep anything now.
Result<void> Filling::append(const Pieces::Piece& piece, Refusals& refusals) {
    auto& groups = placement_.groups();
    const auto verdicts = store_.append_cells(groups.id(piece.group), piece.time, piece.cells);
    if (!verdicts) {
        if (!refuses_samples(verdicts.error())) return verdicts.error();
        refusals.add(Refusal::bound, piece.cells.size(), [&] {
            return fmt::format("{}: {}", verdicts.error().text,
                               series_text(piece.group, piece.cells.front().column));
        });
        return {};
    }
    verdicts_ += *verdicts;
    groups.saw(piece.group, piece.time, piece.cells);
    name_refused(piece, *verdicts, refusals);
    return {};
}

void Filling::name_refused(const Pieces::Piece& piece, const VerdictCounts& verdicts,
                           Refusals& refusals) {
    for (const auto& [verdict, refusal] : kRefusals) {
        const auto refused = verdicts[verdict];
        if (refused == 0) continue;
        refusals.add(refusal, refused, [&] {
            const auto cell = find_refused(piece, verdict, refused);
            return fmt::format("{}: {}, timestamp {}", to_string(verdict),
                               series_text(piece.group, cell.column), piece.time);
        });
    }
}

/// The first one. The store counts, it doesn't say which: cells that are appended again fare as
/// before, but that the taken ones are known now, so halves of them tell.
Cell Filling::find_refused(const Pieces::Piece& piece, Verdict verdict, std::uint64_t refused) {
    const auto group = placement_.groups().id(piece.group);
    auto cells = piece.cells;
    while (refused < cells.size()) {
        const auto half = cells.first(cells.size() / 2);
        const auto verdicts = store_.append_cells(group, piece.time, half);
        const auto in_half = verdicts ? (*verdicts)[verdict] : 0;
        cells = in_half > 0 ? half : cells.subspan(half.size());
        if (in_half > 0) refused = in_half;
    }
    return cells.front();
}

std::string Filling::series_text(std::uint32_t group, std::uint32_t column) const {
    const auto places = placement_.places();
    const auto at = std::ranges::find_if(places, [&](const Place& place) {
        return place && place.group == group && place.column == column;
    });
    return show_labels(request_->series()[static_cast<std::size_t>(at - places.begin())].labels);
}

void Filling::append_exemplars() {
    if (!request_->has_exemplars()) return;
    std::map<std::uint32_t, std::vector<Exemplar>> by_group;
    std::vector<Label> labels;
    const auto all = request_->series();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto place = placement_.places()[i];
        if (!place) continue;
        for (const auto& [fields, value, time] : request_->exemplars(all[i])) {
            if (!read_exemplar_labels(fields, config_, labels)) continue;
            by_group[place.group].push_back(
                {place.column, Labels::from_sorted(labels), value, time});
            ++exemplars_;
        }
    }
    for (const auto& [group, exemplars] : by_group)
        store_.append_exemplars(placement_.groups().id(group), exemplars);
}

void Filling::add_families() {
    std::vector<FamilyPtr> families;
    for (const auto message : request_->metadata()) {
        if (auto family = read_metadata(message))
            families.push_back(std::make_shared<const Family>(std::move(*family)));
    }
    if (!families.empty()) store_.add_families(families);
}

}  // namespace inferscope::remote
