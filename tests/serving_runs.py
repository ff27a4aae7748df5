"""Requests and fleets for tests of simulations, drawn and fixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from scheduling.models.cost.protocol import Affine, Batch, Line, Provenance
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.run import FleetRun


def table(
    arrivals_ns: ArrayLike,
    prompts: ArrayLike,
    outputs: ArrayLike,
    cached: ArrayLike = 0,
) -> RequestTable:
    """Return requests of one class."""
    arrivals = np.asarray(arrivals_ns, dtype=np.int64)
    prompt, output, demand, head = (
        np.broadcast_to(np.asarray(column, dtype=np.int64), arrivals.shape)
        for column in (prompts, outputs, 0, cached)
    )
    return RequestTable(arrivals, prompt, output, demand, head)


@dataclass(frozen=True)
class Kinked:
    """A cost model that is no line over the context."""

    step: int = 64

    def seconds(self, batch: Batch) -> float:
        """Return a time that jumps with every ``step`` tokens of context."""
        return 1e-3 + 1e-5 * batch.tokens + 1e-4 * (batch.context_tokens // self.step)

    def provenance(self, batch: Batch) -> Provenance:
        """Tell that it is a formula."""
        del batch
        return Provenance.ANALYTIC

    def line(self, batch: Batch) -> Line | None:
        """Tell that there is no line."""
        del batch
        return None


@dataclass(frozen=True)
class Floored:
    """A cost model that is a line over the context beyond some tokens only."""

    floor: int = 150

    def seconds(self, batch: Batch) -> float:
        """Return a time that does not fall below that of ``floor`` tokens of context."""
        return 1e-3 + 1e-5 * batch.tokens + 3e-6 * max(batch.context_tokens, self.floor)

    def provenance(self, batch: Batch) -> Provenance:
        """Tell that it is a formula."""
        del batch
        return Provenance.ANALYTIC

    def line(self, batch: Batch) -> Line | None:
        """Return the line beyond the floor."""
        if batch.context_tokens < self.floor:
            return None
        return Line(1e-3 + 1e-5 * batch.tokens, 3e-6)


def same(one: FleetRun, other: FleetRun) -> bool:
    """Tell whether two runs agree to the nanosecond."""
    fields = ("started_ns", "first_token_ns", "ended_ns", "restarts", "instance", "decode_instance")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)


@st.composite
def tables(draw: st.DrawFn, most: int = 12) -> RequestTable:
    """Draw a few requests; several may come at one time."""
    count = draw(st.integers(1, most))
    gaps = draw(
        st.lists(
            st.sampled_from([0, 0, 1, 10**6, 5 * 10**6, 123_456_789]),
            min_size=count,
            max_size=count,
        )
    )
    prompts = draw(st.lists(st.integers(1, 90), min_size=count, max_size=count))
    outputs = draw(st.lists(st.integers(1, 60), min_size=count, max_size=count))
    cached = [draw(st.integers(0, prompt - 1)) for prompt in prompts]
    return table(np.cumsum(gaps).tolist(), prompts, outputs, cached)


AFFINE = st.builds(
    Affine,
    base=st.floats(1e-4, 1e-2),
    per_token=st.floats(0, 1e-4),
    per_kv=st.floats(0, 1e-5),
    per_pair=st.floats(0, 1e-7),
)

COSTS = st.one_of(AFFINE, st.just(Kinked()), st.just(Floored()))

COMPOSITIONS = st.one_of(
    st.builds(Sarathi, tokens=st.sampled_from([1, 8, 32, 512])),
    st.builds(PrefillFirst, tokens=st.sampled_from([64, 4096]), padded=st.booleans()),
    st.just(Orca()),
)


@st.composite
def groups(draw: st.DrawFn, name: str = "all", role: str = "both") -> Group:
    """Draw a group whose memory may run short and may be too small for some requests."""
    reserve = draw(st.integers(0, 3)) == 0
    return Group(
        name,
        draw(COSTS),
        kv_tokens=draw(st.integers(60, 400)),
        role=role,  # type: ignore[arg-type]
        replicas=draw(st.integers(1, 3)),
        max_sequences=draw(st.sampled_from([1, 2, 5, 64])),
        block_size=draw(st.sampled_from([1, 4, 16])),
        composition=draw(COMPOSITIONS),
        admission=Reserve(150) if reserve else Watermark(draw(st.sampled_from([0.0, 0.1]))),
    )


@st.composite
def deployments(draw: st.DrawFn) -> Deployment:
    """Draw fleets: one or two groups of whole requests, with or without split ones beside them."""
    parts = [draw(groups())]
    if draw(st.booleans()):
        parts.append(draw(groups("more")))
    flows = [Flow("all", tuple(part.name for part in parts))]
    if draw(st.booleans()):
        parts += [draw(groups("p", "prefill")), draw(groups("d", "decode"))]
        link = Link(draw(st.floats(1, 1e4)), 1e6, draw(st.floats(0, 0.01)))
        flows.append(Flow("all", "p", "d", draw(st.floats(0.1, 3)), link))
    return Deployment(tuple(parts), tuple(flows))
