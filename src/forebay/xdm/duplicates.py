"""
Duplicate keys: one object that says the same member twice.

JSON parsers keep the last one, others keep the first; a record that two readers understand
differently must not be accepted. The parser does not tell, so this module looks at the bytes.
"""

import re

from forebay.kernel import json

_COLON = ord(":")
_BACKSLASH = ord("\\")
_TOKENS = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}\[\],]', re.DOTALL)


def has_none(entity: bytes, written_again: bytes) -> bool:
    """
    Say whether an object surely has no duplicate key, given its decoded value encoded again.

    A dropped member takes its colon with it, and writing again adds none unless one was written as
    an escape. So equal counts of colons prove that nothing was dropped. False means only that this
    proof fails.
    """
    return entity.count(_COLON) == written_again.count(_COLON) and (
        _BACKSLASH not in entity or b"\\u003" not in entity
    )


def find(entity: bytes) -> tuple[str, str] | None:
    """
    Return the pointer of the first object with a duplicate key and that key, None if there is none.

    The entity must be valid JSON. One pass, linear in its length.
    """
    open_: list[_Container] = []
    for token in _TOKENS.finditer(entity):
        text = token[0]
        if text in {b"{", b"["}:
            open_.append(_Container(is_object=text == b"{"))
        elif text in {b"}", b"]"}:
            open_.pop()
        elif text == b",":
            open_[-1].index += 1
        elif token[2] is not None:
            name = _text(token[1])
            if name in open_[-1].names:
                return "#" + "".join(container.step() for container in open_[:-1]), name
            open_[-1].names[name] = None
    return None


class _Container:
    """An array or object that has not ended yet."""

    def __init__(self, *, is_object: bool) -> None:
        self.is_object = is_object
        self.names: dict[str, None] = {}
        self.index = 0

    def step(self) -> str:
        """Return the pointer segment of the member that is being read."""
        if not self.is_object:
            return f"/{self.index}"
        return "/" + next(reversed(self.names)).replace("~", "~0").replace("/", "~1")


def _text(escaped: bytes) -> str:
    return escaped.decode() if b"\\" not in escaped else str(json.decode(b'"' + escaped + b'"'))
