"""A live cluster: reflectors for every kind, in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from scheduling.errors import SchedulingError
from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.reflector import Note, Reflector, Store
from scheduling.kubernetes.client.resources import WATCHED
from scheduling.kubernetes.client.server import ApiServer

T = TypeVar("T")
Job = Callable[[], Coroutine[Any, Any, None]]
"""What runs beside the reflectors until the end."""

_STOP_SECONDS = 10.0


class LiveCluster:
    """Keeps a state in step with an API server.

    Parameters
    ----------
    server
        The API server.
    store
        What is kept in step.
    note
        Told of failures, and of what is skipped.
    first_wait
        Seconds to wait after a first failure; see :class:`Backoff`.
    seed
        Seed of the jitter of waits.
    """

    def __init__(
        self,
        server: ApiServer,
        store: Store,
        note: Note,
        *,
        first_wait: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.server = server
        self._jobs: tuple[Job, ...] = ()
        self._reflectors = {
            resource.plural: Reflector(
                server, resource, store, Backoff(first=first_wait, seed=seed + number), note
            )
            for number, resource in enumerate(WATCHED)
        }
        self._thread = threading.Thread(target=self._work, name="cluster", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._begun = threading.Event()

    def start(self, *jobs: Job) -> None:
        """Begin.

        Parameters
        ----------
        jobs
            What else runs in the thread, such as the mover.
        """
        self._jobs = jobs
        self._thread.start()
        self._begun.wait()

    def stop(self) -> None:
        """End every watch and job, and close the connections."""
        if self._loop is not None and self._end is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_STOP_SECONDS)

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it ends before :meth:`stop` only by a defect."""
        return self._thread.is_alive()

    @property
    def synced(self) -> bool:
        """Whether every kind was listed at least once."""
        return all(reflector.listed for reflector in self._reflectors.values())

    @property
    def failures(self) -> dict[str, str]:
        """What goes wrong now, by resource."""
        return {
            name: reflector.failure
            for name, reflector in self._reflectors.items()
            if reflector.failure is not None
        }

    @property
    def restarts(self) -> dict[str, int]:
        """Number of lists after the first, by resource."""
        return {name: reflector.restarts for name, reflector in self._reflectors.items()}

    def submit(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a call to the server in the thread; its result comes through the future."""
        if self._loop is None or not self._thread.is_alive():
            call.close()
            raise SchedulingError("the connection to the cluster has ended")
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    def _work(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._begun.set()
        try:
            async with asyncio.TaskGroup() as group:
                runs = [reflector.run for reflector in self._reflectors.values()]
                tasks = [group.create_task(run()) for run in (*runs, *self._jobs)]
                await self._end.wait()
                for task in tasks:
                    task.cancel()
        finally:
            await self.server.close()
