"""
JSON as the platform reads it: one strict parser for everything.

msgspec refuses NaN, lone surrogates, byte order marks and UTF-16, and keeps integers exact
(reliability, 6.3); it raises `RecursionError` on bottomless nesting, which becomes `NotJson` here.
"""

from typing import Any

import msgspec

Raw = msgspec.Raw

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class NotJson(ValueError):
    """Bytes that are not one JSON document; the message says where."""


def decode(data: bytes | str) -> Any:  # noqa: ANN401  any JSON value is the point
    """
    Return the value of a JSON document.

    Raises:
        NotJson: The bytes are not strict JSON, or are nested too deeply to read.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson(str(error)) from None
    except RecursionError:
        message = "JSON is nested too deeply"
        raise NotJson(message) from None


def shown(value: object, length_max: int = 100) -> str:
    """Return a value as a message names it: a text as it is, else its JSON; cut if it is long."""
    text = value if isinstance(value, str) else encode(value).decode()
    return text[:length_max]


def encode(value: object) -> bytes:
    """Return the compact JSON of a value, on one line."""
    return _encoder.encode(value)
