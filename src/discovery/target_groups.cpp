// SPDX-License-Identifier: Apache-2.0
#include "discovery/target_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"

namespace inferscope::discovery {
namespace {

using Json = nlohmann::json;

/// Builds the groups while the text is read, so that nothing else is ever allocated: an unexpected
/// shape stops it.
class GroupsReader final : public nlohmann::json_sax<Json> {
public:
    bool null() override {
        // As in Go, null stands for "none" wherever a list or a mapping may stand.
        if (at_ == At::start) return move_to(At::end);
        if (at_ == At::targets_value || at_ == At::labels_value) return move_to(At::group);
        return refuse("null");
    }
    bool boolean(bool) override { return refuse("a boolean"); }
    bool number_integer(number_integer_t) override { return refuse("a number"); }
    bool number_unsigned(number_unsigned_t) override { return refuse("a number"); }
    bool number_float(number_float_t, const string_t&) override { return refuse("a number"); }
    bool binary(binary_t&) override { return refuse("binary data"); }

    bool string(string_t& text) override {
        if (at_ == At::targets) {
            groups_.back().targets.push_back(std::move(text));
            return true;
        }
        if (at_ == At::label_value) {
            groups_.back().labels.back().second = std::move(text);
            return move_to(At::labels);
        }
        return refuse("a text");
    }

    bool start_object(std::size_t) override {
        if (at_ == At::list) {
            groups_.emplace_back();
            return move_to(At::group);
        }
        if (at_ == At::labels_value) return move_to(At::labels);
        return refuse("a mapping");
    }
    bool key(string_t& name) override {
        if (at_ == At::labels) {
            if (!is_legacy_label_name(name)) {
                return fail(fmt::format("'{}' is not a label name", quote_for_message(name)));
            }
            groups_.back().labels.emplace_back(std::move(name), "");
            return move_to(At::label_value);
        }
        if (name == "targets") return move_to(At::targets_value);
        if (name == "labels") return move_to(At::labels_value);
        return fail(fmt::format("unknown key '{}': a target group has targets and labels",
                                quote_for_message(name)));
    }
    bool end_object() override { return move_to(at_ == At::labels ? At::group : At::list); }

    bool start_array(std::size_t) override {
        if (at_ == At::start) return move_to(At::list);
        if (at_ == At::targets_value) return move_to(At::targets);
        return refuse("a list");
    }
    bool end_array() override { return move_to(at_ == At::targets ? At::group : At::end); }

    bool parse_error(std::size_t position, const std::string& token,
                     const nlohmann::detail::exception&) override {
        position_ = position;
        return fail(fmt::format("not JSON near '{}'", quote_for_message(token, 32)));
    }

    [[nodiscard]] const std::optional<std::string>& error() const { return error_; }
    /// Byte position of a syntax error, from 1; 0 for others: the reader doesn't tell where a value
    /// stands.
    [[nodiscard]] std::size_t position() const { return position_; }
    std::vector<TargetGroup> take() { return std::move(groups_); }

private:
    enum class At {
        start,
        list,
        group,
        targets_value,
        targets,
        labels_value,
        labels,
        label_value,
        end
    };

    bool move_to(At at) {
        at_ = at;
        return true;
    }
    bool fail(std::string text) {
        error_ = std::move(text);
        return false;
    }
    bool refuse(std::string_view found) {
        static constexpr std::string_view kExpected[] = {"a list of target groups",
                                                         "a target group",
                                                         "a key",
                                                         "a list of targets",
                                                         "a text (host:port)",
                                                         "a mapping of labels",
                                                         "a label",
                                                         "a text (the value)",
                                                         "nothing more"};
        return fail(fmt::format("target group {}: {} where {} must stand", groups_.size(), found,
                                kExpected[static_cast<std::size_t>(at_)]));
    }

    At at_ = At::start;
    std::vector<TargetGroup> groups_;
    std::optional<std::string> error_;
    std::size_t position_ = 0;
};

ParseError located(std::string_view file, std::string_view text, std::size_t position,
                   std::string reason) {
    if (position == 0) return {std::string(file), 0, 0, std::move(reason)};
    const auto before = text.substr(0, std::min(position - 1, text.size()));
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 = 0
    return {std::string(file), static_cast<int>(std::ranges::count(before, '\n')) + 1,
            static_cast<int>(before.size() - line_start) + 1, std::move(reason)};
}

}  // namespace

Result<std::vector<TargetGroup>, ParseError> parse_target_groups_json(std::string_view text,
                                                                      std::string_view file) {
    if (text.size() > kMaxTargetGroupsBytes) {
        return ParseError{
            std::string(file), 0, 0,
            fmt::format("{} bytes, more than the bound of {}", text.size(), kMaxTargetGroupsBytes)};
    }
    GroupsReader reader;
    if (!Json::sax_parse(text, &reader)) {
        return located(file, text, reader.position(), reader.error().value_or("not JSON"));
    }
    return reader.take();
}

Result<std::vector<TargetGroup>, ParseError> parse_target_groups_yaml(std::string_view text,
                                                                      std::string_view file) {
    const yaml::Limits limits{kMaxTargetGroupsBytes, 64, true};
    const auto root = yaml::parse(text, file, limits);
    if (!root) return root.error();
    yaml::Diagnostics diagnostics(file);
    std::vector<TargetGroup> groups;
    if (root->IsSequence()) {
        for (const auto& entry : *root) {
            groups.push_back(read_target_group(entry, "target group", diagnostics));
        }
    } else if (!root->IsNull()) {
        diagnostics.fail(*root, "must be a list of target groups");
    }
    if (!diagnostics.ok()) return *diagnostics.error();
    return groups;
}

TargetGroup read_target_group(const YAML::Node& node, std::string_view what,
                              yaml::Diagnostics& diagnostics) {
    TargetGroup group;
    yaml::MapReader reader(node, what, diagnostics);
    reader.read("targets", group.targets);
    reader.read("labels", group.labels);
    for (const auto& [name, value] : group.labels) {
        if (!is_legacy_label_name(name)) {
            diagnostics.fail(
                yaml::find_text(node, name),
                fmt::format("{}: '{}' is not a label name", what, quote_for_message(name)));
        }
    }
    reader.finish();
    return group;
}

}  // namespace inferscope::discovery
