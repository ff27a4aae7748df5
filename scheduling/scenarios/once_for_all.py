"""Once-for-all quantisation: how many bits each part of a model gets for a deployment.

Models quantised once for all deployments hold every part at several widths; a deployment chooses
one for each part within its memory and its time per token, so that least quality is lost. Known
here by its abstract: the choice is stated as a schedule of least cost, in which parts are tasks,
widths are modes, memory is a stock and time per token a deadline. Losses are inferred: fourfold
with each bit less, and greater in the first and last layers, as studies of quantised models find.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.models.base import Status
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.llm import Llm
from scheduling.models.schedule.problem import Consumable, Job, Mode, ScheduleProblem, Task
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

WIDTHS = (2, 3, 4, 6, 8)
"""Bits that a part is held at."""

_MODEL, _GPU = "llama-2-7b", "l4"
_BUDGETS = (2.6, 3.2, 4.4)
_SEEDS = 3
_UNIT = 2**16
_LEAST_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Part:
    """Weights that share a width.

    Parameters
    ----------
    name
        Its name.
    weights
        How many.
    losses
        Millionths of quality that it loses at each of the widths.
    """

    name: str
    weights: int
    losses: tuple[int, ...]

    def size(self, width: int) -> int:
        """Return its bytes at a width in units of 64 KiB, scales of groups of 128 included."""
        return round(self.weights * (width + 16 / 128) / 8 / _UNIT)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Parts of a model, and what they may take.

    Parameters
    ----------
    parts
        The parts.
    memory
        Units of 64 KiB for all weights.
    time
        Microseconds that reading all weights may take: that of a decode step.
    pace
        Units that are read in a microsecond.
    """

    parts: tuple[Part, ...]
    memory: int
    time: int
    pace: float

    def microseconds(self, part: Part, width: int) -> int:
        """Return the time of reading a part; widths of 3 and 6 bits are read as 4 and 8."""
        read = {3: 4, 6: 8}.get(width, width)
        return round(part.size(read) / self.pace)

    def problem(self) -> ScheduleProblem:
        """State it as a schedule of least cost."""
        tasks = []
        for part in self.parts:
            modes = [
                Mode(
                    duration=self.microseconds(part, width),
                    cost=loss,
                    demands={"memory": part.size(width)},
                )
                for width, loss in zip(WIDTHS, part.losses, strict=True)
            ]
            tasks.append(Task(id=part.name, modes=tuple(modes)))
        job = Job(id="model", chain=True, tasks=tuple(tasks), deadline=self.time)
        return ScheduleProblem(
            resources=(Consumable(id="memory", capacity=self.memory),),
            jobs=(job,),
            objective={"cost": 1},  # type: ignore[arg-type]
        )

    def fits(self, widths: list[int]) -> bool:
        """Tell whether widths, by place in :data:`WIDTHS`, keep to memory and time."""
        chosen = [(part, WIDTHS[place]) for part, place in zip(self.parts, widths, strict=True)]
        return (
            sum(part.size(width) for part, width in chosen) <= self.memory
            and sum(self.microseconds(part, width) for part, width in chosen) <= self.time
        )

    def lost(self, widths: list[int]) -> int:
        """Return what is lost in sum."""
        return sum(part.losses[place] for part, place in zip(self.parts, widths, strict=True))

    def uniform(self) -> int | None:
        """Return the loss at the largest width that fits for all parts."""
        fitting = [place for place in range(len(WIDTHS)) if self.fits([place] * len(self.parts))]
        return self.lost([max(fitting)] * len(self.parts)) if fitting else None

    def solution(self, widths: list[int]) -> ScheduleSolution:
        """Return widths as an answer to :meth:`problem`."""
        now, tasks = 0, []
        for part, place in zip(self.parts, widths, strict=True):
            taken = self.microseconds(part, WIDTHS[place])
            tasks.append(ScheduledTask(task=part.name, start=now, end=now + taken, mode=place))
            now += taken
        return ScheduleSolution(status=Status.UNKNOWN, tasks=tuple(tasks))

    def greedy(self) -> list[int]:
        """Return the widths when they are raised where a unit of memory saves most."""
        widths = [0] * len(self.parts)
        open_parts = set(range(len(self.parts)))
        while open_parts:
            index = max(open_parts, key=lambda i: (self._gain(i, widths[i]), -i))
            raised = widths.copy()
            raised[index] += 1
            if raised[index] < len(WIDTHS) and self.fits(raised):
                widths = raised
            else:
                open_parts.remove(index)
        return widths

    def _gain(self, index: int, place: int) -> float:
        if place + 1 >= len(WIDTHS):
            return 0.0
        part = self.parts[index]
        more = part.size(WIDTHS[place + 1]) - part.size(WIDTHS[place])
        return (part.losses[place] - part.losses[place + 1]) / max(more, 1)


