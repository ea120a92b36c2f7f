"""Memory that is no longer used goes back to the machine."""

import ctypes


def return_memory() -> None:
    """Give freed memory back; takes some milliseconds.

    What batches of all sizes leave behind are holes, which the C library keeps: a
    service grows by hundreds of megabytes and is no faster for it (docs/evaluation.md,
    Capacity). Does nothing where the C library has no way to (glibc has).
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
