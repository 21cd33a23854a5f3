// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of a remote write, and as the message in it. The store checks the contract
// of PieceAppender. What was taken once is known when it is sent again, and so is each series by
// itself, read without a guess at where its labels end.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "remote/intake.h"
#include "tests/doubles/piece_recorder.h"
#include "tests/doubles/remote_write_message.h"

namespace inferscope::remote {
namespace {

const WriteConfig kConfig{.max_body_bytes = 1 << 20, .max_items_per_request = 10'000};

void check(std::string_view body) {
    doubles::PieceRecorder store;
    Intake intake(store, kConfig);
    const auto first = intake.write(body);
    CHECK(store.depth == 0, "a batch is ended");
    if (!first) {
        CHECK(store.groups.empty(), "of rubbish nothing is taken");
        return;
    }
    CHECK((first->refused > 0) == !first->refusals.empty(), "refusals are told");
    const auto series = intake.counters().series;
    const auto groups = store.groups.size();
    const auto again = intake.write(body);
    CHECK(again && again->refused == first->refused, "what is refused stays refused");
    CHECK(again->samples[Verdict::taken] == 0, "what was taken is known");
    CHECK(intake.counters().series == series && store.groups.size() == groups,
          "series keep their columns");
    intake.close_idle(0);
    intake.close_idle(kConfig.idle_after.count());
    intake.close_idle(2 * kConfig.idle_after.count());
    CHECK(intake.counters().series == 0 && intake.counters().groups == 0, "idle series go");
    CHECK(intake.write(body)->refused == first->refused, "and come again");
}

}  // namespace
}  // namespace inferscope::remote

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    inferscope::remote::check(bytes);
    inferscope::remote::check(inferscope::doubles::compressed(bytes));
    return 0;
}
