"""Strategies: policies for all hooks of an instance that belong together, and how they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scheduling.errors import InputError
from scheduling.models.cost.protocol import CostModel
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.programs import ProgramTable
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.policies.admission import Watermark
from scheduling.simulator.requests.policies.eviction import LatestArrival
from scheduling.simulator.requests.policy import (
    Admission,
    Composition,
    Eviction,
    Order,
    Policy,
    Provenance,
    Retention,
    Router,
)

_SEVERITY: tuple[Provenance, ...] = ("code", "paper", "code with fix", "inferred")


@dataclass(frozen=True, slots=True)
class Setting:
    """What strategies are made for.

    Parameters
    ----------
    table
        The requests.
    cost
        Times of a replica.
    ttft_seconds
        Limits of the first token by row of the table's demands.
    longest
        Tokens of the longest sequence that the runtime is set up for.
    longest_answer
        Tokens of the longest answer that it allows.
    seed
        Seed of all draws.
    programs
        Programs whose calls they are, if they are.
    e2e_seconds
        Limits of whole requests by row of the table's demands; of programs, those of all calls.
    tpot_seconds
        Limits of the later tokens, on average, by row of the table's demands.
    paths
        What the prompts consist of, where that is known.
    host_tokens_per_second
        Rate at which KV is copied to the host or back, where that is known.
    """

    table: RequestTable
    cost: CostModel
    ttft_seconds: tuple[float | None, ...]
    longest: int
    longest_answer: int
    seed: int = 0
    programs: ProgramTable | None = None
    e2e_seconds: tuple[float | None, ...] = ()
    tpot_seconds: tuple[float | None, ...] = ()
    paths: Paths | None = None
    host_tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Strategy:
    """Policies of an instance under one name.

    Parameters
    ----------
    name, summary
        Name, and one line for people.
    composition, admission, eviction, order, retention
        As of :class:`~scheduling.simulator.requests.deployment.Group`.
    router
        Makes a router of its own for a run; ``None``: that of the scenario.
    clairvoyant
        It knows the lengths of answers before they end, as no runtime does.
    whole_answers
        Answers come whole, as of diffusion models, after as many steps as they have tokens.
    """

    name: str
    summary: str
    composition: Composition
    admission: Admission = field(default_factory=Watermark)
    eviction: Eviction = field(default_factory=LatestArrival)
    order: Order | None = None
    retention: Retention | None = None
    router: Callable[[], Router] | None = None
    clairvoyant: bool = False
    whole_answers: bool = False

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Its policies, hook by hook."""
        own: tuple[Policy, ...] = (self.composition, self.admission, self.eviction)
        more = (self.order, self.retention, None if self.router is None else self.router())
        return (*own, *(policy for policy in more if policy is not None))

    @property
    def provenance(self) -> Provenance:
        """Where its rules are from; of several sources, the least certain."""
        return max((one.provenance for one in self.policies), key=_SEVERITY.index)


Maker = Callable[[Setting, float | None], Strategy]
"""Makes a strategy, with the number behind the colon of its name if there is one."""

Limits = tuple[float, float, str]
"""Least and greatest number behind the colon, and what it is; whole ones say so."""

TOKENS: Limits = (1.0, 1e9, "whole tokens")
SHARE: Limits = (0.0, 0.99, "a share")


def whole(value: float | None, default: int) -> int:
    """Return the number behind a colon as an integer, or what stands for none."""
    return default if value is None else int(value)


def number_behind(kind: str, name: str, text: str, limits: Limits | None) -> float:
    """Return the number behind the colon of a name.

    Parameters
    ----------
    kind
        What the name is of, such as a policy.
    name
        The whole name.
    text
        What stands behind its colon.
    limits
        What that may be; ``None``: nothing.

    Raises
    ------
    InputError
        When it is no number, or out of range.
    """
    if limits is None:
        raise InputError.single(kind, repr(name), f"{name.partition(':')[0]} without a number")
    low, high, what = limits
    expected = f"{what} from {low:g} to {high:g} behind the colon"
    try:
        value = float(text)
    except ValueError:
        raise InputError.single(kind, repr(name), expected) from None
    if not low <= value <= high or (what.startswith("whole") and value != int(value)):
        raise InputError.single(kind, repr(name), expected)
    return value
