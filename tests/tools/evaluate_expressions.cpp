// SPDX-License-Identifier: Apache-2.0
// Says which expressions Inferscope can't evaluate: `evaluate_expressions < FILE`, one expression a
// line, as tools/dashboard_expressions.py prints those of dashboards and rules. Each is asked of
// series that are made from its own selectors, as Prometheus 3 and as 2.42 understand it. Prints a
// line for each that fails and, last, their number; exit status 1 if any failed.
#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "promql/dashboard_queries_for_test.h"

namespace {

using inferscope::promql::Dialect;
using inferscope::promql::Language;

std::string read_all(std::FILE* file) {
    std::string text;
    char buffer[65536];
    while (const std::size_t got = std::fread(buffer, 1, sizeof(buffer), file))
        text.append(buffer, got);
    return text;
}

/// Prints what fails; returns how many.
std::size_t evaluate(const std::vector<std::string>& queries, Dialect dialect) {
    const auto* const name = dialect == Dialect::prometheus2 ? "compat 2" : "Prometheus 3";
    std::size_t failed = 0;
    std::size_t answered = 0;
    for (const auto& query : queries) {
        const auto outcome = inferscope::promql::evaluate_dashboard_query(query, Language(dialect));
        answered += outcome.has_answer ? 1 : 0;
        if (outcome.error.empty()) continue;
        ++failed;
        fmt::print("{}: {}\n    {}\n", name, outcome.error, query);
    }
    fmt::print("{}: {} expressions, {} failed, {} with an answer\n", name, queries.size(), failed,
               answered);
    return failed;
}

}  // namespace

int main() {
    const auto queries = inferscope::promql::dashboard_queries_in(read_all(stdin));
    const auto failed =
        evaluate(queries, Dialect::prometheus3) + evaluate(queries, Dialect::prometheus2);
    return failed == 0 ? 0 : 1;
}
