# SPDX-License-Identifier: Apache-2.0
"""A sender of remote write 1.0: protobuf by hand, and snappy's block format as literals, which every reader must take.

    WriteRequest  1 series *, 3 metadata *          Series  1 label *, 2 sample *
    Label  1 name, 2 value                          Sample  1 value (double), 2 time (ms)
    Metadata  1 type, 2 family's name, 4 help, 5 unit
"""
import functools
import http.client
import struct

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
METRIC_TYPES = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """Of the wire type "length-delimited"."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


@functools.lru_cache(maxsize=100_000)
def label_fields(labels):
    return b"".join(field(1, field(1, name) + field(2, value)) for name, value in labels)


def encode_series(labels, samples):
    """`labels`: a dictionary, sent in the order of names, or pairs, sent as they are; `samples`: pairs of time in ms and value."""
    pairs = tuple(sorted(labels.items())) if isinstance(labels, dict) else tuple(labels)
    fields = [label_fields(pairs)]
    for time, value in samples:
        fields.append(field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time)))
    return field(1, b"".join(fields))


def encode_metadata(name, kind, text, unit=""):
    return field(3, b"\x08" + varint(METRIC_TYPES.index(kind)) + field(2, name) + field(4, text) + field(5, unit))


def write_request(series, metadata=()):
    """The message's bytes; `series`: pairs of labels and samples; `metadata`: arguments of encode_metadata()."""
    return b"".join(encode_series(*one) for one in series) + b"".join(encode_metadata(*one) for one in metadata)


def snappy(data):
    out = [varint(len(data))]
    for begin in range(0, len(data), 65536):
        literal = data[begin:begin + 65536]
        out.append(b"\xf4" + struct.pack("<H", len(literal) - 1) + literal)
    return b"".join(out)


class Sender:
    """One connection to a receiver, kept alive. Errors of the connection are the caller's."""

    def __init__(self, port, path="/api/v1/write", timeout=60):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.path = path

    def send(self, series, metadata=()):
        """The response, its body read into `.text`."""
        self.connection.request("POST", self.path, snappy(write_request(series, metadata)), HEADERS)
        response = self.connection.getresponse()
        response.text = response.read().decode()
        return response

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
