// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <gtest/gtest.h>

namespace inferscope::yaml {
namespace {

TEST(Yaml, NamesLineAndColumnOfASyntaxError) {
    const auto node = parse("a: 1\nb: [1, 2\nc: 3\n", "x.yml");
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().file, "x.yml");
    EXPECT_GT(node.error().line, 1);
}

TEST(Yaml, RefusesAliasesDepthAndSizeFromStrangers) {
    EXPECT_TRUE(parse("a: &x 1\nb: *x\n", ""));
    const auto alias = parse("a: &x 1\nb: *x\n", "", kStrangerLimits);
    ASSERT_FALSE(alias);
    EXPECT_NE(alias.error().text.find("alias"), std::string::npos);
    EXPECT_FALSE(parse(std::string(200, '[') + std::string(200, ']'), "", kStrangerLimits));
    EXPECT_FALSE(parse(std::string(2'000'000, '['), "", Limits{}));
    EXPECT_FALSE(parse(std::string((1u << 20) + 1, ' '), "", kStrangerLimits));
}

TEST(Yaml, ReadsKeysAndRefusesUnknownOnesWithTheNearestKnown) {
    const auto node = parse(
        "interval: 15s\nsize: 10MB\non: true\ncount: 7\nnames: [a, b]\nlables: {x: y}\n", "c.yml");
    ASSERT_TRUE(node);
    Diagnostics diagnostics("c.yml");
    MapReader reader(*node, "section", diagnostics);
    Millis interval{};
    std::uint64_t size = 0, count = 0;
    bool on = false;
    std::vector<std::string> names;
    std::vector<std::pair<std::string, std::string>> labels;
    reader.read("interval", interval);
    reader.read_bytes("size", size);
    reader.read("on", on);
    reader.read("count", count);
    reader.read("names", names);
    reader.read("labels", labels);
    EXPECT_TRUE(diagnostics.ok());
    EXPECT_EQ(interval, Millis(15'000));
    EXPECT_EQ(size, 10u << 20);
    EXPECT_TRUE(on);
    EXPECT_EQ(count, 7u);
    EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
    reader.finish();
    ASSERT_FALSE(diagnostics.ok());
    EXPECT_EQ(diagnostics.error()->message(),
              "c.yml:6:1: section: unknown key 'lables'; did you mean 'labels'?");
}

TEST(Yaml, SaysWhatAValueMustBe) {
    const auto node = parse("interval: soon\n", "c.yml");
    Diagnostics diagnostics("c.yml");
    MapReader reader(*node, "global", diagnostics);
    Millis interval{};
    reader.read("interval", interval);
    ASSERT_FALSE(diagnostics.ok());
    EXPECT_EQ(
        diagnostics.error()->message(),
        "c.yml:1:11: global: interval must be a positive duration like 15s or 1m30s, not 'soon'");
}

TEST(Yaml, NotesWhichFilesADocumentNamesAndWhere) {
    const auto root = parse("{ca_file: ca.pem, key_file: /k.pem, cert_file: ''}", "c.yml");
    ASSERT_TRUE(root);
    Diagnostics diagnostics("c.yml");
    MapReader reader(*root, "tls_config", diagnostics);
    std::string ca;
    std::string key;
    std::string cert;
    reader.read_path("ca_file", ca, "/etc/x");
    reader.read_path("key_file", key, "/etc/x");
    reader.read_path("cert_file", cert, "/etc/x");
    EXPECT_EQ(ca, "/etc/x/ca.pem");
    EXPECT_EQ(key, "/k.pem");
    EXPECT_EQ(cert, "");
    ASSERT_EQ(diagnostics.named_files().size(), 2u);
    EXPECT_EQ(diagnostics.named_files()[0].path, ca);
    EXPECT_EQ(diagnostics.named_files()[0].place.message(), "c.yml:1:11: tls_config: ca_file");
}

}  // namespace
}  // namespace inferscope::yaml
