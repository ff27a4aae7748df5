"""The extender apart from HTTP: what it knows, how it decides, and what it says of itself."""

from __future__ import annotations

import time
from typing import Any, Protocol

from scheduling.errors import InputError
from scheduling.kubernetes.extender import verbs, wire
from scheduling.kubernetes.extender.journal import Journal
from scheduling.kubernetes.extender.ledger import Ledger
from scheduling.kubernetes.extender.metrics import Metrics, Sample
from scheduling.kubernetes.extender.plan import Plan
from scheduling.kubernetes.extender.planner import Planner
from scheduling.kubernetes.extender.room import Room
from scheduling.kubernetes.extender.verbs import Answer, Binder, View
from scheduling.kubernetes.state import ClusterState, Object, uid_of

VERBS = ("filter", "prioritize", "preempt", "bind")


class StateBinder:
    """Binds pods in a state alone, where there is no cluster behind it."""

    def __init__(self, state: ClusterState) -> None:
        self._state = state

    async def bind(self, namespace: str, name: str, uid: str, node: str) -> None:  # noqa: ARG002 - the form of a binder
        """Bind a pod.

        Raises
        ------
        InputError
            When it is not in the state.
        """
        pod = self._state.get("Pod", namespace, name)
        if pod is None:
            raise InputError.single("PodName", f"{namespace}/{name}", "a pod that is there")
        self._state.apply("Pod", _running(pod, node))


class Side(Protocol):
    """What runs beside the verbs."""

    @property
    def alive(self) -> bool:
        """Whether it still runs."""

    @property
    def failures(self) -> dict[str, str]:
        """What goes wrong now, by resource."""

    def samples(self) -> list[Sample]:
        """Return what the metrics say of it."""


class Extender:
    """Answers the scheduler.

    Parameters
    ----------
    state
        The cluster.
    planner
        Who makes the plans.
    binder
        Who carries bindings out; in the state alone by default.
    journal
        Where decisions are noted; standard error by default.
    """

    def __init__(
        self,
        state: ClusterState,
        planner: Planner,
        binder: Binder | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.state = state
        self.planner = planner
        self.metrics = Metrics()
        self.journal = journal or Journal()
        self._binder: Binder = binder or StateBinder(state)
        self._room = Room(state)
        self._ledger = Ledger(None, state)
        self._side: Side | None = None

    def attend(self, side: Side) -> None:
        """Tell of what runs beside the verbs too."""
        self._side = side

    @property
    def healthy(self) -> bool:
        """Whether everything that runs beside the verbs still does."""
        return self._side is None or self._side.alive

    @property
    def waits_for(self) -> str:
        """What is missing until it is ready, in words."""
        if self.state.synced():
            return "the first plan"
        failures = {} if self._side is None else self._side.failures
        told = "".join(f"; {name}: {failure}" for name, failure in sorted(failures.items()))
        return f"the state of the cluster{told}"

    @property
    def ready(self) -> bool:
        """Whether the cluster has been read and the first plan was made."""
        return self.state.synced() and self.planner.plan is not None

    def view(self) -> View:
        """Return what an answer is made from now."""
        plan = self.planner.plan
        if plan is not self._ledger.plan:
            self._ledger = Ledger(plan, self.state)
        return View(self.state, self._room, self._ledger)

    async def answer(self, verb: str, data: Any) -> Answer:
        """Answer a request.

        Parameters
        ----------
        verb
            One of :data:`VERBS`.
        data
            The request's body.

        Raises
        ------
        InputError
            When the body is not what the verb takes.
        """
        started = time.perf_counter()
        view = self.view()
        if verb == "bind":
            found = await verbs.bind(wire.read_bind(data), view, self._binder)
        elif verb == "preempt":
            found = verbs.preempt(wire.read_preempt(data), view)
        else:
            decide = verbs.filter_nodes if verb == "filter" else verbs.prioritize
            found = decide(wire.read_filter(data), view)
        self.metrics.decision(verb, found.reason)
        plan = view.ledger.plan
        self.journal.note(
            "decision",
            verb=verb,
            pod=found.pod,
            reason=found.reason,
            node=found.node,
            passed=found.passed,
            plan=None if plan is None else plan.version,
            seconds=round(time.perf_counter() - started, 6),
        )
        return found

    def failure(self, verb: str, message: str) -> Any:
        """Return the answer that says that no answer could be made."""
        self.metrics.decision(verb, "failed")
        if verb == "bind":
            return wire.bind_result(message)
        if verb == "preempt":
            return wire.preempt_result(None, (), 0)
        if verb == "prioritize":
            return []
        return {**_NO_NODES, "Error": message}

    def report(self) -> dict[str, Any]:
        """Return the plan, as it is, and how it stands."""
        planner = self.planner
        plan = planner.plan
        return {
            "state": {
                "version": self.state.version,
                "synced": self.state.synced(),
                "nodes": self.state.count("Node"),
                "pods": self.state.count("Pod"),
                "pending": self.state.n_pending,
            },
            "solver": {
                "solving": planner.solving,
                "error": planner.error,
                "plans": planner.plans,
                "failures": planner.failures,
                "restarts": planner.restarts,
            },
            "age_seconds": self._age(),
            "current": plan is not None and plan.version == self.state.version,
            "plan": plan,
        }

    def samples(self) -> list[Sample]:
        """Return what the metrics say beside requests and decisions."""
        planner, state = self.planner, self.state
        return [
            ("ready", "gauge", "Whether the cluster is read and a plan made.", self.ready),
            ("nodes", "gauge", "Nodes in the state.", state.count("Node")),
            ("pods", "gauge", "Pods in the state.", state.count("Pod")),
            ("pods_pending", "gauge", "Pods without a node.", state.n_pending),
            ("state_version", "gauge", "Changes that matter to placement.", state.version),
            ("plan_age_seconds", "gauge", "Since the last plan came.", self._age()),
            ("plans_total", "counter", "Plans made.", planner.plans),
            ("plan_failures_total", "counter", "Attempts without a plan.", planner.failures),
            ("solver_restarts_total", "counter", "Solver processes replaced.", planner.restarts),
            ("log_lines_dropped_total", "counter", "Log lines given up.", self.journal.dropped),
            *([] if planner.plan is None else _of_plan(planner.plan)),
            *([] if self._side is None else self._side.samples()),
        ]

    def _age(self) -> float | None:
        made = self.planner.made
        return None if made is None else time.monotonic() - made


_NO_NODES: dict[str, Any] = {
    "Nodes": None,
    "NodeNames": None,
    "FailedNodes": {},
    "FailedAndUnresolvableNodes": {},
}


def _running(pod: Object, node: str) -> Object:
    uid = uid_of(pod)
    return {
        **pod,
        "metadata": {**pod["metadata"], "uid": uid},
        "spec": {**pod["spec"], "nodeName": node},
        "status": {**(pod.get("status") or {}), "phase": "Running"},
    }


def _of_plan(plan: Plan) -> list[Sample]:
    planned = sum(entry.origin is None for entry in plan.pods)
    return [
        ("plan_version", "gauge", "Version of the state planned for.", plan.version),
        ("plan_seconds", "gauge", "What the last plan took.", plan.seconds),
        ("plan_gap", "gauge", "Gap of the first open tier.", plan.gap),
        ("plan_pods", "gauge", "Pending pods with a planned node.", planned),
        ("plan_steps", "gauge", "Steps of the plan.", len(plan.steps)),
        ("plan_unplaced", "gauge", "Pods left out.", len(plan.unplaced)),
    ]
