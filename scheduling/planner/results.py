"""What planning a fleet finds: the plan, its proof, its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scheduling.models.base import Status
from scheduling.models.serving.fleet import Fleet
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.models.serving.units import natural
from scheduling.planner.answering import outcome, shown_tier
from scheduling.planner.binding import Slack
from scheduling.planner.candidates import Candidate, RuledOut
from scheduling.planner.resolve import Resolved
from scheduling.planner.verify import Replay
from scheduling.planner.worth import Worths


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best plan of another kind.

    Parameters
    ----------
    kind
        What its replicas have in common.
    plan
        The plan; ``None`` when there is none of this kind, or none was found.
    status
        What is known of it.
    replays
        What simulation showed of it (last) and of others that did not keep a target.
    """

    kind: str
    plan: ServingPlan | None
    status: Status
    replays: tuple[Replay, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "status": self.status.value,
            "plan": None if self.plan is None else self.plan.model_dump(mode="json"),
            "replays": [seen.record() for seen in self.replays],
        }


@dataclass(frozen=True)
class PlanResult:
    """What :func:`plan` finds.

    Parameters
    ----------
    fleet
        The request.
    plan
        The best plan; ``None`` when there is none, as where nothing can be served within the
        limits, or none was found.
    solution
        The answer to ``problem``, with bound and gap.
    problem
        The choice between replica templates that was solved.
    replays
        What simulation showed of the plan (last) and of others that did not keep a target and were
        re-sized; empty when the time was up before the plan was replayed. Where the plan does not
        keep its targets either, it is the one that came nearest to them.
    runner_ups
        The best plans of other kinds, replayed and re-sized as the plan is.
    slacks
        How much of each limit is used.
    worths
        Which constraints bind, and what a little more of each would be worth.
    ruled_out
        Templates that cannot be used, each with the reason.
    candidates
        Templates to choose from.
    resolved
        The fleet with all that it refers to.
    complete
        Whether all kinds of replicas were tried in the time. Where they were not, the bound takes
        the others for perfect ones: they never wait, and operators take what they take at least.
    interrupted
        Whether Ctrl-C ended it: the plan is the best until then, with the bound that it had.
    """

    fleet: Fleet
    plan: ServingPlan | None
    solution: ServingSolution
    problem: ServingProblem
    replays: tuple[Replay, ...]
    runner_ups: tuple[RunnerUp, ...]
    slacks: tuple[Slack, ...]
    worths: Worths
    ruled_out: tuple[RuledOut, ...]
    candidates: tuple[Candidate, ...]
    resolved: Resolved
    complete: bool = True
    interrupted: bool = False

    @property
    def status(self) -> Status:
        """What is known of the plan: infeasible too where it is proven that it serves nothing."""
        return outcome(self.solution)

    def record(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        plan = None if self.plan is None else self.plan.model_dump(mode="json")
        return {
            "kind": "plan-result",
            "status": self.status.value,
            "plan": plan,
            "tiers": [tier_record(self.solution, row) for row in range(len(self.solution.tiers))],
            "replays": [seen.record() for seen in self.replays],
            "runner_ups": [other.record() for other in self.runner_ups],
            "limits": [slack.record() for slack in self.slacks],
            "binds": [worth.record() for worth in self.worths.entries],
            "binds_complete": self.worths.complete,
            "templates_complete": self.complete,
            "interrupted": self.interrupted,
            "ruled_out": [dropped.record() for dropped in self.ruled_out],
        }


def tier_record(solution: ServingSolution, row: int) -> dict[str, Any]:
    """Return a tier's value and bound in natural units."""
    tier = solution.tiers[row]
    return {
        "name": tier.name,
        "sense": tier.sense,
        "objective": natural(tier.name, tier.objective),
        "bound": natural(tier.name, tier.bound),
        "gap": tier.gap,
    }


def value_of(solution: ServingSolution) -> tuple[str, float | None]:
    """Return name and value, in its natural unit, of the tier that a solution reports."""
    tier = shown_tier(solution)
    return ("", None) if tier is None else (tier.name, natural(tier.name, tier.objective))
