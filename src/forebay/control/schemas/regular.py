"""Regular expressions from outside, run in linear time: `re` could be kept busy for ever."""

from typing import Protocol

import re2  # type: ignore[import-untyped]  # the package publishes no types

LENGTH_MAX = 1_000


class LinearPattern(Protocol):
    """A compiled expression."""

    def search(self, text: str, /) -> object | None:
        """Return something if the expression matches anywhere in the text."""


class PatternInvalid(ValueError):
    """Not a regular expression that runs in linear time; the message says why."""


def compile_pattern(pattern: str) -> LinearPattern:
    """
    Return the compiled expression.

    Raises:
        PatternInvalid: It is none, is too long, or looks around or back.
    """
    if len(pattern) > LENGTH_MAX:
        raise PatternInvalid(f"{len(pattern)} characters; at most {LENGTH_MAX} are allowed")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: LinearPattern = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternInvalid(text) from None
    return compiled
