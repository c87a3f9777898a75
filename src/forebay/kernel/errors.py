"""
Operations that cannot be done.

Two kinds never share a mechanism: *data* that breaks a rule is a value
(`xdm.violations.Violation`), an *operation* that cannot be done raises a `PlatformError`.
Its disposition says who acts next.
Every code has its page in ``docs/errors``.
"""

from enum import Enum
from typing import ClassVar


class Disposition(Enum):
    """Who acts after an error."""

    REJECT = "reject"
    """The caller: the request can never succeed as it is (4xx)."""
    RETRY = "retry"
    """Nobody: the same request may succeed later (503)."""
    STOP = "stop"
    """The operator: an invariant is broken, the process ends."""


class PlatformError(Exception):
    """
    An operation that cannot be done.

    The message says what happened, the value that was wrong and what would be right.
    """

    code: ClassVar[str] = "FBY-0000"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Platform error"
    disposition: ClassVar[Disposition] = Disposition.STOP

    registry: ClassVar[dict[str, type["PlatformError"]]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            return  # a family, not an error of its own
        if cls.code in PlatformError.registry:
            raise TypeError(f"two errors share the code {cls.code}")
        PlatformError.registry[cls.code] = cls

    def __init__(self, message: str, **report: object) -> None:
        super().__init__(message)
        self.message = message
        self.report = report
        """The parameters of the message, for the error body."""
