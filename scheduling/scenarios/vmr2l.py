"""VM rescheduling: how far few migrations lower the fragment rate of a cluster.

"Towards VM Rescheduling Optimization Through Deep Reinforcement Learning" (EuroSys 2025) moves at
most 2 to 3 % of the virtual machines, within 5 s because the cluster changes meanwhile. What is
free on NUMA nodes in pieces of less than 16 cores, over all that is free, is the fragment rate. The
paper finds its MIP optimal in about an hour at 2089 machines and 50 moves, and learns to come close
to it in seconds. Baselines here: its greedy HA, the split of the hosts into parts (POP), and the
plain model of the whole in CP-SAT, the last two in the time that pattern columns took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduling.errors import InputError
from scheduling.instances.files import read
from scheduling.instances.placement.random_machines import random_machines
from scheduling.models.base import Solution, TierValue
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.scenarios.vm_baselines import greedy_rescheduling, split_rescheduling
from scheduling.solvers.placement.ordering import order_steps

INDEX = "vmr2l/best_known.json"
_PARTS = 4
_LEAST = 1.0
_PUBLISHED = "MIP about an hour at 2089 VMs and 50 moves, RL near it in 5 s (paper)"
_GENERATED = ((10, 5), (20, 10), (40, 25))


@dataclass(frozen=True, slots=True)
class Case:
    """A cluster with a limit on moves.

    Attributes
    ----------
    problem
        The problem.
    optimum
        Least fragments, where the data give them.
    """

    problem: PlacementProblem
    optimum: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case; fragments in cores.

    Attributes
    ----------
    name, hosts, machines, limit
        The case.
    free
        Cores that are free in all.
    before, value, bound
        Fragments before, after, and their bound.
    optimum
        Least fragments, where the data give them.
    seconds, cpu
        From the call to the checked answer: of the clock, and of the processors.
    moves, steps
        Machines that move, and migrations of the plan, which was carried out in a dry run.
    greedy, split, plain
        Fragments of the baselines; ``None`` where they were left out.
    """

    name: str
    hosts: int
    machines: int
    limit: int
    free: int
    before: int
    value: int
    bound: int
    optimum: int | None
    seconds: float
    cpu: float
    moves: int
    steps: int
    greedy: int
    split: int | None = None
    plain: int | None = None

    @property
    def closed(self) -> bool:
        """Whether the answer is proven best."""
        return self.value == self.bound

    def rate(self, fragments: int | None) -> float | None:
        """Fragment rate in percent."""
        return None if fragments is None or not self.free else 100.0 * fragments / self.free


def published_cases(index: Path, names: frozenset[str] = frozenset()) -> Iterator[Case]:
    """Yield the cases of the data set, small clusters first.

    Parameters
    ----------
    index
        Its list of best known values.
    names
        Only these instances; empty: all.
    """
    known = json.loads(index.read_text(encoding="utf-8"))["instances"]
    for name, entry in sorted(known.items(), key=lambda pair: pair[1]["n_pm"]):
        if names and name not in names:
            continue
        path = index.parent / "instances" / f"{name}.json"
        for moves, best in entry["mnl"].items():
            problem = read(path, f"vmr2l:{moves}")
            if not isinstance(problem, PlacementProblem) or problem.fragment is None:
                raise InputError.single(name, f"a problem of kind {problem.kind}", "a cluster")
            slots = best["best_slots"] if best["status"] == "optimal" else None
            optimum = None if slots is None else entry["free_cpu"] - problem.fragment.unit * slots
            yield Case(problem, optimum)


def generated_cases() -> Iterator[Case]:
    """Yield small clusters of the generator."""
    for seed, (hosts, moves) in enumerate(_GENERATED):
        yield Case(random_machines(hosts=hosts, moves=moves, seed=seed))


