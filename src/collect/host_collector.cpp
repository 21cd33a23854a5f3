// SPDX-License-Identifier: Apache-2.0
#include "collect/host_collector.h"

#include "base/log.h"

namespace inferscope::collect {
namespace {

OsRelease read_os_release(const std::string& path) {
    ReadBuffer buffer;
    const auto text = KernelFile(path).read(buffer);
    return text ? parse_os_release(*text) : OsRelease{};
}

}  // namespace

HostCollector::HostCollector(HostSettings settings)
    : settings_(std::move(settings)),
      limits_(settings_.sys_root),
      worker_(read_os_release(settings_.os_release), read_kernel_info()),
      errors_(std::make_shared<const Family>(
          Family{"inferscope_collect_errors_total", MetricType::counter,
                 "Collections in which a kernel file could not be read or understood.", ""})),
      left_out_(std::make_shared<const Family>(
          Family{"inferscope_collect_left_out", MetricType::gauge,
                 "Network interfaces and disks that were left out because of max_devices.", ""})) {
    for (const auto& row : collector_table()) {
        sources_.push_back({.file = row.file,
                            .text = KernelFile(settings_.proc_root + "/" + std::string(row.file)),
                            .collector = row.make(),
                            .errors = 0,
                            .errors_ref = {}});
    }
}

void HostCollector::collect(Timestamp now, SteadyTime steady, RowWriter& rows) {
    HostFacts facts;
    Round round{.settings = settings_,
                .rows = rows,
                .facts = facts,
                .now = now,
                .node_names = node_names_,
                .left_out = 0};
    for (auto& source : sources_) collect_source(source, round);
    const auto limits = limits_.read(facts.online_cpus, facts.memory_total.value_or(0), buffer_);
    worker_.write(facts, limits, steady, settings_.worker_labels, rows);
    write_own(round, rows);
}

void HostCollector::collect_source(Source& source, Round& round) {
    const auto text = source.text.read(buffer_);
    if (!text && text.error().code == Errc::not_found) return;
    const auto collected =
        text ? source.collector->collect(*text, round) : Result<void>(text.error());
    if (collected) return;
    ++source.errors;
    if (source.errors > 1) return;
    log::warning("host metrics: {} (said once)",
                 text ? collected.error().with(source.text.path()).text : collected.error().text);
}

void HostCollector::write_own(const Round& round, RowWriter& rows) {
    for (auto& source : sources_) {
        if (source.errors == 0) continue;
        rows.set(source.errors_ref, errors_, {{"file", source.file}},
                 static_cast<double>(source.errors));
    }
    if (round.left_out > 0)
        rows.set(left_out_ref_, left_out_, {}, static_cast<double>(round.left_out));
}

}  // namespace inferscope::collect
