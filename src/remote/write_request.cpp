// SPDX-License-Identifier: Apache-2.0
#include "remote/write_request.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <utility>

#include "remote/wire_reader.h"

namespace inferscope::remote {
namespace {

constexpr std::size_t kSampleBytes = 18;     // 12 10 09 <value: 8> 10 <timestamp: 6>
constexpr std::size_t kZeroSampleBytes = 9;  // 12 07 10 <timestamp: 6>
constexpr std::uint64_t kContinues = 0x808080808080;
constexpr std::uint64_t kSixBytes = 0x008080808080;

Error not_a_request() {
    return {Errc::invalid_argument, "the body isn't a WriteRequest of remote write 1.0"};
}

struct Tail {
    std::size_t bytes = 0;
    Sample sample;
};

template <class T>
T load(const char* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

/// Of `bits`, six bytes of a varint, the lowest first.
constexpr Timestamp six_byte_varint(std::uint64_t bits) {
    std::uint64_t value = 0;
    for (int i = 0; i < 6; ++i) value |= (bits >> i) & (std::uint64_t{0x7f} << (7 * i));
    return static_cast<Timestamp>(value);
}

/// The one sample in which `fields` seem to end. Its time is between 1971 and 2109, since that is
/// what six bytes can hold and five can't.
std::optional<Tail> find_tail(std::string_view fields) {
    if (fields.size() < kSampleBytes) return std::nullopt;
    const char* const end = fields.data() + fields.size();
    const auto time = load<std::uint64_t>(end - 8) >> 16;
    if (end[-7] != 0x10 || (time & kContinues) != kSixBytes) return std::nullopt;
    if (end[-18] == 0x12 && end[-17] == 0x10 && end[-16] == 0x09)
        return Tail{kSampleBytes, {six_byte_varint(time), load<double>(end - 15)}};
    if (end[-9] == 0x12 && end[-8] == 0x07)
        return Tail{kZeroSampleBytes, {six_byte_varint(time), 0}};
    return std::nullopt;
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

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

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
                                     "request (remote_write.max_items_per_request)",
                                     most)};
        }
    }
    if (!reader.ok()) return not_a_request();
    return {};
}

Result<void> WriteRequest::add_series(std::string_view fields) {
    auto& series = series_.emplace_back();
    series.fields = fields;
    const auto tail = find_tail(fields);
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
