// SPDX-License-Identifier: Apache-2.0
#include "probe/answers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace inferscope::probe {
namespace {

using nlohmann::json;

std::string cut(std::string text) {
    if (text.size() <= kMaxTextBytes) return text;
    std::size_t end = kMaxTextBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;  // not amid a character
    text.resize(end);
    return text;
}

std::string text_or_unknown(const json& card, const char* key) {
    const auto found = card.find(key);
    if (found == card.end() || !found->is_string()) return "unknown";
    return cut(found->get<std::string>());
}

std::optional<std::int64_t> positive_integer(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_integer()) return std::nullopt;
    const auto value = found->get<std::int64_t>();
    return value > 0 ? std::optional(value) : std::nullopt;
}

ModelCard read_card(const json& card) {
    ModelCard model{.id = text_or_unknown(card, "id"),
                    .owned_by = text_or_unknown(card, "owned_by"),
                    .root = text_or_unknown(card, "root"),
                    .max_model_len = positive_integer(card, "max_model_len")};
    const auto meta = card.find("meta");
    if (!model.max_model_len && meta != card.end() && meta->is_object()) {
        model.max_model_len = positive_integer(*meta, "n_ctx");
    }
    return model;
}

// Remembers one value of the outermost object and lets everything else pass by.
class OneKey final : public nlohmann::json_sax<json> {
public:
    explicit OneKey(std::string_view wanted) : wanted_(wanted) {}

    bool null() override { return value({}); }
    bool boolean(bool b) override { return value(b ? "true" : "false"); }
    bool number_integer(number_integer_t n) override { return value(std::to_string(n)); }
    bool number_unsigned(number_unsigned_t n) override { return value(std::to_string(n)); }
    bool number_float(number_float_t, const string_t& text) override { return value(text); }
    bool string(string_t& text) override { return value(text); }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return enter(true); }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter(false); }
    bool end_array() override { return leave(); }
    bool key(string_t& name) override {
        if (depth_ == 1) is_wanted_ = name == wanted_;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

    std::optional<std::string> found;

private:
    bool value(std::string text) {
        if (depth_ == 1 && is_wanted_ && !text.empty()) found = cut(std::move(text));
        return depth_ > 0;
    }
    bool enter(bool is_object) {
        if (depth_ == 0 && !is_object) return false;
        ++depth_;
        return true;
    }
    bool leave() {
        --depth_;
        return true;
    }

    std::string_view wanted_;
    int depth_ = 0;
    bool is_wanted_ = false;
};

}  // namespace

Result<ModelList> parse_models(std::string_view body) {
    const json document = json::parse(body, nullptr, /*allow_exceptions=*/false);
    if (!document.is_object())
        return Error{Errc::invalid_argument, "the list of models is not a JSON object"};
    const auto data = document.find("data");
    if (data == document.end() || !data->is_array()) {
        return Error{Errc::invalid_argument, "the list of models has no list 'data'"};
    }
    ModelList list{.models = {}, .total = data->size()};
    for (const auto& card : *data) {
        if (list.models.size() == kMaxModels) break;
        if (card.is_object()) list.models.push_back(read_card(card));
    }
    return list;
}

std::optional<std::string> top_level_value(std::string_view body, std::string_view key) {
    OneKey handler(key);
    if (!json::sax_parse(body, &handler)) return std::nullopt;
    return std::move(handler.found);
}

}  // namespace inferscope::probe
