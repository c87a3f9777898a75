"""
A role never outlives its supervisor.

The supervisor holds the writing end of a pipe and never writes; when it is gone, however it
went, the reading ends close and every role stops itself as if it had been asked to.
"""

import os
import signal
import threading

ENVIRONMENT = "FOREBAY_LIFELINE_FD"


def hold_on() -> None:
    """Stop this process (SIGTERM to itself) when the supervisor is gone, if it has one."""
    descriptor = os.environ.pop(ENVIRONMENT, None)
    if descriptor is None:
        return
    threading.Thread(target=_watch, args=(int(descriptor),), name="lifeline", daemon=True).start()


def _watch(descriptor: int) -> None:
    os.read(descriptor, 1)  # returns only at the end of the pipe
    os.kill(os.getpid(), signal.SIGTERM)
