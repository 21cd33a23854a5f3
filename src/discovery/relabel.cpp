// SPDX-License-Identifier: Apache-2.0
#include "discovery/relabel.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cwctype>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace inferscope::discovery {
namespace {

constexpr std::array<std::pair<std::string_view, RelabelAction>, 11> kActions{{
    {"replace", RelabelAction::replace},
    {"keep", RelabelAction::keep},
    {"drop", RelabelAction::drop},
    {"keepequal", RelabelAction::keepequal},
    {"dropequal", RelabelAction::dropequal},
    {"hashmod", RelabelAction::hashmod},
    {"labelmap", RelabelAction::labelmap},
    {"labeldrop", RelabelAction::labeldrop},
    {"labelkeep", RelabelAction::labelkeep},
    {"lowercase", RelabelAction::lowercase},
    {"uppercase", RelabelAction::uppercase},
}};

bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// One "$name" or "${name}" of a template, as Go's regexp.Expand reads it.
struct Reference {
    std::string_view name;
    std::string_view rest;  ///< of the template, behind the reference
};

/// `text` starts behind the '$'. Go takes letters of every script into a name; bytes above 0x7f
/// stand for them.
std::optional<Reference> read_reference(std::string_view text) {
    const bool braced = text.starts_with('{');
    if (braced) text.remove_prefix(1);
    std::size_t length = 0;
    while (length < text.size() &&
           (is_word_byte(text[length]) || static_cast<unsigned char>(text[length]) >= 0x80)) {
        ++length;
    }
    if (length == 0) return std::nullopt;
    if (braced && !text.substr(length).starts_with('}')) return std::nullopt;
    return Reference{text.substr(0, length), text.substr(length + (braced ? 1 : 0))};
}

using Groups = std::vector<re2::StringPiece>;

/// The group that a reference means; nothing for one that doesn't exist.
std::optional<std::size_t> group_index(const RE2& regex, std::string_view name) {
    const bool is_number = name.size() <= 8 && (name[0] != '0' || name.size() == 1) &&
                           std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
    if (is_number) {
        std::size_t number = 0;
        for (const char c : name) number = number * 10 + static_cast<std::size_t>(c - '0');
        return number;
    }
    const auto& names = regex.NamedCapturingGroups();
    const auto found = names.find(std::string(name));
    if (found == names.end()) return std::nullopt;
    return static_cast<std::size_t>(found->second);
}

std::string expand(const RE2& regex, std::string_view text_template, const Groups& groups) {
    std::string out;
    while (!text_template.empty()) {
        const auto dollar = text_template.find('$');
        out += text_template.substr(0, dollar);
        if (dollar == std::string_view::npos) break;
        text_template.remove_prefix(dollar + 1);
        if (text_template.starts_with('$')) {
            out += '$';
            text_template.remove_prefix(1);
            continue;
        }
        const auto reference = read_reference(text_template);
        if (!reference) {
            out += '$';  // malformed: Go takes it as text
            continue;
        }
        text_template = reference->rest;
        const auto index = group_index(regex, reference->name);
        if (index && *index < groups.size())
            out.append(groups[*index].data(), groups[*index].size());
    }
    return out;
}

bool matches(const RE2& regex, std::string_view text) {
    return regex.Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
}

std::optional<Groups> match_groups(const RE2& regex, std::string_view text) {
    Groups groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
    if (!regex.Match({text.data(), text.size()}, 0, text.size(), RE2::ANCHOR_BOTH, groups.data(),
                     static_cast<int>(groups.size()))) {
        return std::nullopt;
    }
    return groups;
}

/// The last eight bytes of the MD5 sum, big-endian. Source: Prometheus, relabel.go, sum64.
std::uint64_t md5_tail(std::string_view text) {
    std::array<unsigned char, 16> digest{};
    unsigned int length = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_md5(), nullptr);
    CHECK(done == 1 && length == digest.size(), "OpenSSL computes MD5");
    std::uint64_t sum = 0;
    for (std::size_t i = 8; i < digest.size(); ++i) sum = sum << 8 | digest[i];
    return sum;
}

