"""Engine ``ray``: workers of a Ray cluster that runs already."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scheduling.backends.backend import MOST_LOSSES, given_up
from scheduling.errors import InputError, UnsupportedError

_CONNECT_SECONDS = 10.0


class RayCluster:
    """Runs on the workers of a Ray cluster.

    Parameters
    ----------
    address
        Of the cluster, such as ``ray://host:10001``; ``None``: by ``RAY_ADDRESS``, else the one
        that runs on this machine.
    """

    name = "ray"

    def __init__(self, address: str | None = None) -> None:
        self.address = address

    def carry(
        self, function: Callable[[Any], Any], runs: Sequence[Any], jobs: int | None
    ) -> Iterator[tuple[int, Any]]:
        """Yield places and results as they end; see :class:`~scheduling.backends.backend.Backend`.

        Ray gives the run of a lost worker to another one.
        """
        ray = self._connected()
        remote = ray.remote(max_retries=MOST_LOSSES - 1)(function)
        lost: list[int] = []
        running: dict[Any, int] = {}
        waiting = list(range(len(runs)))[::-1]
        room = len(runs) if jobs is None else jobs
        try:
            while waiting or running:
                while waiting and len(running) < room:
                    place = waiting.pop()
                    running[remote.remote(runs[place])] = place
                (ended, *_), _ = ray.wait(list(running), num_returns=1)
                place = running.pop(ended)
                try:
                    result = ray.get(ended)
                except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
                    lost.append(place)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                else:
                    yield place, result
        finally:
            for run in running:
                ray.cancel(run, force=True)
            ray.shutdown()
        if lost:
            raise given_up(lost, runs)

    def _connected(self) -> Any:
        try:
            import ray
        except ImportError as error:
            raise UnsupportedError(
                f"the engine ray is not installed ({error}): pip install 'scheduling[ray]'"
            ) from error
        if self.address is not None:
            _require_answer(self.address)
        try:
            ray.init(address=self.address or "auto", log_to_driver=False, logging_level="error")
        except (ConnectionError, OSError, ValueError) as error:
            raise _no_cluster(self.address or "this machine", error) from None
        return ray


def _require_answer(address: str) -> None:
    """Refuse an address that nobody answers at: Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(address, error) from None


def _no_cluster(address: str, error: Exception) -> InputError:
    found = f"no Ray cluster at {address} ({error})"
    return InputError.single("backend", found, "the address of one that runs, as ray:HOST:6379")