def parts(model: Llm, seed: int) -> tuple[Part, ...]:
    """Draw what the attention and the feed-forward part of each layer lose at each width."""
    rng = np.random.default_rng(seed)
    found = []
    for layer in range(model.layers):
        edge = min(layer, model.layers - 1 - layer)
        depth = 1.0 + 3.0 * float(np.exp(-edge / 1.5))
        feed_forward = (3 if model.gated else 2) * model.hidden * model.ffn
        for kind, weights in (("attention", model.attention_parameters), ("ffn", feed_forward)):
            scale = depth * weights / 1e4 * float(rng.lognormal(0.0, 0.6))
            losses = tuple(round(scale * 4.0 ** (2 - width)) for width in WIDTHS)
            found.append(Part(f"layer-{layer:02d}.{kind}", weights, losses))
    return tuple(found)


def deployment(bits: float, seed: int) -> Deployment:
    """Return a deployment with memory for ``bits`` a weight, and 15 % more time than that takes."""
    model, card = llm(_MODEL), gpu(_GPU)
    found = parts(model, seed)
    pace = card.bandwidth / 1e6 / _UNIT
    memory = round(sum(part.weights for part in found) * bits / 8 / _UNIT)
    return Deployment(found, memory, round(memory / pace * 1.15), pace)


def run(limits: Run) -> list[Row]:
    """Choose the widths for every budget of memory."""
    share = max(_LEAST_SECONDS, limits.seconds / len(_BUDGETS) / _SEEDS)
    return [_row(bits, share) for bits in _BUDGETS]


def _row(bits: float, seconds: float) -> Row:
    values, bounds, greedy = [], [], []
    uniform: list[int] = []
    for seed in range(_SEEDS):
        given = deployment(bits, seed)
        raised = given.greedy()
        answer: ScheduleSolution = solve(
            given.problem(), time_limit=seconds, hint=given.solution(raised)
        )
        values.append(float(answer.objective or 0) / 1e6)
        bounds.append(float(answer.bound or 0) / 1e6)
        greedy.append(given.lost(raised) / 1e6)
        alike = given.uniform()
        if alike is not None:
            uniform.append(alike)
    return Row(
        case=f"{_MODEL} on {_GPU}, {bits} bits a weight, {_SEEDS} seeds (losses inferred)",
        measure="quality lost",
        baseline="one width for all",
        baseline_value=sum(uniform) / 1e6 / _SEEDS if len(uniform) == _SEEDS else None,
        method="auto",
        value=sum(values) / _SEEDS,
        gap=1 - sum(bounds) / sum(values),
        published=None,
        verdict=f"raising widths by gain loses {sum(greedy) / sum(values) - 1:.2%} more",
    )


SCENARIO = Scenario(
    name="once-for-all",
    system="Once-for-all quantisation of language models (abstract)",
    problem="bit widths of parts under a budget of memory",
    wants="nothing: seeded losses of the parts of a model of the catalogue",
    run=run,
    targets=(Target(("quality lost",), at_most=1),),
)
