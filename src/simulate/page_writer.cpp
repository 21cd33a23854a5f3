// SPDX-License-Identifier: Apache-2.0
#include "simulate/page_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace inferscope::simulate {
namespace {

void append_whole(std::string& out, std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

/// The shortest digits of a positive finite number, without point, and the place of the point
/// before them: 0.00123 is "123", -2.
struct Decimal {
    char digits[20];
    std::size_t size = 0;
    int point = 0;
};

Decimal decimal_of(double value) {
    char text[32];
    const auto end =
        std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
    const auto e = std::find(text, end, 'e');
    Decimal decimal;
    for (const char* at = text; at != e; ++at) {
        if (*at != '.') decimal.digits[decimal.size++] = *at;
    }
    int exponent = 0;
    std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
    decimal.point = exponent + 1;
    return decimal;
}

void append_mantissa(std::string& out, std::string_view digits) {
    out += digits[0];
    if (digits.size() == 1) return;
    out += '.';
    out += digits.substr(1);
}

void append_positive(std::string& out, double value, int largest_plain_point) {
    const Decimal decimal = decimal_of(value);
    const std::string_view digits(decimal.digits, decimal.size);
    const int point = decimal.point;
    if (point > 16 || point < -3) {  // repr() itself writes an exponent, of at least two digits
        append_mantissa(out, digits);
        const int exponent = point - 1;
        out += exponent < 0 ? "e-" : "e+";
        if (std::abs(exponent) < 10) out += '0';
        append_whole(out, std::abs(exponent));
    } else if (point > largest_plain_point) {
        append_mantissa(out, digits);
        out += "e+0";
        append_whole(out, point - 1);
    } else if (point <= 0) {
        out += "0.";
        out.append(static_cast<std::size_t>(-point), '0');
        out += digits;
    } else {
        const auto whole = static_cast<std::size_t>(point);
        out += digits.substr(0, whole);
        if (digits.size() <= whole) {
            out.append(whole - digits.size(), '0');
            out += ".0";
        } else {
            out += '.';
            out += digits.substr(whole);
        }
    }
}

}  // namespace

void append_python_number(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "NaN";
    } else if (std::isinf(value)) {
        out += value > 0 ? "+Inf" : "-Inf";
    } else if (value >= 0 && value < 1e6 && std::floor(value) == value) {  // most of a page
        append_whole(out, static_cast<std::int64_t>(value));
        out += ".0";
    } else if (value < 0) {  // left to repr(), whose numbers get an exponent later
        out += '-';
        append_positive(out, -value, 16);
    } else {
        append_positive(out, value, 6);
    }
}

void PageWriter::family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    skipping_ = std::ranges::find(missing_, name) != missing_.end();
    if (skipping_) return;
    out_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    out_.append(name).append(" ").append(type).append("\n");
}

void PageWriter::sample(std::string_view suffix, std::initializer_list<std::string_view> labels,
                        double value) {
    if (skipping_) return;
    out_ += name_;
    out_ += suffix;
    const auto start = out_.size();
    out_ += '{';
    for (const auto part : labels) out_ += part;
    if (out_.size() == start + 1) {
        out_.pop_back();
    } else {
        out_ += '}';
    }
    out_ += ' ';
    append_python_number(out_, value);
    out_ += '\n';
}

void PageWriter::histogram(const Buckets& buckets, std::string_view before,
                           std::string_view after) {
    if (skipping_) return;
    buckets_of(buckets, before, after);
    const std::string_view comma = before.empty() || after.empty() ? "" : ",";
    sample("_count", {before, comma, after}, static_cast<double>(buckets.count()));
    sample("_sum", {before, comma, after}, buckets.sum());
}

void PageWriter::histogram_sum_first(const Buckets& buckets, std::string_view before,
                                     std::string_view after) {
    if (skipping_) return;
    const std::string_view comma = before.empty() || after.empty() ? "" : ",";
    sample("_sum", {before, comma, after}, buckets.sum());
    buckets_of(buckets, before, after);
    sample("_count", {before, comma, after}, static_cast<double>(buckets.count()));
}

void PageWriter::buckets_of(const Buckets& buckets, std::string_view before,
                            std::string_view after) {
    const std::string_view comma_before = before.empty() ? "" : ",";
    const std::string_view comma_after = after.empty() ? "" : ",";
    std::string le;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < buckets.counts().size(); ++i) {
        cumulative += buckets.counts()[i];
        le.clear();
        append_python_number(le, i < buckets.bounds().size()
                                     ? buckets.bounds()[i]
                                     : std::numeric_limits<double>::infinity());
        sample("_bucket", {before, comma_before, "le=\"", le, "\"", comma_after, after},
               static_cast<double>(cumulative));
    }
}

}  // namespace inferscope::simulate
