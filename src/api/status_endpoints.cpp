// SPDX-License-Identifier: Apache-2.0
#include "api/status_endpoints.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "api/json_pages.h"
#include "api/json_text.h"
#include "base/text.h"
#include "promql/formats.h"

namespace inferscope::api {
namespace {

using net::HttpRequest;
using net::HttpResponse;

/// An object of texts and numbers, as one member after the other.
class JsonObject {
public:
    void text(std::string_view name, std::string_view value) {
        begin(name);
        append_json(out_, value);
    }
    /// A number, or true, or false.
    void word(std::string_view name, std::string_view value) {
        begin(name);
        out_ += value;
    }
    [[nodiscard]] std::string finish() { return (out_.empty() ? "{" : "") + std::move(out_) + '}'; }

private:
    void begin(std::string_view name) {
        out_ += out_.empty() ? '{' : ',';
        append_json(out_, name);
        out_ += ':';
    }

    std::string out_;
};

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

std::string working_folder() {
    std::error_code failed;
    return std::filesystem::current_path(failed).string();
}

/// "15d", "15d or 50000000000B", as Prometheus puts both bounds together.
std::string retention_text(const RuntimeFacts& facts) {
    std::string text;
    if (facts.retention.count() > 0) text = promql::format_duration(facts.retention);
    if (facts.retention_bytes > 0)
        text += fmt::format("{}{}B", text.empty() ? "" : " or ", facts.retention_bytes);
    return text;
}

std::size_t count_threads() {
    std::error_code failed;
    std::size_t count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/task", failed), end;
         !failed && at != end; at.increment(failed))
        ++count;
    return count;
}

}  // namespace

Answer config_status(const Sources& sources, HttpRequest /*request*/) {
    JsonObject data;
    data.text("yaml", sources.config_yaml());
    co_return success(data.finish());
}

Answer flags_status(const Sources& sources, HttpRequest /*request*/) {
    JsonObject data;
    for (const auto& [name, value] : sources.flags) data.text(name, value);
    co_return success(data.finish());
}

Answer runtime_info(const Sources& sources, HttpRequest /*request*/) {
    const auto facts = sources.runtime();
    JsonObject data;
    data.text("startTime", rfc3339(facts.started));
    data.text("CWD", working_folder());
    data.text("hostname", host_name());
    data.text("serverTime", rfc3339(sources.now()));
    data.word("reloadConfigSuccess", facts.reload_successful ? "true" : "false");
    data.text("lastConfigTime", rfc3339(facts.reloaded));
    data.word("corruptionCount", fmt::to_string(sources.store_stats().blocks.set_aside));
    data.word("goroutineCount", fmt::to_string(count_threads()));
    data.word("GOMAXPROCS", fmt::to_string(std::max(1U, std::thread::hardware_concurrency())));
    data.word("GOMEMLIMIT", "0");
    data.text("GOGC", "");
    data.text("GODEBUG", "");
    data.text("storageRetention", retention_text(facts));
    co_return success(data.finish());
}

Answer build_info(const Sources& sources, HttpRequest /*request*/) {
    JsonObject data;
    data.text("version", sources.engine.options().language.is_prometheus2() ? "2.42.0" : "3.14.0");
    for (const auto* const name : {"revision", "branch", "buildUser", "buildDate", "goVersion"})
        data.text(name, "");
    data.text("inferscope", sources.version);
    co_return success(data.finish());
}

Answer wal_replay(const Sources& /*sources*/, HttpRequest /*request*/) {
    co_return success(R"({"min":0,"max":0,"current":0})");
}

Answer rules(const Sources& /*sources*/, HttpRequest request) {
    const auto type = request.parameter("type").value_or("");
    if (!type.empty() && type != "alert" && type != "record") {
        co_return bad_data(invalid_parameter(
            "type", fmt::format("not supported value \"{}\"", quote_for_message(type))));
    }
    co_return success(R"({"groups":[]})");
}

Answer alerts(const Sources& /*sources*/, HttpRequest /*request*/) {
    co_return success(R"({"alerts":[]})");
}

Answer alertmanagers(const Sources& /*sources*/, HttpRequest /*request*/) {
    co_return success(R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})");
}

}  // namespace inferscope::api
