// SPDX-License-Identifier: Apache-2.0
#include "api/federate.h"

#include <gtest/gtest.h>

namespace inferscope::api {
namespace {

TEST(Federate, WritesFamiliesOnceWithTimesAndAnInstance) {
    std::vector<FederatedSample> samples{
        {Labels::from({{"__name__", "b"}, {"instance", "h:1"}}), {2000, 2.5}},
        {Labels::from({{"__name__", "a"}, {"x", "2"}}), {1000, 1}},
        {Labels::from({{"__name__", "a"}, {"x", "1"}}), {1000, 0}},
        {Labels::from({{"x", "nameless"}}), {1000, 0}}};
    EXPECT_EQ(federated_page(samples, Labels()),
              "# TYPE a untyped\n"
              "a{x=\"1\",instance=\"\"} 0 1000\n"
              "a{x=\"2\",instance=\"\"} 1 1000\n"
              "# TYPE b untyped\n"
              "b{instance=\"h:1\"} 2.5 2000\n");
}

TEST(Federate, AddsExternalLabelsWhereTheyAreMissing) {
    std::vector<FederatedSample> samples{
        {Labels::from({{"__name__", "a"}, {"zone", "own"}}), {1000, 1}},
        {Labels::from({{"__name__", "a"}}), {1000, 2}}};
    EXPECT_EQ(federated_page(samples, Labels::from({{"zone", "z"}, {"instance", "me"}})),
              "# TYPE a untyped\n"
              "a{instance=\"me\",zone=\"z\"} 2 1000\n"
              "a{zone=\"own\",instance=\"me\"} 1 1000\n");
}

}  // namespace
}  // namespace inferscope::api
