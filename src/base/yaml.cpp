// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>

#include "base/numbers.h"
#include "base/text.h"

namespace inferscope::yaml {
namespace {

ParseError at_mark(std::string_view file, const YAML::Mark& mark, std::string text) {
    if (mark.is_null()) return {std::string(file), 0, 0, std::move(text)};
    return {std::string(file), mark.line + 1, mark.column + 1, std::move(text)};
}

/// Stops the parser with its own exception type; caught in parse().
struct BoundPassed {
    YAML::Mark mark;
    std::string text;
};

/// Walks the events of a document without building it, so that bounds hold before memory is spent.
class BoundsCheck final : public YAML::EventHandler {
public:
    explicit BoundsCheck(const Limits& limits) : limits_(limits) {}

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        if (!limits_.allow_aliases)
            throw BoundPassed{mark, "aliases are not allowed here: write the value out"};
    }
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  const std::string&) override {}
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        enter(mark);
    }
    void OnSequenceEnd() override { --depth_; }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        enter(mark);
    }
    void OnMapEnd() override { --depth_; }

private:
    void enter(const YAML::Mark& mark) {
        if (++depth_ > limits_.max_depth) {
            throw BoundPassed{mark, fmt::format("nested deeper than {} levels", limits_.max_depth)};
        }
    }

    Limits limits_;
    int depth_ = 0;
};

/// yaml-cpp recurses for flow collections before it tells of them: brackets are counted first.
/// Quotes are not looked at, so that a text full of brackets inside of quotes is refused too; none
/// of ours has that.
std::optional<ParseError> check_brackets(std::string_view text, std::string_view file,
                                         int max_depth) {
    int depth = 0;
    int line = 1;
    for (const char c : text) {
        if (c == '\n') ++line;
        if (c == '[' || c == '{') ++depth;
        if ((c == ']' || c == '}') && depth > 0) --depth;
        if (depth > 16 * max_depth) {
            return ParseError{std::string(file), line, 0,
                              fmt::format("nested deeper than {} levels", max_depth)};
        }
    }
    return std::nullopt;
}

}  // namespace

Result<YAML::Node, ParseError> parse(std::string_view text, std::string_view file,
                                     const Limits& limits) {
    if (text.size() > limits.max_bytes) {
        return ParseError{
            std::string(file), 0, 0,
            fmt::format("{} bytes, more than the bound of {}", text.size(), limits.max_bytes)};
    }
    if (auto error = check_brackets(text, file, limits.max_depth)) return *error;
    try {
        const std::string copy(text);
        std::istringstream first(copy);
        BoundsCheck bounds(limits);
        YAML::Parser(first).HandleNextDocument(bounds);
        return YAML::Load(copy);
    } catch (const BoundPassed& bound) {
        return at_mark(file, bound.mark, bound.text);
    } catch (const YAML::Exception& error) {
        return at_mark(file, error.mark, error.msg);
    } catch (const std::exception& error) {
        return ParseError{std::string(file), 0, 0, error.what()};
    }
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                               &std::fclose);
    if (!file)
        return Error{Errc::not_found,
                     fmt::format("{}: can't be opened: {}", path, std::strerror(errno))};
    std::string text;
    char buffer[65536];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, file.get())) {
        text.append(buffer, count);
        if (text.size() > max_bytes) {
            return Error{Errc::limit_exceeded,
                         fmt::format("{}: more than {} bytes", path, max_bytes)};
        }
    }
    if (std::ferror(file.get()) != 0) {
        return Error{Errc::io_error,
                     fmt::format("{}: can't be read: {}", path, std::strerror(errno))};
    }
    return text;
}

ParseError Diagnostics::at(const YAML::Node& where, std::string text) const {
    return at_mark(file_, where.Mark(), std::move(text));
}

void Diagnostics::fail(const YAML::Node& where, std::string text) {
    if (!error_) error_ = at(where, std::move(text));
}

void Diagnostics::warn(const YAML::Node& where, std::string text) {
    warnings_.push_back(at(where, std::move(text)));
}

