"""AEP's quota on synchronous validation: a number of requests per inlet and minute."""

from forebay.edge.errors import TooManyValidations
from forebay.kernel.clock import Clock

_WINDOW_SECONDS = 60.0
_INLETS_MAX = 10_000


class ValidationQuota:
    """
    Counts synchronous validations per inlet in windows of one minute.

    A window opens with the first request that finds none. The quota is the process's own: each
    worker counts for itself.
    """

    def __init__(self, clock: Clock, *, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, inlet_id: str) -> None:
        """
        Count one validation of an inlet.

        Raises:
            TooManyValidations: The quota of this minute is used up.
        """
        if self._per_minute == 0:
            return
        now = self._clock.monotonic_s()
        start, used = self._windows.get(inlet_id, (now, 0))
        if now - start >= _WINDOW_SECONDS:
            start, used = now, 0
        if used >= self._per_minute:
            wait_s = int(start + _WINDOW_SECONDS - now) + 1
            raise TooManyValidations(
                f"inlet {inlet_id} has used its {self._per_minute} synchronous validations of this"
                f" minute; it may go on in {wait_s} s, or send without syncValidation.",
                retry_after_s=wait_s,
            )
        if len(self._windows) >= _INLETS_MAX:
            self._forget_old(now)
        self._windows[inlet_id] = (start, used + 1)

    def _forget_old(self, now: float) -> None:
        self._windows = {
            inlet_id: window
            for inlet_id, window in self._windows.items()
            if now - window[0] < _WINDOW_SECONDS
        }
