// SPDX-License-Identifier: Apache-2.0
#include "net/message_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <variant>

namespace inferscope::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

// Of chunk sizes and trailers, which Beast doesn't bound: a sane peer needs a few dozen bytes.
constexpr std::size_t kMaxChunkHeaderBytes = 8u << 10;

std::string_view view(string_view text) { return {text.data(), text.size()}; }

/// What Beast's parser tells, kept.
struct Collected {
    MessageHead head;
    BodySink* sink = nullptr;
    std::optional<Error> refused;  // by us, within a callback
    bool head_done = false;
};

template <bool is_request>
class BeastParser final : public http::basic_parser<is_request> {
public:
    explicit BeastParser(Collected& collected) : collected_(collected) {}

private:
    void refuse(Error error, error_code& ec) {
        collected_.refused = std::move(error);
        ec = http::error::bad_value;
    }

    void on_request_impl(http::verb, string_view method, string_view target, int version,
                         error_code&) override {
        collected_.head.method = view(method);
        collected_.head.target = view(target);
        collected_.head.version = version;
    }
    void on_response_impl(int status, string_view, int version, error_code&) override {
        collected_.head.status = status;
        collected_.head.version = version;
    }
    void on_field_impl(http::field field, string_view name, string_view value,
                       error_code& ec) override {
        if (collected_.head_done) return;  // a trailer: nobody needs one
        if (field == http::field::transfer_encoding &&
            !equals_ignoring_case(view(value), "chunked")) {
            return refuse({Errc::invalid_argument, "a Transfer-Encoding other than chunked"}, ec);
        }
        collected_.head.headers.add(view(name), view(value));
    }
    void on_header_impl(error_code&) override { collected_.head_done = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code& ec) override { return pass(body, ec); }
    void on_chunk_header_impl(std::uint64_t size, string_view, error_code& ec) override {
        auto fits = collected_.sink->check_length(size);
        if (!fits) refuse(fits.error(), ec);
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override {
        return pass(body, ec);
    }
    void on_finish_impl(error_code&) override {}

    std::size_t pass(string_view body, error_code& ec) {
        auto taken = collected_.sink->take(view(body));
        if (!taken) refuse(taken.error(), ec);
        return body.size();
    }

    Collected& collected_;
};

}  // namespace

struct MessageParser::State {
    Collected collected;
    std::variant<std::monostate, BeastParser<true>, BeastParser<false>> parser;
    std::uint64_t max_header_bytes;
    std::uint64_t header_bytes = 0;
    bool begun = false;

    /// Calls `use` with the one parser that is there.
    template <class Use>
    auto with_parser(Use use) {
        if (auto* request = std::get_if<BeastParser<true>>(&parser)) return use(*request);
        return use(std::get<BeastParser<false>>(parser));
    }

    Error header_limit() const {
        return {Errc::limit_exceeded,
                fmt::format("the headers are longer than max_header_bytes = {}", max_header_bytes)};
    }

    Error explain(const error_code& ec) const {
        if (collected.refused) return *collected.refused;
        if (ec == http::error::header_limit) return header_limit();
        return {Errc::invalid_argument, fmt::format("not valid HTTP/1: {}", ec.message())};
    }

    Result<std::size_t> put(std::string_view bytes) {
        error_code ec;
        const auto used = with_parser([&](auto& beast) {
            return beast.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
        });
        if (ec && ec != http::error::need_more) return explain(ec);
        return used;
    }
};

MessageParser::MessageParser(Kind kind, std::uint64_t max_header_bytes)
    : state_(std::make_unique<State>()) {
    state_->max_header_bytes = max_header_bytes;
    if (kind == Kind::request) {
        state_->parser.emplace<BeastParser<true>>(state_->collected);
    } else {
        state_->parser.emplace<BeastParser<false>>(state_->collected);
    }
    state_->with_parser([&](auto& beast) {
        beast.body_limit(boost::none);  // the sink has the bound
        beast.header_limit(static_cast<std::uint32_t>(
            std::min<std::uint64_t>(max_header_bytes, std::numeric_limits<std::uint32_t>::max())));
        beast.skip(kind == Kind::response_to_head);
    });
}

MessageParser::~MessageParser() = default;
MessageParser::MessageParser(MessageParser&&) noexcept = default;
MessageParser& MessageParser::operator=(MessageParser&&) noexcept = default;

Result<std::size_t> MessageParser::put_head(std::string_view bytes) {
    state_->begun = true;
    auto used = state_->put(bytes);
    if (!used) return used;
    state_->header_bytes += *used;
    const auto unfinished = head_is_done() ? 0 : bytes.size() - *used;
    if (state_->header_bytes + unfinished > state_->max_header_bytes) return state_->header_limit();
    if (head_is_done()) state_->with_parser([](auto& beast) { beast.eager(true); });
    return used;
}

Result<std::size_t> MessageParser::put_body(std::string_view bytes, BodySink& sink) {
    state_->collected.sink = &sink;
    auto used = state_->put(bytes);
    state_->collected.sink = nullptr;
    if (used && !is_done() && bytes.size() - *used > kMaxChunkHeaderBytes) {
        return Error{Errc::limit_exceeded,
                     fmt::format("a chunk's header or trailer is longer than {} bytes",
                                 kMaxChunkHeaderBytes)};
    }
    return used;
}

Result<void> MessageParser::put_end() {
    error_code ec;
    state_->with_parser([&](auto& beast) { beast.put_eof(ec); });
    if (!ec) return {};
    return Error{Errc::unavailable, "the connection closed midway"};
}

bool MessageParser::has_begun() const { return state_->begun; }
bool MessageParser::head_is_done() const { return state_->collected.head_done; }

bool MessageParser::is_done() const {
    return state_->with_parser([](auto& beast) { return beast.is_done(); });
}

bool MessageParser::keeps_alive() const {
    return state_->with_parser([](auto& beast) { return beast.keep_alive(); });
}

std::optional<std::uint64_t> MessageParser::content_length() const {
    const auto length = state_->with_parser([](auto& beast) { return beast.content_length(); });
    return length ? std::optional(*length) : std::nullopt;
}

bool MessageParser::is_chunked() const {
    return state_->with_parser([](auto& beast) { return beast.chunked(); });
}

const MessageHead& MessageParser::head() const { return state_->collected.head; }
MessageHead MessageParser::take_head() { return std::move(state_->collected.head); }

}  // namespace inferscope::net
