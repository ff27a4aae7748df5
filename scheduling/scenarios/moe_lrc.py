"""Local routing consistency of mixtures of experts: how well a cache of experts can do.

Two measures of the study: SRP, how well one choice of experts serves a whole segment of tokens, and
SCH, the hits of a cache that at the start of each segment loads the experts that the segment uses
most. Both are computed exactly; SCH for caches of all sizes in one pass. Replayed as what a cache
keeps, with loads ahead counted as misses, SCH is a solution of the problem of caching, so that
Belady's rule bounds it.

Inferred: routing is drawn with a seed, for layers that forget slowly and fast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.instances.caching.routing import RoutingTrace
from scheduling.scenarios.expert_caches import TOP, certified, hit_rate, solved, trace
from scheduling.scenarios.scenario import Row, Run, Scenario, Target

Ints = NDArray[np.int64]

SEGMENT = 16
MEMORIES = (0.98, 0.9, 0.5)


def uses(traced: RoutingTrace, segment: int) -> Ints:
    """Count the activations of each expert in each segment, (segments, experts)."""
    tokens = len(traced.active)
    counts = np.zeros((-(-tokens // segment), traced.n_experts), np.int64)
    rows = np.repeat(np.arange(tokens) // segment, traced.active.shape[1])
    np.add.at(counts, (rows, traced.active.ravel()), 1)
    return counts


def best_hits(traced: RoutingTrace, segment: int) -> Ints:
    """Return SCH's hits for caches of 0, 1, … experts, all in one pass.

    The experts that a segment uses most are nested in each other as the cache grows, so that the
    hits of a cache are sums of sorted counts.
    """
    counts = -np.sort(-uses(traced, segment), axis=1)
    return np.concatenate(([0], np.cumsum(counts.sum(axis=0))))


def consistency(traced: RoutingTrace, segment: int) -> float:
    """Return SRP: the best F1 score of serving segments by their experts above a threshold.

    With the experts that a segment activates at least t times chosen for all of its tokens,
    precision is the share of chosen pairs of token and expert that are activated, recall the share
    of activated pairs that are chosen; the best t counts.
    """
    counts = uses(traced, segment)
    total = traced.active.size
    best = 0.0
    for threshold in range(1, segment + 1):
        chosen = counts >= threshold
        covered = int(counts[chosen].sum())
        best = max(best, 2.0 * covered / (int(chosen.sum()) * segment + total))
    return best


def segment_contents(traced: RoutingTrace, segment: int, capacity: int) -> list[frozenset[int]]:
    """Return what SCH's cache holds behind each token; of equals the ones used last before."""
    last = np.full(traced.n_experts, -1)
    found: list[frozenset[int]] = []
    for row, counts in enumerate(uses(traced, segment)):
        order = np.lexsort((-last, -counts))
        held = frozenset(int(expert) for expert in order[:capacity])
        tokens = traced.active[row * segment : (row + 1) * segment]
        for offset, active in enumerate(tokens):
            last[active] = row * segment + offset
            found.append(held)
    # What the next segment loads is there behind the last token of this one.
    return [*found[1:], found[-1]]


def run(limits: Run) -> list[Row]:
    """Measure layers of different consistency."""
    del limits
    return [row for memory in MEMORIES for row in _rows(memory)]


def _rows(memory: float) -> list[Row]:
    traced = trace(seed=1, memory=memory)
    capacity = 2 * TOP
    problem = traced.problem(capacity)
    lru, best = solved(problem, "lru"), solved(problem, "belady")
    kept = traced.stays(segment_contents(traced, SEGMENT, capacity))
    replayed = certified(problem, kept, int(best.bound or 0))
    ahead = best_hits(traced, SEGMENT)[capacity] / traced.active.size
    case = f"correlation {memory:g} from token to token, {capacity} of {traced.n_experts} experts"
    return [
        Row(
            case=case,
            measure="% of activations that hit",
            baseline="lru",
            baseline_value=100 * hit_rate(problem, lru),
            method=f"SCH, segments of {SEGMENT}, loads counted",
            value=100 * hit_rate(problem, replayed),
            gap=replayed.gap,
            published="a cache of about twice the active experts is the knee",
            verdict=f"belady {100 * hit_rate(problem, best):.1f}; "
            f"SCH with loads for nothing {100 * ahead:.1f}",
        ),
        Row(
            case=case,
            measure=f"SRP of segments of {SEGMENT} tokens",
            baseline=None,
            baseline_value=None,
            method="exact",
            value=consistency(traced, SEGMENT),
            gap=None,
            published=None,
            verdict="1: all tokens of a segment use the same experts",
        ),
    ]


SCENARIO = Scenario(
    name="moe-lrc",
    system="Local routing consistency of mixtures of experts (ljcleo/moe-lrc)",
    problem="cache of experts under local routing",
    wants="nothing: seeded routing",
    run=run,
    targets=(Target(("activations that hit",), at_least=1),),
)
