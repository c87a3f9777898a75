"""
Texts that a pattern accepts, for generated records.

Reads the part of regular expressions that schemas use: characters, classes, groups, alternatives
and repetitions. Of the rest it makes no text; the caller checks what it is given.
"""

import random
import re
import string

_REPEATS_MORE_MAX = 3
"""Repetitions beyond the least, where a pattern leaves the number open."""
_STEPS_MAX = 5_000
_CLASSES = {
    "d": string.digits,
    "w": string.ascii_letters + string.digits,
    "s": " ",
    ".": string.ascii_lowercase + string.digits,
}
_PRINTABLE = string.ascii_letters + string.digits + "-_ .,:/@"
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")


def matching_text(pattern: str, luck: random.Random) -> str | None:
    """Return a text that the pattern probably accepts, None if its syntax is not known here."""
    maker = _Maker(pattern, luck)
    try:
        text = maker.alternatives()
    except (IndexError, ValueError):
        return None
    return text if maker.is_at_end else None


class _Maker:
    def __init__(self, pattern: str, luck: random.Random) -> None:
        self._pattern = pattern
        self._at = 0
        self._steps = 0
        self._luck = luck

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._pattern)

    def alternatives(self) -> str:
        made = [self._sequence()]
        while self._takes("|"):
            made.append(self._sequence())
        return self._luck.choice(made)

    def _sequence(self) -> str:
        parts: list[str] = []
        while not self.is_at_end and self._pattern[self._at] not in "|)":
            start = self._at
            part = self._atom()
            end = self._at
            for number in range(self._count()):
                if number:  # each repetition is made anew
                    after, self._at = self._at, start
                    part = self._atom()
                    self._at = after
                parts.append(part)
            self._at = max(self._at, end)
        return "".join(parts)

    def _atom(self) -> str:
        sign = self._next()
        if sign in "^$":
            return ""
        if sign == "(":
            if self._takes("?") and not self._takes(":"):
                raise ValueError(self._pattern)  # a flag, a name or a look-around
            text = self.alternatives()
            if not self._takes(")"):
                raise ValueError(self._pattern)
            return text
        if sign == "[":
            return self._luck.choice(self._set())
        if sign == ".":
            return self._luck.choice(_CLASSES["."])
        if sign == "\\":
            return self._luck.choice(self._escaped())
        if sign in "*+?{":
            raise ValueError(self._pattern)
        return sign

    def _set(self) -> str:
        is_negated = self._takes("^")
        found = self._member()
        while not self._takes("]"):
            if not self._takes("-"):
                found += self._member()
            elif self._pattern[self._at] == "]":
                found += "-"
            else:
                last = ord(self._member()[-1])
                found += "".join(map(chr, range(ord(found[-1]), last + 1)))
        return "".join(c for c in _PRINTABLE if c not in found) if is_negated else found

    def _member(self) -> str:
        sign = self._next()
        return self._escaped() if sign == "\\" else sign

    def _escaped(self) -> str:
        sign = self._next()
        if sign.isalnum() and sign not in _CLASSES:
            raise ValueError(self._pattern)  # a boundary, a property or a control character
        return _CLASSES[sign] if sign in "dws" else sign

    def _count(self) -> int:
        low, high = 1, 1
        counted = _COUNT.match(self._pattern, self._at)
        if counted is not None:
            self._at = counted.end()
            low = int(counted[1])
            high = int(counted[3]) if counted[3] else low
            high += _REPEATS_MORE_MAX if counted[2] and not counted[3] else 0
        elif self._takes("*"):
            low, high = 0, _REPEATS_MORE_MAX
        elif self._takes("+"):
            low, high = 1, 1 + _REPEATS_MORE_MAX
        elif self._takes("?"):
            low = 0
        self._takes("?")  # lazy repetitions accept the same
        return self._luck.randint(low, high)

    def _takes(self, sign: str) -> bool:
        is_there = self._pattern.startswith(sign, self._at)
        self._at += len(sign) if is_there else 0
        return is_there

    def _next(self) -> str:
        self._steps += 1
        if self._steps > _STEPS_MAX:
            raise ValueError(self._pattern)  # repetitions of repetitions
        sign = self._pattern[self._at]
        self._at += 1
        return sign
