"""Engine ``dask``: workers of a Dask cluster that runs already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from scheduling.backends.backend import given_up
from scheduling.errors import InputError, SolverError, UnsupportedError

_CONNECT_SECONDS = 10.0


class DaskCluster:
    """Runs on the workers of a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``; ``None``: as Dask is configured, by
        ``DASK_SCHEDULER_ADDRESS``.
    """

    name = "dask"

    def __init__(self, address: str | None = None) -> None:
        self.address = address

    def carry(
        self, function: Callable[[Any], Any], runs: Sequence[Any], jobs: int | None
    ) -> Iterator[tuple[int, Any]]:
        """Yield places and results as they end; see :class:`~scheduling.backends.backend.Backend`.

        The scheduler gives the runs of a lost worker to others.
        """
        client = self._client()
        from distributed import as_completed

        lost: list[int] = []
        places: dict[str, int] = {}
        waiting = iter(range(len(runs)))

        def begin(count: int) -> list[Any]:
            chosen = list(islice(waiting, count))
            futures = [client.submit(function, runs[place], pure=False) for place in chosen]
            places.update(zip((future.key for future in futures), chosen, strict=True))
            return futures

        try:
            ended = as_completed(begin(len(runs) if jobs is None else jobs), loop=client.loop)
            for future in ended:
                place = places.pop(future.key)
                if _ends_well(future):
                    yield place, future.result()
                else:
                    lost.append(place)
                ended.update(begin(1))
        finally:
            client.close()
        if lost:
            raise given_up(lost, runs)

    def _client(self) -> Any:
        try:
            import dask
            from distributed import Client
        except ImportError as error:
            raise UnsupportedError(
                f"the engine dask is not installed ({error}): pip install 'scheduling[dask]'"
            ) from error
        address = self.address or dask.config.get("scheduler-address", None)
        if address is None:
            expected = "dask:ADDRESS, or the variable DASK_SCHEDULER_ADDRESS"
            raise InputError.single("backend", "dask without a scheduler", expected)
        try:
            return Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            found = f"no Dask scheduler at {address} ({error})"
            raise InputError.single("backend", found, "the address of one that runs") from None


def _ends_well(future: Any) -> bool:
    """Tell whether a run has a result, or lost too many workers; any other error is raised."""
    from distributed.scheduler import KilledWorker

    if future.cancelled():
        raise SolverError("the Dask scheduler was lost, or cancelled the run")
    error = future.exception()
    if isinstance(error, ModuleNotFoundError):
        said = f"the workers of the Dask cluster have {error}"
        raise UnsupportedError(f"{said}; install the same version of scheduling there") from error
    if error is not None and not isinstance(error, KilledWorker):
        raise error
    return error is None
