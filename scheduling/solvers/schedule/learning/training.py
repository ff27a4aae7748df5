"""Learning a priority rule from solved job shops: imitation first, then evolution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.models.base import Status
from scheduling.models.schedule.arrays import Ints
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.driver import solve
from scheduling.solvers.schedule.disjunctive import job_shop, job_shop_refusal
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.kernels import jobshop
from scheduling.solvers.schedule.kernels.jobshop_learned import learned_order, record_decisions
from scheduling.solvers.schedule.learning.evolution import Evolution
from scheduling.solvers.schedule.learning.imitation import Decisions, imitate
from scheduling.solvers.schedule.learning.inputs import INPUTS
from scheduling.solvers.schedule.learning.rule import LearnedRule, Training
from scheduling.solvers.schedule.warming import JOB_SHOP
from scheduling.solvers.warmup import compile_first

Floats = NDArray[np.float64]

_STEP = 0.1


@dataclass(frozen=True, eq=False)
class _Lesson:
    """A solved shop."""

    shop: jobshop.Shop
    sequence: Ints
    makespan: int
    proven: bool
    size: str

    @classmethod
    def of(cls, problem: ScheduleProblem, solver: str, work: float, seed: int) -> _Lesson:
        data = CompiledSchedule(problem)
        place = problem.name or "problem"
        reason = job_shop_refusal(data.arrays)
        if reason is not None:
            raise InputError.single(place, f"one that the rule cannot take: {reason}", "a job shop")
        answer = solve(problem, solver, work_limit=work, workers=1, seed=seed)
        found = data.candidate(answer)
        if found is None or not answer.objective:
            raise InputError.single(place, "no schedule", "a job shop with work to do")
        shop = job_shop(data.arrays)
        return cls(
            shop,
            jobshop.sequences_from_starts(shop, found.start),
            int(answer.objective),
            answer.status is Status.OPTIMAL,
            f"{len(problem.jobs)}x{len(problem.resources)}",
        )

    def decisions(self) -> Floats:
        """Describe what the solved schedule decided."""
        n = len(self.sequence)
        jobs = len(self.shop.job_ptr) - 1
        log = np.zeros((n * jobs, len(INPUTS) + 2))
        return log[: record_decisions(self.shop, self.sequence, log)].copy()

    def gap(self, weights: Floats, units: int) -> float:
        """Distance of the dispatched makespan from the solved one, in percent."""
        order = np.empty(len(self.sequence), np.int64)
        value = learned_order(self.shop, weights, units, order)
        return 100.0 * (value - self.makespan) / self.makespan


def learn_rule(
    problems: Sequence[ScheduleProblem],
    *,
    source: str,
    seed: int = 0,
    units: int = 8,
    networks: int = 5,
    generations: int = 400,
    population: int = 24,
    sample: int = 80,
    solver: str = "tabu",
    work_limit: float = 10.0,
) -> LearnedRule:
    """Learn a priority rule for job shops from problems that are small enough to be solved.

    A network first imitates the decisions of the solved schedules. An evolution strategy then
    minimises the mean gap between its own schedules and the solved makespans. Further networks
    start from the first and minimise the mean gap of the best schedule of all networks so far.

    Parameters
    ----------
    problems
        Job shops with one chain of tasks a job, one mode a task, and the makespan as objective. A
        rule does best on shops like those it was learned from.
    source
        How the problems were made or found; kept with the rule.
    seed
        Seed of every random choice; the same call gives the same rule.
    units
        Hidden units of each network.
    networks
        Networks, each of which adds one schedule to the time that the rule takes.
    generations, population
        Generations of the evolution of each network, and candidates in each.
    sample
        Problems on which each generation compares its candidates.
    solver, work_limit
        What solves the problems, and its work limit for each.

    Returns
    -------
    LearnedRule
        For ``Dispatch(rule)``; its ``write`` makes a file for ``dispatch:FILE.json``.

    Raises
    ------
    InputError
        Without problems, or for one that is no job shop or has no schedule.
    """
    if not problems:
        raise InputError.single("problems", "none", "at least one job shop")
    compile_first((JOB_SHOP,))
    lessons = [_Lesson.of(problem, solver, work_limit, seed) for problem in problems]
    rng = np.random.default_rng(seed)
    weights = imitate(_decisions(lessons), units, rng)
    found, gaps = _evolve(
        lessons, (weights, units), rng, (networks, generations), population, sample
    )
    return LearnedRule(
        inputs=INPUTS,
        units=units,
        networks=tuple(tuple(network.tolist()) for network in found),
        training=Training(
            source=source,
            sizes=dict(Counter(lesson.size for lesson in lessons)),
            solver=f"{solver}, work limit {work_limit:g}",
            proven=sum(lesson.proven for lesson in lessons),
            seed=seed,
            generations=generations,
            population=population,
            sample=sample,
            mean_gaps=tuple(round(gap, 3) for gap in gaps),
        ),
    )


def _evolve(
    lessons: Sequence[_Lesson],
    start: tuple[Floats, int],
    rng: np.random.Generator,
    counts: tuple[int, int],
    population: int,
    sample: int,
) -> tuple[list[Floats], list[float]]:
    """Evolve networks one after the other; return them and the mean gaps, that of ``start`` first.

    Parameters
    ----------
    lessons
        The solved shops.
    start
        Weights and hidden units of the network that imitates.
    rng
        Draws the candidates and the shops of each generation.
    counts
        Networks, and generations of each.
    population, sample
        Candidates and shops of a generation.
    """
    weights, units = start
    networks, generations = counts
    best = np.full(len(lessons), np.inf)
    gaps = [float(_gaps(lessons, weights, units).mean())]
    found: list[Floats] = []
    for _ in range(networks):
        evolution = Evolution(found[0] if found else weights, _STEP, population, rng)
        for _ in range(generations):
            chosen = rng.permutation(len(lessons))[:sample]
            _improve(evolution, [lessons[number] for number in chosen], best[chosen], units)
        found.append(evolution.mean.round(6))
        best = np.minimum(best, _gaps(lessons, found[-1], units))
        gaps.append(float(best.mean()))
    return found, gaps


def _decisions(lessons: Sequence[_Lesson]) -> Decisions:
    """Put together what all solved schedules decided."""
    logs = [lesson.decisions() for lesson in lessons]
    if not any(map(len, logs)):
        raise InputError.single("problems", "no machine with a choice", "shops with decisions")
    return Decisions.of(logs)


def _improve(evolution: Evolution, lessons: Sequence[_Lesson], known: Floats, units: int) -> None:
    """Run one generation: candidates count by what they add to the gaps known already."""
    gaps = [np.minimum(known, _gaps(lessons, point, units)).mean() for point in evolution.ask()]
    evolution.tell(np.array(gaps))


def _gaps(lessons: Sequence[_Lesson], weights: Floats, units: int) -> Floats:
    return np.array([lesson.gap(weights, units) for lesson in lessons])