void Diagnostics::note_file(const YAML::Node& where, std::string what, std::string path) {
    named_files_.push_back({std::move(path), at(where, std::move(what)), false});
}

void Diagnostics::note_pattern(const YAML::Node& where, std::string what, std::string pattern) {
    named_files_.push_back({std::move(pattern), at(where, std::move(what)), true});
}

namespace {

std::optional<YAML::Node> search(const YAML::Node& node, std::string_view text) {
    if (node.IsScalar() && node.Scalar() == text) return node;
    std::optional<YAML::Node> found;
    if (node.IsMap()) {
        for (auto entry = node.begin(); entry != node.end() && !found; ++entry) {
            found = search(entry->first, text);
            if (!found) found = search(entry->second, text);
        }
    } else if (node.IsSequence()) {
        for (auto entry = node.begin(); entry != node.end() && !found; ++entry)
            found = search(*entry, text);
    }
    return found;
}

}  // namespace

std::string below_folder(std::string_view folder, std::string_view path) {
    if (path.empty() || path.starts_with('/') || folder.empty()) return std::string(path);
    return fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", path);
}

YAML::Node find_text(const YAML::Node& node, std::string_view text) {
    return search(node, text).value_or(node);
}

std::optional<std::string> scalar_text(const YAML::Node& node, std::string_view what,
                                       Diagnostics& diagnostics) {
    if (node.IsScalar()) return node.Scalar();
    diagnostics.fail(node, fmt::format("{} must be a single value, not a {}", what,
                                       node.IsSequence() ? "list"
                                       : node.IsMap()    ? "mapping"
                                                         : "null"));
    return std::nullopt;
}

MapReader::MapReader(const YAML::Node& node, std::string_view what, Diagnostics& diagnostics)
    : node_(node), what_(what), diagnostics_(diagnostics) {
    if (!node_.IsMap() && !node_.IsNull()) {
        diagnostics_.fail(node_, fmt::format("{} must be a mapping (key: value)", what_));
    }
}

std::optional<YAML::Node> MapReader::find(std::string_view key) {
    asked_.emplace_back(key);
    if (!node_.IsMap()) return std::nullopt;
    for (const auto& entry : node_) {
        if (entry.first.IsScalar() && entry.first.Scalar() == key) {
            if (entry.second.IsNull()) return std::nullopt;
            return entry.second;
        }
    }
    return std::nullopt;
}

bool MapReader::has(std::string_view key) const {
    if (!node_.IsMap()) return false;
    return std::any_of(node_.begin(), node_.end(), [&](const auto& entry) {
        return entry.first.IsScalar() && entry.first.Scalar() == key;
    });
}

std::optional<std::string> MapReader::scalar(std::string_view key, std::string_view expected) {
    const auto node = find(key);
    if (!node) return std::nullopt;
    if (node->IsScalar()) return node->Scalar();
    diagnostics_.fail(*node, fmt::format("{}: {} must be {}", what_, key, expected));
    return std::nullopt;
}

void MapReader::read(std::string_view key, std::string& out) {
    if (auto text = scalar(key, "a text")) out = std::move(*text);
}

void MapReader::read(std::string_view key, bool& out) {
    const auto text = scalar(key, "true or false");
    if (!text) return;
    if (*text == "true" || *text == "false") {
        out = *text == "true";
    } else {
        diagnostics_.fail(*find(key), fmt::format("{}: {} must be true or false, not '{}'", what_,
                                                  key, quote_for_message(*text)));
    }
}

void MapReader::read(std::string_view key, double& out) {
    const auto text = scalar(key, "a number");
    if (!text) return;
    const auto number = parse_number(*text);
    if (number && std::isfinite(*number)) {
        out = *number;
    } else {
        diagnostics_.fail(*find(key), fmt::format("{}: {} must be a number, not '{}'", what_, key,
                                                  quote_for_message(*text)));
    }
}

