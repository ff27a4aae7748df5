"""The extender beside a live cluster."""

from __future__ import annotations

import asyncio

from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.live import LiveCluster
from scheduling.kubernetes.extender.metrics import Sample
from scheduling.kubernetes.extender.plan import Plan
from scheduling.kubernetes.extender.service import Extender
from scheduling.kubernetes.mover.mover import OUTCOMES, Manners, Mover
from scheduling.kubernetes.mover.nudger import Nudger


class ClusterBinder:
    """Binds pods through the API server.

    Parameters
    ----------
    live
        The cluster.
    """

    def __init__(self, live: LiveCluster) -> None:
        self._live = live

    async def bind(self, namespace: str, name: str, uid: str, node: str) -> None:
        """Bind a pod.

        Raises
        ------
        ApiError
            Saying why it was not.
        """
        call = self._live.server.bind(namespace, name, uid, node)
        await asyncio.wrap_future(self._live.submit(call))


class LiveSide:
    """What runs beside the verbs when there is a live cluster: its state, nudges and the mover.

    Parameters
    ----------
    live
        The cluster.
    extender
        Whose state is kept and whose plans are carried out.
    manners
        How the mover behaves; ``None``: there is none.
    seed
        Seed of the jitter of waits.
    """

    def __init__(
        self, live: LiveCluster, extender: Extender, manners: Manners | None, seed: int = 0
    ) -> None:
        self._live, self._planner = live, extender.planner
        state, note = extender.state, extender.journal.note
        self._nudger = Nudger(live.server, state, self._plan, Backoff(seed=seed), note)
        self._mover = None
        if manners is not None:
            room = extender.view().room
            waits = Backoff(first=2.0, seed=seed)
            self._mover = Mover(live.server, state, room, self._plan, manners, waits, note)
        extender.attend(self)

    def start(self) -> None:
        """Begin."""
        jobs = [self._nudger.run, *([] if self._mover is None else [self._mover.run])]
        self._live.start(*jobs)

    def stop(self) -> None:
        """End."""
        self._live.stop()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._live.alive

    @property
    def failures(self) -> dict[str, str]:
        """What goes wrong now, by resource."""
        return self._live.failures

    def samples(self) -> list[Sample]:
        """Return what the metrics say of it."""
        lists = sum(self._live.restarts.values())
        found: list[Sample] = [
            ("cluster_failures", "gauge", "Resources that are not reached.", len(self.failures)),
            ("cluster_lists_total", "counter", "Lists of a resource after its first.", lists),
        ]
        for outcome in ("nudged", "failed"):
            name = f"nudges_{outcome}_total"
            found.append((name, "counter", f"Nudges, {outcome}.", self._nudger.counts[outcome]))
        if self._mover is not None:
            found += _of_mover(self._mover)
        return found

    def _plan(self) -> Plan | None:
        return self._planner.plan


def _of_mover(mover: Mover) -> list[Sample]:
    counts: list[Sample] = [
        (f"evictions_{outcome}_total", "counter", f"Evictions, {outcome}.", mover.counts[outcome])
        for outcome in OUTCOMES
    ]
    return [
        ("evictions_left", "gauge", "Evictions of the plan still to come.", mover.left),
        ("evicted_down", "gauge", "Evicted pods without a ready successor.", mover.down),
        *counts,
    ]
