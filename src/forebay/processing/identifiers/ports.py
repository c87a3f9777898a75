"""
What the index of identifiers promises.

Within a dataset, an id belongs to the record that came first, for a *window* of time on either
side of its receipt. A record *claims* its id; the verdict says whether it has it. Time is the
time of receipt, as the log has it, so that the same log gives the same verdicts whenever it is
read, and no clock is asked.

An entry names the message that made it. A message that claims again, after a crash, finds
itself and is no duplicate: claims are durable before the tables' commits, and reading the
log a second time changes nothing.
"""

from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from forebay.kernel.errors import Disposition, PlatformError
from forebay.kernel.ids import TransactionId
from forebay.processing.identifiers.entries import Entries, message_of

HOUR_MS = 3_600_000


class IdentifiersUnavailable(PlatformError):
    """The index cannot be opened, read or written now; no verdict is to be relied on."""

    code = "IDS-1503"
    status = 503
    title = "Identifiers unavailable"
    disposition = Disposition.RETRY


class Verdict(IntEnum):
    """Whose an id is."""

    FIRST = 0
    """The record's own: it is the first, or it is the first once more."""
    SAME = 1
    """Another record's, with the same bytes."""
    OTHER = 2
    """Another record's, with other bytes: a conflict, unless they say the same."""


class Verdicts(NamedTuple):
    """One verdict for each claim, and who has the id if the claimer does not."""

    kinds: NDArray[np.uint8]
    when: Entries
    place: Entries

    def first(self, number: int) -> tuple[TransactionId, int]:
        """Return the message that has the id of a claim that came too late."""
        return message_of(int(self.when[number]), int(self.place[number]))


class Lost(NamedTuple):
    """Entries that were damaged: duplicates of what was received then are not recognized."""

    from_ms: int
    """Start of the hour in which their records were received."""
    entry_count: int


class IdentifierIndex(Protocol):
    """Who was the first to bear an id; one writer."""

    def claim(self, claims: Entries) -> Verdicts:
        """
        Enter the claims that come first, and return the verdicts.

        Claims are looked at in their order. Entries from before decide over claims of the same
        call; among several entries, which then are more than a window apart, the one that was
        received first. Nothing is durable before `commit`.

        Raises:
            IdentifiersUnavailable: Nothing was entered.
        """

    def release(self, claims: Entries) -> int:
        """
        Give back the ids that these very messages have; return how many had one.

        For a record that becomes a failed one on second reading: its id is free for the record
        that repairs it.

        Raises:
            IdentifiersUnavailable: Nothing was given back.
        """

    def commit(self) -> None:
        """
        Make durable what was entered and given back.

        When this returns, it survives the loss of power.

        Raises:
            IdentifiersUnavailable: Nothing of it was kept; claim again.
        """

    def discard(self) -> None:
        """Forget what was entered and given back since the last commit."""

    def expire(self, horizon_ms: int) -> None:
        """
        Drop what no later claim can meet: none will be of a record received before the horizon.

        Raises:
            IdentifiersUnavailable: It may be dropped or not.
        """

    def tidy(self) -> bool:
        """Do a small piece of the upkeep; say whether there is more to do."""

    def lost(self) -> tuple[Lost, ...]:
        """Return what was damaged and is not made good."""

    def mended(self) -> None:
        """
        Take note that what was lost has been entered again as far as it can be.

        Raises:
            IdentifiersUnavailable: It is not noted durably.
        """

    def close(self) -> None:
        """Release what is held; what is not committed is forgotten."""
