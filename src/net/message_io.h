// SPDX-License-Identifier: Apache-2.0
// Messages over streams: the two shells around MessageParser that client and server share.
#pragma once

#include <string_view>

#include "net/message_parser.h"
#include "net/sockets.h"

namespace inferscope::net {

/// Receives until the head is whole. Gives the bytes behind it, valid until the caller suspends (to
/// call read_body is not to suspend); empty, with the head not done and not begun, if the peer
/// closed before it.
Task<Result<std::string_view>> read_head(Stream& stream, MessageParser& parser);

/// Receives the body into `sink`; `first` are the bytes that came behind the head. What comes
/// behind the body is kept in the stream. Fails with unavailable if the peer closes midway.
Task<Result<void>> read_body(Stream& stream, MessageParser& parser, BodySink& sink,
                             std::string_view first);

}  // namespace inferscope::net