def outcome(
    case: Case, seconds: float, *, workers: int = 2, seed: int = 0, baselines: bool = True
) -> Outcome:
    """Solve a case, order its moves, and run the baselines.

    Parameters
    ----------
    case
        The case.
    seconds
        Time limit.
    workers, seed
        Of the solver.
    baselines
        Whether POP and plain CP-SAT run too; HA always does.
    """
    problem = case.problem
    # Where nothing moves is an answer too: every method starts from it.
    before: PlacementSolution = solve(
        problem.model_copy(update={"max_moves": 0}), "columns", work_limit=1.0, workers=1
    )
    began, cpu = time.monotonic(), time.process_time()
    answer: PlacementSolution = solve(
        problem, "columns", time_limit=seconds, workers=workers, seed=seed, hint=before
    )
    took, spent = time.monotonic() - began, time.process_time() - cpu
    tier = _fragments(answer)
    steps = order_steps(problem, answer)
    split = plain = None
    if baselines:
        share = max(_LEAST, took)
        split = split_rescheduling(problem, before, min(_PARTS, len(problem.nodes)), share, seed)
        other = solve(problem, "cp-sat", time_limit=share, workers=workers, seed=seed, hint=before)
        plain = int(_fragments(other).objective or 0)
    return Outcome(
        name=problem.name or "",
        hosts=len(problem.nodes),
        machines=len(problem.items),
        limit=problem.max_moves or 0,
        free=_free(problem),
        before=int(_fragments(before).objective or 0),
        value=int(tier.objective or 0),
        bound=int(tier.bound or 0),
        optimum=case.optimum,
        seconds=took,
        cpu=spent,
        moves=len({step.item for step in steps}),
        steps=len(steps),
        greedy=greedy_rescheduling(problem),
        split=split,
        plain=plain,
    )


def _fragments(answer: Solution) -> TierValue:
    """Return the tier of fragments."""
    return next(tier for tier in answer.tiers if tier.name == "fragments")


def _free(problem: PlacementProblem) -> int:
    """Cores that are free in all."""
    room = sum(part.capacity["cpu"] for node in problem.nodes for part in node.parts)
    return room - sum(
        share.count * share.options[0]["cpu"] for item in problem.items for share in item.shares
    )


def run(limits: Run) -> list[Row]:
    """Run cases as long as the time allows, small clusters first."""
    if limits.data is None:
        cases = list(generated_cases())
    else:
        cases = list(published_cases(limits.file("vmr2l", INDEX)))
    found: list[Outcome] = []
    first = 0.5 * limits.left / len(cases) ** 0.5
    for done, case in limits.each(enumerate(cases)):
        # Half of the time is for the baselines; what small clusters leave is for large ones, and no
        # case has less time than the first because others have taken theirs.
        seconds = max(_LEAST, first, 0.5 * limits.left / (len(cases) - done) ** 0.5)
        found.append(outcome(case, min(seconds, 60.0)))
    ran = f"{len(found)} of {len(cases)} cases"
    return [_row(one, ran) for one in found]


def _row(found: Outcome, ran: str) -> Row:
    own, before = found.rate(found.value) or 0.0, found.rate(found.before) or 0.0
    others = (("POP", found.split), ("plain CP-SAT", found.plain))
    beside = ", ".join(f"{name} {_shown(found.rate(value))}" for name, value in others)
    proof = "proven best" if found.closed else f"at least {found.rate(found.bound) or 0.0:.1f}"
    return Row(
        case=f"{found.name}: {found.hosts} hosts, {found.machines} VMs, "
        f"at most {found.limit} moves; {ran}",
        measure="fragment rate, %",
        baseline="HA",
        baseline_value=found.rate(found.greedy),
        method="pattern columns",
        value=own,
        gap=0.0 if not found.value else (found.value - found.bound) / found.value,
        published=_PUBLISHED,
        verdict=f"{proof} in {found.seconds:.1f} s, {found.steps} migrations; "
        f"{before:.1f} before, {beside}",
    )


def _shown(rate: float | None) -> str:
    return "none found" if rate is None else f"{rate:.1f}"


SCENARIO = Scenario(
    name="vmr2l",
    system="VM2RL: rescheduling of virtual machines for fewer fragments (EuroSys 2025)",
    problem="migrations of virtual machines for fewer fragments",
    wants=f"{INDEX} and the instances beside it; without data sets, random clusters",
    run=run,
    targets=(
        Target(("fragment rate",), at_most=1),
        Target(
            ("fragment rate",),
            of="gap",
            at_most=0,
            otherwise="the time did not suffice to prove every case",
        ),
    ),
)
