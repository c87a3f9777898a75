"""What became of a call that may be refused."""

from collections.abc import Callable
from typing import TypeVar

from forebay.kernel.errors import PlatformError

T = TypeVar("T")


def outcome_of(act: Callable[[], T]) -> T | int:
    """Return what a call returns, or the status of the platform's refusal."""
    try:
        return act()
    except PlatformError as refusal:
        return refusal.status
