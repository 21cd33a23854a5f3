// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_layout.h"

#include <snappy.h>

#include <utility>

#include "base/check.h"
#include "tsdb/bit_varint.h"

namespace inferscope::tsdb::wal {
namespace {

/// Less than this isn't worth it: texts that repeat are mostly one label set apart.
constexpr std::size_t kWorthPacking = 2048;

/// A string that grows by itself takes twice the room, even when it is asked for less.
void append_tight(std::string& out, std::string_view bytes) {
    std::string both;
    both.reserve(out.size() + bytes.size());
    both += out;
    both += bytes;
    out = std::move(both);
}

}  // namespace

void Layout::add(std::string_view record) {
    append_tight(plain_, record);
    if (plain_.size() >= kWorthPacking) pack();
}

void Layout::pack() {
    std::string bytes;
    snappy::Compress(plain_.data(), plain_.size(), &bytes);
    std::string piece;
    append_varint(piece, bytes.size());
    piece += bytes;
    append_tight(packed_, piece);
    std::string().swap(plain_);  // an assignment would keep the room
}

void Layout::append_to(std::string& out) const {
    ByteReader in(packed_);
    std::string piece;
    while (!in.rest().empty()) {
        const auto bytes = in.take(in.varint());
        CHECK(in.ok() && snappy::Uncompress(bytes.data(), bytes.size(), &piece),
              "what was packed in memory is unpacked");
        out += piece;
    }
    out += plain_;
}

}  // namespace inferscope::tsdb::wal
