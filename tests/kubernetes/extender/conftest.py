"""An extender whose plan the test makes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from scheduling.kubernetes.extender.journal import Journal
from scheduling.kubernetes.extender.plan import Plan, PlannedPod, Victim, owner_of
from scheduling.kubernetes.extender.planner import Planner
from scheduling.kubernetes.extender.service import Extender
from scheduling.kubernetes.extender.worker import Settings
from scheduling.kubernetes.state import ClusterState, Object, item_of, node_of, uid_of
from scheduling.models.base import Status

Make = Callable[[ClusterState], Extender]


@pytest.fixture
def extend() -> Iterator[Make]:
    """Build an extender on a state; no solver is started."""
    journals = []

    def make(state: ClusterState) -> Extender:
        journals.append(Journal(io.StringIO()))
        return Extender(state, Planner(state, Settings()), journal=journals[-1])

    yield make
    for journal in journals:
        journal.close()


def entry(pod: Object, node: str, *victims: Object, cpu: int = 500) -> PlannedPod:
    """Plan a pod on a node, with pods that leave it."""
    return PlannedPod(
        uid=uid_of(pod),
        item=item_of(pod),
        owner=owner_of(pod),
        priority=pod["spec"].get("priority", 0),
        origin=node_of(pod),
        node=node,
        demands={"cpu": cpu, "pods": 1},
        victims=tuple(
            Victim(uid=uid_of(v), item=item_of(v), priority=v["spec"].get("priority", 0))
            for v in victims
        ),
    )


def plan(extender: Extender, *entries: PlannedPod) -> None:
    """Give an extender a plan for its state as it is."""
    version = extender.state.version
    extender.planner.plan = Plan(version=version, status=Status.OPTIMAL, gap=0.0, pods=entries)
