// SPDX-License-Identifier: Apache-2.0
#include "remote/write_request.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <utility>

#include "remote/wire_reader.h"

namespace inferscope::remote {
namespace {

constexpr std::size_t kTimeBytes = 6;
constexpr std::uint64_t kContinues = 0x808080808080;  // the bits that say so of six bytes
constexpr std::uint64_t kSixthEnds = 0x008080808080;

Error not_a_request() {
    return {Errc::invalid_argument, "the body isn't a WriteRequest of remote write 1.0"};
}

template <class T>
T load(const char* at, std::size_t bytes = sizeof(T)) {
    T value{};
    std::memcpy(&value, at, bytes);
    return value;
}

/// Of `bits`, six bytes of a varint, the lowest first.
constexpr Timestamp six_byte_varint(std::uint64_t bits) {
    std::uint64_t value = 0;
    for (int i = 0; i < 6; ++i) value |= (bits >> i) & (std::uint64_t{0x7f} << (7 * i));
    return static_cast<Timestamp>(value);
}

/// A Sample message as nearly all are: 09 <value: 8> 10 <timestamp: 6>, without value if that is 0.
/// Times between 1971 and 2109 take six bytes.
std::optional<Sample> usual_sample(std::string_view message) {
    const char* const end = message.data() + message.size();
    const bool is_zero = message.size() == kTimeBytes + 1;
    const bool has_value = message.size() == kTimeBytes + 10 && message[0] == 0x09;
    if ((!is_zero && !has_value) || end[-7] != 0x10) return std::nullopt;
    const auto time = load<std::uint64_t>(end - kTimeBytes, kTimeBytes);
    if ((time & kContinues) != kSixthEnds) return std::nullopt;
    return Sample{six_byte_varint(time), is_zero ? 0 : load<double>(message.data() + 1)};
}

struct Tail {
    std::size_t bytes = 0;  ///< of the field
    Sample sample;
};

/// The sample field in which `fields` seem to end.
std::optional<Tail> find_tail(std::string_view fields) {
    for (const std::size_t size : {kTimeBytes + 10, kTimeBytes + 1}) {
        if (fields.size() < size + 2) continue;
        const auto field = fields.substr(fields.size() - size - 2);
        if (field[0] != 0x12 || field[1] != static_cast<char>(size)) continue;
        if (const auto sample = usual_sample(field.substr(2))) return Tail{field.size(), *sample};
    }
    return std::nullopt;
}

/// The same; nothing if there seem to be more samples before it.
std::optional<Tail> find_only_tail(std::string_view fields) {
    const auto tail = find_tail(fields);
    if (tail && find_tail(fields.substr(0, fields.size() - tail->bytes))) return std::nullopt;
    return tail;
}

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

/// Label fields of a series or an exemplar: a view as long as they stand together, else a copy.
class LabelFields {
public:
    void add(std::string_view field, std::deque<std::string>& copies) {
        if (copy_ != nullptr) {
            copy_->append(field);
        } else if (fields_.empty()) {
            fields_ = field;
        } else if (fields_.data() + fields_.size() == field.data()) {
            fields_ = {fields_.data(), fields_.size() + field.size()};
        } else {
            copy_ = &copies.emplace_back(fields_);
            copy_->append(field);
        }
    }
    [[nodiscard]] std::string_view view() const { return copy_ != nullptr ? *copy_ : fields_; }

private:
    std::string_view fields_;
    std::string* copy_ = nullptr;
};

std::uint32_t narrow(std::size_t number) { return static_cast<std::uint32_t>(number); }

}  // namespace

void WriteRequest::clear() {
    series_.clear();
    samples_.clear();
    exemplars_.clear();
    metadata_.clear();
    label_copies_.clear();
}

Result<void> WriteRequest::decode(std::string_view message, std::size_t most) {
    clear();
    WireReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case 1:
                if (auto added = add_series(reader.bytes()); !added) return added;
                break;
            case 3:
                metadata_.push_back(reader.bytes());
                break;
            default:
                reader.skip();
        }
        const auto size = series_.size() + samples_.size() + exemplars_.size() + metadata_.size();
        if (size > most) {
            return Error{Errc::limit_exceeded,
                         fmt::format("more than {} series, samples, exemplars and metadata in one "
                                     "request (remote_write_receiver.max_items_per_request)",
                                     most)};
        }
    }
    if (!reader.ok()) return not_a_request();
    return {};
}

Result<void> WriteRequest::add_series(std::string_view fields) {
    auto& series = series_.emplace_back();
    series.fields = fields;
    const auto tail = find_only_tail(fields);
    if (!tail) return read_in_full(series);
    series.is_supposed = true;
    series.labels = fields.substr(0, fields.size() - tail->bytes);
    series.key = Fingerprint::of(series.labels);
    series.first_sample = narrow(samples_.size());
    series.samples = 1;
    samples_.push_back(tail->sample);
    return {};
}

Result<void> WriteRequest::read_in_full(WireSeries& series) {
    const auto supposed = std::exchange(series, {});
    series.fields = supposed.fields;
    series.first_sample = narrow(samples_.size());
    series.first_exemplar = narrow(exemplars_.size());
    LabelFields labels;
    WireReader reader(series.fields);
    bool ok = true;
    for (const char* at = reader.position(); ok && reader.next(); at = reader.position()) {
        switch (reader.field()) {
            case 1:
                reader.bytes();
                labels.add(between(at, reader.position()), label_copies_);
                break;
            case 2:
                ok = add_sample(reader.bytes());
                break;
            case 3:
                ok = add_exemplar(reader.bytes());
                break;
            case 4:
                ++series.native_histograms;
                reader.skip();
                break;
            default:
                reader.skip();
        }
    }
    if (!ok || !reader.ok()) return not_a_request();
    series.samples = narrow(samples_.size()) - series.first_sample;
    series.exemplars = narrow(exemplars_.size()) - series.first_exemplar;
    series.labels = labels.view();
    const bool was_right = supposed.is_supposed && supposed.labels == series.labels;
    series.key = was_right ? supposed.key : Fingerprint::of(series.labels);
    return {};
}

bool WriteRequest::add_sample(std::string_view message) {
    if (const auto usual = usual_sample(message)) {
        samples_.push_back(*usual);
        return true;
    }
    auto& sample = samples_.emplace_back();
    WireReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case 1:
                sample.value = reader.fixed64();
                break;
            case 2:
                sample.time = static_cast<Timestamp>(reader.varint());
                break;
            default:
                reader.skip();
        }
    }
    return reader.ok();
}

bool WriteRequest::add_exemplar(std::string_view message) {
    auto& exemplar = exemplars_.emplace_back();
    LabelFields labels;
    WireReader reader(message);
    for (const char* at = reader.position(); reader.next(); at = reader.position()) {
        switch (reader.field()) {
            case 1:
                reader.bytes();
                labels.add(between(at, reader.position()), label_copies_);
                break;
            case 2:
                exemplar.value = reader.fixed64();
                break;
            case 3:
                exemplar.time = static_cast<Timestamp>(reader.varint());
                break;
            default:
                reader.skip();
        }
    }
    exemplar.labels = labels.view();
    return reader.ok();
}

}  // namespace inferscope::remote
