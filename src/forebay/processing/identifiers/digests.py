"""
What a record's entry is made of: digests of its dataset and id, and of its bytes.

The id is taken as it is after decoding, code point by code point: no case, no white space and no
form of Unicode is changed. The content is the record's bytes. Equal bytes are surely the same
content; other bytes may still say the same, in another order or spacing, and `says_the_same`
compares the two records themselves. That is exact, and paid only for records that were written
again differently.
"""

from hashlib import blake2b

import msgspec

from forebay.kernel import json
from forebay.processing.identifiers.entries import CONTENT_BYTES, KEY_BYTES


class _Identified(msgspec.Struct, rename={"identifier": "_id"}, gc=False):
    identifier: str | None = None


_decode = msgspec.json.Decoder(_Identified).decode


class Digester:
    """Makes the digests of one dataset's records."""

    def __init__(self, sandbox_id: str, dataset_id: str) -> None:
        # A list in JSON tells where one text ends and the next begins.
        self._key = blake2b(json.encode([sandbox_id, dataset_id]), digest_size=KEY_BYTES)

    def digest(self, entity: bytes) -> bytes | None:
        """Return the digest of a record, None if it has no id: a text that is not empty."""
        try:
            identifier = _decode(entity).identifier
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not identifier:
            return None
        key = self._key.copy()
        key.update(identifier.encode())
        return key.digest() + blake2b(entity, digest_size=CONTENT_BYTES).digest()


def says_the_same(one: bytes, other: bytes) -> bool:
    """
    Say whether two records are the same JSON value: order of members and notation aside.

    Numbers are the same if their values are, exactly.
    """
    try:
        return _is_same(json.decode(one), json.decode(other))
    except json.NotJson:
        return False


def _is_same(one: object, other: object) -> bool:
    left = [(one, other)]
    while left:
        a, b = left.pop()
        if isinstance(a, dict) and isinstance(b, dict):
            if a.keys() != b.keys():
                return False
            left += [(value, b[name]) for name, value in a.items()]
        elif isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                return False
            left += zip(a, b, strict=True)
        elif a != b or isinstance(a, bool) is not isinstance(b, bool):
            return False
    return True
