// SPDX-License-Identifier: Apache-2.0
// What a call that depends on the world returns: its value, or an error as a value. Nothing here
// throws.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace inferscope {

/// Why something failed, coarse enough to decide by (retry, refuse, HTTP status).
enum class Errc {
    invalid_argument,    ///< the input is wrong, and stays wrong
    not_found,           ///< named thing doesn't exist
    already_exists,      ///< named thing is taken
    limit_exceeded,      ///< a documented bound was passed; the text names it and its setting
    timeout,             ///< a deadline passed
    connection_refused,  ///< nobody listens there
    unavailable,         ///< reachable, but can't answer now; a later try may succeed
    permission_denied,   ///< not allowed
    no_space,            ///< the disk is full; a later try may succeed
    io_error,            ///< the operating system failed
    cancelled,           ///< we were told to stop
};

/// The enumerator's name, e.g. "not_found".
std::string_view to_string(Errc code);

/// An error of the world: what failed, in words for the user who must mend it.
struct Error {
    Errc code = Errc::invalid_argument;
    std::string text;

    /// The same error with `place` before its text: "PLACE: TEXT".
    [[nodiscard]] Error with(std::string_view place) const;
    [[nodiscard]] const std::string& message() const { return text; }
};

/// An error in a text that somebody wrote. Lines and columns count from 1; 0 = unknown. A column
/// counts bytes.
struct ParseError {
    std::string file;
    int line = 0;
    int column = 0;
    std::string text;

    /// "FILE:LINE:COLUMN: TEXT"; what is unknown is left out.
    [[nodiscard]] std::string message() const;
    [[nodiscard]] Error error() const { return {Errc::invalid_argument, message()}; }
};

/// `std::expected` that must be looked at and that takes its error directly:
/// `return Error{Errc::not_found, "..."};`.
template <class T, class E = Error>
struct [[nodiscard]] Result : std::expected<T, E> {
    using std::expected<T, E>::expected;
    Result(E error)  // NOLINT(google-explicit-constructor): the point of the type
        : std::expected<T, E>(std::unexpected<E>(std::move(error))) {}
};

template <class E>
struct [[nodiscard]] Result<void, E> : std::expected<void, E> {
    using std::expected<void, E>::expected;
    Result(E error)  // NOLINT(google-explicit-constructor)
        : std::expected<void, E>(std::unexpected<E>(std::move(error))) {}
};

}  // namespace inferscope