/// The character at the start of `text` and its length; length 1 and the byte itself for what is no
/// UTF-8.
std::pair<char32_t, std::size_t> decode(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length == 1 || !is_valid_utf8(text.substr(0, length))) return {lead, 1};
    char32_t code = lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i)
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
    return {code, length};
}

void append_utf8(std::string& out, char32_t code) {
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static constexpr std::array<unsigned char, 4> kLead{0x00, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(kLead[static_cast<std::size_t>(more)] | code >> (6 * more));
    for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
}

/// Letters of every script, one for one, as Go's strings.ToUpper and ToLower do.
std::string in_case(std::string_view text, bool upper) {
    static const locale_t kUnicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    std::string out;
    while (!text.empty()) {
        const auto [code, length] = decode(text);
        if (code < 0x80) {
            const bool changes = upper ? code >= 'a' && code <= 'z' : code >= 'A' && code <= 'Z';
            out += static_cast<char>(changes ? code ^ 0x20 : code);
        } else if (length == 1 || kUnicode == nullptr) {
            out += text.substr(0, length);
        } else {
            const auto wide = static_cast<wint_t>(code);
            append_utf8(out, static_cast<char32_t>(upper ? towupper_l(wide, kUnicode)
                                                         : towlower_l(wide, kUnicode)));
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string joined_source(const RelabelFields& fields, const LabelsBuilder& labels) {
    std::string text;
    if (!fields.source_labels) return text;
    for (const auto& name : *fields.source_labels) {
        if (&name != &fields.source_labels->front()) text += fields.separator;
        text += labels.get(name);
    }
    return text;
}

/// A copy in name order: rules that walk the labels change them on the way, and of two that map to
/// one name the last in order wins.
std::vector<std::pair<std::string, std::string>> sorted_entries(const LabelsBuilder& labels) {
    std::vector<std::pair<std::string, std::string>> entries(labels.entries().begin(),
                                                             labels.entries().end());
    std::ranges::sort(entries);
    return entries;
}

void apply_replace(const RelabelFields& fields, const RE2& regex, std::string_view source,
                   LabelsBuilder& labels) {
    const auto groups = match_groups(regex, source);
    if (!groups) return;
    const std::string target = expand(regex, fields.target_label, *groups);
    const std::string value = expand(regex, fields.replacement, *groups);
    // Prometheus 2.42 deletes the target as it is written, not as it is expanded.
    if (!is_legacy_label_name(target) || value.empty()) {
        labels.remove(fields.target_label);
    } else {
        labels.set(target, value);
    }
}

void apply_labelmap(const RelabelFields& fields, const RE2& regex, LabelsBuilder& labels) {
    for (const auto& [name, value] : sorted_entries(labels)) {
        const auto groups = match_groups(regex, name);
        if (!groups) continue;
        const std::string target = expand(regex, fields.replacement, *groups);
        if (!target.empty()) labels.set(target, value);
    }
}

void remove_where(const RE2& regex, bool matching, LabelsBuilder& labels) {
    for (const auto& [name, value] : sorted_entries(labels)) {
        if (matches(regex, name) == matching) labels.remove(name);
    }
}

/// A label name in which references may stand. Source: Prometheus, relabel.go, relabelTarget.
bool is_target_template(std::string_view text) {
    static const RE2 kTarget(R"(^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$)");
    return matches(kTarget, text);
}

bool needs_target(RelabelAction action) {
    switch (action) {
        case RelabelAction::replace:
        case RelabelAction::hashmod:
        case RelabelAction::lowercase:
        case RelabelAction::uppercase:
        case RelabelAction::keepequal:
        case RelabelAction::dropequal:
            return true;
        default:
            return false;
    }
}

std::optional<Error> check_target(const RelabelFields& fields) {
    const auto action = to_string(fields.action);
    if (needs_target(fields.action) && fields.target_label.empty()) {
        return Error{Errc::invalid_argument, fmt::format("{} requires 'target_label'", action)};
    }
    const bool map = fields.action == RelabelAction::labelmap;
    const std::string& target = map ? fields.replacement : fields.target_label;
    if (!map && !needs_target(fields.action)) return std::nullopt;
    const bool good = fields.action == RelabelAction::hashmod ? is_legacy_label_name(target)
                                                              : is_target_template(target);
    if (good) return std::nullopt;
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is an invalid '{}' for {}", quote_for_message(target),
                             map ? "replacement" : "target_label", action)};
}

std::optional<Error> check_needless_fields(const RelabelFields& fields) {
    RelabelFields allowed;
    allowed.action = fields.action;
    std::string_view used;
    switch (fields.action) {
        case RelabelAction::keepequal:
        case RelabelAction::dropequal:
            allowed.source_labels = fields.source_labels;
            allowed.target_label = fields.target_label;
            used = "'source_labels' and 'target_label'";
            break;
        case RelabelAction::labeldrop:
        case RelabelAction::labelkeep:
            allowed.regex = fields.regex;
            used = "'regex'";
            break;
        default:
            return std::nullopt;
    }
    if (fields == allowed) return std::nullopt;
    return Error{Errc::invalid_argument, fmt::format("{} takes only {} and no other field",
                                                     to_string(fields.action), used)};
}

std::optional<Error> check_source_labels(const RelabelFields& fields) {
    if (!fields.source_labels) return std::nullopt;
    for (const auto& name : *fields.source_labels) {
        if (is_legacy_label_name(name)) continue;
        return Error{
            Errc::invalid_argument,
            fmt::format("'{}' in 'source_labels' is not a label name", quote_for_message(name))};
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(RelabelAction action) {
    for (const auto& [word, value] : kActions) {
        if (value == action) return word;
    }
    return "replace";
}

std::optional<RelabelAction> relabel_action_from(std::string_view word) {
    const std::string lower = in_case(word, false);
    for (const auto& [known, value] : kActions) {
        if (known == lower) return value;
    }
    return std::nullopt;
}

std::vector<std::string_view> relabel_actions() {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : kActions) words.push_back(word);
    return words;
}

Result<RelabelRule> RelabelRule::make(RelabelFields fields) {
    if (fields.action == RelabelAction::hashmod && fields.modulus == 0) {
        return Error{Errc::invalid_argument, "hashmod requires a 'modulus' above zero"};
    }
    if (auto error = check_source_labels(fields)) return *error;
    if (auto error = check_target(fields)) return *error;
    if (auto error = check_needless_fields(fields)) return *error;
    RE2::Options options;
    options.set_log_errors(false);
    auto regex = std::make_shared<const RE2>("^(?:" + fields.regex + ")$", options);
    if (!regex->ok()) {
        return Error{
            Errc::invalid_argument,
            fmt::format("bad regex '{}': {}", quote_for_message(fields.regex), regex->error())};
    }
    RelabelRule rule;
    rule.fields_ = std::move(fields);
    rule.regex_ = std::move(regex);
    return rule;
}

bool RelabelRule::apply(LabelsBuilder& labels) const {
    const std::string source = joined_source(fields_, labels);
    switch (fields_.action) {
        case RelabelAction::keep:
            return matches(*regex_, source);
        case RelabelAction::drop:
            return !matches(*regex_, source);
        case RelabelAction::keepequal:
            return labels.get(fields_.target_label) == source;
        case RelabelAction::dropequal:
            return labels.get(fields_.target_label) != source;
        case RelabelAction::replace:
            apply_replace(fields_, *regex_, source, labels);
            break;
        case RelabelAction::lowercase:
            labels.set(fields_.target_label, in_case(source, false));
            break;
        case RelabelAction::uppercase:
            labels.set(fields_.target_label, in_case(source, true));
            break;
        case RelabelAction::hashmod:
            labels.set(fields_.target_label, fmt::to_string(md5_tail(source) % fields_.modulus));
            break;
        case RelabelAction::labelmap:
            apply_labelmap(fields_, *regex_, labels);
            break;
        case RelabelAction::labeldrop:
            remove_where(*regex_, true, labels);
            break;
        case RelabelAction::labelkeep:
            remove_where(*regex_, false, labels);
            break;
    }
    return true;
}

bool apply(std::span<const RelabelRule> rules, LabelsBuilder& labels) {
    return std::ranges::all_of(rules, [&](const auto& rule) { return rule.apply(labels); });
}

}  // namespace inferscope::discovery
