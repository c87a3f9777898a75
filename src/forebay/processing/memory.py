"""Giving memory back to the system after a large flush."""

import ctypes


def give_back() -> None:
    """
    Return freed memory to the system, where the C library can.

    A flush works on hundreds of megabytes for a second; glibc would keep them for the next.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
