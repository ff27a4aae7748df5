"""Measures operators one by one and keeps the medians."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Protocol

from scheduling.errors import SolverError
from scheduling.models.cost.precision import Dtype
from scheduling.models.cost.profile import (
    AttentionShape,
    AttentionStep,
    Copy,
    CopyShape,
    ExpertLayer,
    ExpertShape,
    OperatorProfile,
    Product,
    ProductShape,
    Shape,
)

_ROUNDS = 5
_ROUND_SECONDS = 0.01
_MOST_RUNS = 200

Runner = Callable[[int], float]
"""Runs an operator so many times and returns the seconds of all of them."""


class Unrunnable(SolverError):  # noqa: N818 - it is told, not raised to the user
    """The GPU cannot run this operator: its memory is too small or it lacks the type."""


class Device(Protocol):
    """A GPU that runs operators."""

    @property
    def gpu(self) -> str:
        """Name of the GPU."""
        ...

    @property
    def engine(self) -> str:
        """What runs the operators, with its version."""
        ...

    @property
    def types(self) -> tuple[tuple[Dtype, Dtype], ...]:
        """Types of weights and operands that it multiplies."""
        ...

    @property
    def peers(self) -> bool:
        """Whether there is another GPU to copy to."""
        ...

    def prepare(self, shape: Shape) -> Runner:
        """Set an operator up; raises ``Unrunnable`` when it cannot run."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """A profile, and the operators that could not be run, each with the reason."""

    profile: OperatorProfile
    left_out: tuple[tuple[Shape, str], ...]


def measure(
    device: Device, shapes: Iterable[Shape], on_progress: Callable[[int], None] | None = None
) -> Measured:
    """Measure operators on a device.

    Each runs once to warm up; then five rounds follow, each of as many runs as fill ten
    milliseconds, at most two hundred. The median of the rounds is kept.

    Parameters
    ----------
    device
        The GPU.
    shapes
        Operators; one that occurs again is not measured again.
    on_progress
        Called with the number of operators that are done.
    """
    products: list[Product] = []
    attention: list[AttentionStep] = []
    experts: list[ExpertLayer] = []
    copied: list[Copy] = []
    left_out: list[tuple[Shape, str]] = []
    for done, shape in enumerate(dict.fromkeys(shapes), 1):
        try:
            found = shape.model_dump() | {"seconds": _seconds(device.prepare(shape))}
        except Unrunnable as error:
            left_out.append((shape, str(error)))
            continue
        match shape:
            case ProductShape():
                products.append(Product.model_validate(found))
            case AttentionShape():
                attention.append(AttentionStep.model_validate(found))
            case ExpertShape():
                experts.append(ExpertLayer.model_validate(found))
            case CopyShape():
                copied.append(Copy.model_validate(found))
        if on_progress is not None:
            on_progress(done)
    profile = OperatorProfile(
        gpu=device.gpu,
        engine=device.engine,
        products=tuple(products),
        attention=tuple(attention),
        experts=tuple(experts),
        copies=tuple(copied),
    )
    return Measured(profile, tuple(left_out))


def _seconds(run: Runner) -> float:
    run(1)
    once = run(1)
    runs = min(_MOST_RUNS, max(1, ceil(_ROUND_SECONDS / once))) if once > 0 else _MOST_RUNS
    return median(run(runs) / runs for _ in range(_ROUNDS))