void MapReader::read(std::string_view key, std::uint64_t& out) {
    double number = static_cast<double>(out);
    read(key, number);
    if (!(number >= 0) || number != std::floor(number) || number > 0x1p53) {
        diagnostics_.fail(*find(key),
                          fmt::format("{}: {} must be a whole number >= 0", what_, key));
        return;
    }
    out = static_cast<std::uint64_t>(number);
}

void MapReader::read(std::string_view key, std::vector<std::string>& out) {
    if (!find(key)) return;
    out.clear();
    read_list(key, [&](const YAML::Node& entry) {
        if (auto text =
                scalar_text(entry, fmt::format("{}: an entry of {}", what_, key), diagnostics_)) {
            out.push_back(std::move(*text));
        }
    });
}

void MapReader::read(std::string_view key, Millis& out, bool allow_zero) {
    const auto text = scalar(key, "a duration like 15s");
    if (!text) return;
    const auto millis = parse_duration_millis(*text);
    if (millis && (*millis > 0 || allow_zero)) {
        out = Millis(*millis);
    } else {
        diagnostics_.fail(
            *find(key),
            fmt::format("{}: {} must be a {}duration like 15s or 1m30s, not '{}'", what_, key,
                        allow_zero ? "" : "positive ", quote_for_message(*text)));
    }
}

void MapReader::read_path(std::string_view key, std::string& out, std::string_view folder) {
    const auto text = scalar(key, "a text");
    if (!text || text->empty()) return;
    out = below_folder(folder, *text);
    diagnostics_.note_file(*find(key), fmt::format("{}: {}", what_, key), out);
}

void MapReader::read_bytes(std::string_view key, std::uint64_t& out) {
    const auto text = scalar(key, "a size like 10MB");
    if (!text) return;
    if (const auto bytes = parse_byte_size(*text)) {
        out = *bytes;
    } else {
        diagnostics_.fail(*find(key), fmt::format("{}: {} must be a size like 10MB, not '{}'",
                                                  what_, key, quote_for_message(*text)));
    }
}

void MapReader::read(std::string_view key, std::vector<std::pair<std::string, std::string>>& out) {
    const auto node = find(key);
    if (!node) return;
    if (!node->IsMap()) {
        diagnostics_.fail(*node,
                          fmt::format("{}: {} must be a mapping of names to texts", what_, key));
        return;
    }
    out.clear();
    for (const auto& entry : *node) {
        auto name =
            scalar_text(entry.first, fmt::format("{}: a name in {}", what_, key), diagnostics_);
        auto text = entry.second.IsNull()
                        ? std::optional<std::string>("")
                        : scalar_text(entry.second, fmt::format("{}: a value in {}", what_, key),
                                      diagnostics_);
        if (name && text) out.emplace_back(std::move(*name), std::move(*text));
    }
}

void MapReader::read(std::string_view key, const std::function<void(const YAML::Node&)>& use) {
    if (const auto node = find(key)) use(*node);
}

void MapReader::read_list(std::string_view key, const std::function<void(const YAML::Node&)>& use) {
    const auto node = find(key);
    if (!node) return;
    if (!node->IsSequence()) {
        diagnostics_.fail(*node, fmt::format("{}: {} must be a list", what_, key));
        return;
    }
    for (const auto& entry : *node) use(entry);
}

void MapReader::unsupported(std::string_view key, std::string_view why) {
    if (const auto node = find(key)) {
        diagnostics_.warn(*node, fmt::format("{}: {} is not supported{}{}", what_, key,
                                             why.empty() ? "" : ": ", why));
    }
}

void MapReader::finish() {
    if (!node_.IsMap()) return;
    const std::vector<std::string_view> known(asked_.begin(), asked_.end());
    std::set<std::string> seen;
    for (const auto& entry : node_) {
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
        if (!seen.insert(key).second) {
            diagnostics_.fail(entry.first, fmt::format("{}: key '{}' stands twice", what_,
                                                       quote_for_message(key)));
        }
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        const auto nearest = nearest_word(key, known);
        diagnostics_.fail(
            entry.first, fmt::format("{}: unknown key '{}'{}", what_, quote_for_message(key),
                                     nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
    }
}

}  // namespace inferscope::yaml
