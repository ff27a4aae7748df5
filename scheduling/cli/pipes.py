"""What a reader that has gone away, such as head behind a pipe, makes of a call."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXIT_CLOSED = 141
"""What shells report of tools that end because nobody reads on: 128 and the number of SIGPIPE."""


@contextmanager
def quiet_when_closed() -> Iterator[None]:
    """End quietly, with the exit code of other tools, where nobody reads on.

    Whatever is printed within has been handed over at its end: Python would otherwise complain of
    the rest when it has ended already. Pipes that are not this process's output may break for
    reasons of their own: their errors go on.
    """
    try:
        try:
            yield
        finally:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
    except BrokenPipeError:
        closed = [number for number in (1, 2) if _is_closed(number)]
        if not closed:
            raise
        with Path(os.devnull).open("w") as nowhere:
            for number in closed:
                os.dup2(nowhere.fileno(), number)
        raise SystemExit(EXIT_CLOSED) from None


def _is_closed(number: int) -> bool:
    """Tell whether a descriptor is a pipe that nobody reads."""
    if not hasattr(select, "poll"):
        return True
    watch = select.poll()
    watch.register(number, 0)
    return any(what & select.POLLERR for _, what in watch.poll(0))
