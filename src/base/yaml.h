// SPDX-License-Identifier: Apache-2.0
// Reading YAML that a person or a stranger wrote: bounded before it is built, every error with line
// and column, an unknown key with its nearest known one. A thin layer over yaml-cpp, whose
// exceptions end here.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace inferscope::yaml {

struct Limits {
    std::size_t max_bytes = 16u << 20;
    int max_depth = 64;
    bool allow_aliases = true;  ///< off for what comes over HTTP: aliases make small texts huge
};
/// For texts that come over HTTP (design: YAML from the API <= 1 MiB, depth <= 64, no aliases).
inline constexpr Limits kStrangerLimits{1u << 20, 64, false};

/// One document. JSON is YAML too. An empty text is a null node. `file` is only for messages.
Result<YAML::Node, ParseError> parse(std::string_view text, std::string_view file,
                                     const Limits& limits = {});

/// The whole file, at most `limits.max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = Limits{}.max_bytes);

/// A file that a document names.
struct NamedFile {
    std::string path;
    ParseError place;         ///< where it is named; the text says as what: "tls_config: ca_file"
    bool is_pattern = false;  ///< of glob(7), which may match none
};

/// What went wrong while one document was read: the first error counts, later reads go on
/// harmlessly. Also which files the document names: nobody has looked at them yet.
class Diagnostics {
public:
    explicit Diagnostics(std::string_view file) : file_(file) {}

    void fail(const YAML::Node& where, std::string text);
    void warn(const YAML::Node& where, std::string text);
    void note_file(const YAML::Node& where, std::string what, std::string path);
    void note_pattern(const YAML::Node& where, std::string what, std::string pattern);
    [[nodiscard]] bool ok() const { return !error_; }
    [[nodiscard]] const std::optional<ParseError>& error() const { return error_; }
    [[nodiscard]] const std::vector<ParseError>& warnings() const { return warnings_; }
    [[nodiscard]] const std::vector<NamedFile>& named_files() const { return named_files_; }
    [[nodiscard]] ParseError at(const YAML::Node& where, std::string text) const;

private:
    std::string file_;
    std::optional<ParseError> error_;
    std::vector<ParseError> warnings_;
    std::vector<NamedFile> named_files_;
};

/// Reads one mapping key by key. Every key that is never asked for is an error when `finish()` is
/// called. A key that is absent or null leaves the target as it was. Confined to one thread.
class MapReader {
public:
    /// `what` names the section in messages, e.g. "scrape_configs entry".
    MapReader(const YAML::Node& node, std::string_view what, Diagnostics& diagnostics);

    void read(std::string_view key, std::string& out);
    void read(std::string_view key, bool& out);
    void read(std::string_view key, double& out);
    void read(std::string_view key, std::uint64_t& out);
    void read(std::string_view key, std::vector<std::string>& out);
    /// A Prometheus duration ("15s"); must be positive unless `allow_zero`.
    void read(std::string_view key, Millis& out, bool allow_zero = false);
    /// The path of a file that is needed, from `folder` on if it is relative.
    void read_path(std::string_view key, std::string& out, std::string_view folder);
    /// A byte size ("10MB").
    void read_bytes(std::string_view key, std::uint64_t& out);
    /// A mapping of text to text, in file order.
    void read(std::string_view key, std::vector<std::pair<std::string, std::string>>& out);
    /// Calls `use` with the value's node if the key is there and not null.
    void read(std::string_view key, const std::function<void(const YAML::Node&)>& use);
    /// Calls `use` for each entry of a list.
    void read_list(std::string_view key, const std::function<void(const YAML::Node&)>& use);
    /// Known to others, not to us: a warning "KEY is not supported WHY".
    void unsupported(std::string_view key, std::string_view why);
    [[nodiscard]] bool has(std::string_view key) const;
    /// Refuses keys that nobody asked for, naming the nearest known one; also repeated keys.
    void finish();

private:
    std::optional<YAML::Node> find(std::string_view key);
    std::optional<std::string> scalar(std::string_view key, std::string_view expected);

    YAML::Node node_;
    std::string what_;
    Diagnostics& diagnostics_;
    std::vector<std::string> asked_;
};

/// `path` itself if it is absolute or empty, else below `folder`.
std::string below_folder(std::string_view folder, std::string_view path);

/// Where `text` stands in `node`: the first key or value in it, however deep; `node` itself if
/// there is none. For the place of an error.
YAML::Node find_text(const YAML::Node& node, std::string_view text);

/// The text of a scalar node; nothing (and an error) for lists and maps.
std::optional<std::string> scalar_text(const YAML::Node& node, std::string_view what,
                                       Diagnostics& diagnostics);

}  // namespace inferscope::yaml
