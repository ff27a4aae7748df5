"""POLAR: which adapter answers a request, and which adapters are in memory, learned as it goes.

Each adapter i has an unknown vector theta_i, and a request with context x is worth
``theta_i . x`` plus noise when adapter i answers it, less a cost when i has to be loaded. The fast
decision takes ``argmax theta_i . x + alpha sqrt(x' A_i^-1 x) - cost [i not in memory]`` (LinUCB);
the slow one, epoch by epoch, keeps the K adapters with the most estimated utility. POLAR+ doubles
the epochs and answers some requests at the start of each by adapters that are not in memory.

Memory changes between epochs, which begin at multiples of 100 requests. The best of all choices of
K adapters in each hundred, with theta and the requests known and without a price of changing them,
is worth at least as much as any such policy reaches, which is the bound.

Inferred: contexts and vectors are drawn with a seed; alpha is 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scheduling.scenarios.scenario import Row, Run, Scenario, Target

Floats = NDArray[np.float64]

ADAPTERS, WIDTH, KEPT = 15, 8, 4
_ALPHA, _COST, _NOISE = 0.5, 0.3, 0.1
_REQUESTS = 8000
_PAPER = "regret of order d sqrt(N T) + sqrt(K T); 15 adapters on Qwen2.5-7B"


@dataclass(frozen=True)
class World:
    """Contexts of requests and vectors of adapters, with the noise of each request."""

    contexts: Floats
    theta: Floats
    noise: Floats

    @property
    def worth(self) -> Floats:
        """Worth of each request by each adapter, without noise and loading."""
        return np.asarray(self.contexts @ self.theta.T)


def world(seed: int, requests: int = _REQUESTS) -> World:
    """Draw adapters, and requests of a few kinds."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0.0, 1.0, (ADAPTERS, WIDTH))
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    kinds = rng.normal(0.0, 1.0, (6, WIDTH))
    share = rng.dirichlet(np.ones(6))
    drawn = kinds[rng.choice(6, requests, p=share)] + rng.normal(0.0, 0.3, (requests, WIDTH))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return World(drawn, theta, rng.normal(0.0, _NOISE, requests))


def epochs(requests: int, *, doubling: bool, first: int = 100) -> list[tuple[int, int]]:
    """Return begin and end of the epochs, equal ones or each twice as long as the one before."""
    found, begin, length = [], 0, first
    while begin < requests:
        end = min(begin + length, requests)
        found.append((begin, end))
        begin = end
        length = 2 * length if doubling else length
    return found


class Estimates:
    """Ridge regression of each adapter, one observation at a time."""

    def __init__(self) -> None:
        self.inverse = np.stack([np.eye(WIDTH)] * ADAPTERS)
        self.sums = np.zeros((ADAPTERS, WIDTH))

    @property
    def theta(self) -> Floats:
        """Estimated vectors."""
        return np.asarray(np.einsum("ijk,ik->ij", self.inverse, self.sums))

    def optimistic(self, context: Floats) -> Floats:
        """Return the estimated worth of each adapter, with what is not known in its favour."""
        spread = np.sqrt(np.einsum("j,ijk,k->i", context, self.inverse, context))
        return np.asarray(self.theta @ context + _ALPHA * spread)

    def observe(self, adapter: int, context: Floats, worth: float) -> None:
        """Learn what an adapter was worth (Sherman and Morrison's formula)."""
        inverse = self.inverse[adapter]
        moved = inverse @ context
        self.inverse[adapter] = inverse - np.outer(moved, moved) / (1.0 + context @ moved)
        self.sums[adapter] += worth * context


def learned(found: World, *, plus: bool) -> Floats:
    """Return the worth of each request under POLAR, or POLAR+, less the cost of loading."""
    known, gained = Estimates(), np.empty(len(found.contexts))
    kept = set(range(KEPT))
    for begin, end in epochs(len(gained), doubling=plus):
        away = [adapter for adapter in range(ADAPTERS) if adapter not in kept]
        for at in range(begin, end):
            context = found.contexts[at]
            if plus and at - begin < len(away):
                chosen = away[at - begin]
            else:
                score = known.optimistic(context)
                score[away] -= _COST
                chosen = int(np.argmax(score))
            gained[at] = found.theta[chosen] @ context - _COST * (chosen not in kept)
            known.observe(chosen, context, found.theta[chosen] @ context + found.noise[at])
        estimate = found.contexts[begin:end] @ known.theta.T
        kept = set(_most_useful(estimate))
    return gained


def fixed(found: World, kept: tuple[int, ...]) -> Floats:
    """Return the worth of each request when some adapters stay and all vectors are known."""
    worth = found.worth - _COST
    worth[:, list(kept)] += _COST
    return np.asarray(worth.max(axis=1))


def _most_useful(estimate: Floats) -> tuple[int, ...]:
    """Return the adapters that add most to the requests of an epoch, one after the other."""
    chosen: list[int] = []
    for _ in range(KEPT):
        paid = estimate - _COST
        paid[:, chosen] += _COST
        base = paid.max(axis=1)
        gains = np.maximum(estimate, base[:, None]).sum(axis=0)
        gains[chosen] = -np.inf
        chosen.append(int(np.argmax(gains)))
    return tuple(chosen)


def best_kept(worth: Floats) -> tuple[int, ...]:
    """Return the adapters in memory under which requests of this worth are worth most."""
    paid = worth - _COST
    base = paid.max(axis=1)
    # What each adapter is worth beyond one that is loaded, where that is more.
    beyond = np.maximum(worth, base[:, None])
    return max(
        combinations(range(ADAPTERS), KEPT),
        key=lambda kept: float(beyond[:, kept].max(axis=1).sum()),
    )


def slope(regret: Floats) -> float:
    """Return the slope of the regret over the requests in logarithms, from a tenth on."""
    times = np.unique(np.geomspace(len(regret) / 10, len(regret), 30).astype(int))
    values = np.maximum(regret[times - 1], 1e-9)
    return float(np.polyfit(np.log(times), np.log(values), 1)[0])


def run(limits: Run) -> list[Row]:
    """Route requests by POLAR and POLAR+, beside a memory that never changes."""
    del limits
    found = world(seed=1)
    bound = worth_bound(found)
    blind = fixed(found, tuple(range(KEPT)))
    best = fixed(found, best_kept(found.worth))
    rows = []
    for name, plus in (("POLAR", False), ("POLAR+", True)):
        gained = learned(found, plus=plus)
        power = slope(np.cumsum(best - gained))
        rows.append(
            Row(
                case=f"{len(gained)} requests, {ADAPTERS} adapters, {KEPT} in memory",
                measure="worth less loading, mean of requests",
                baseline="first adapters stay, vectors known",
                baseline_value=float(blind.mean()),
                method=name,
                value=float(gained.mean()),
                gap=1.0 - float(gained.sum()) / bound,
                published=_PAPER,
                verdict=f"regret grows with power {power:.2f}; best memory that stays "
                f"{best.mean():.4f}",
            )
        )
    return rows


def worth_bound(found: World) -> float:
    """Return what no policy can exceed that changes its memory every 100 requests at most."""
    return sum(
        float(fixed(part, best_kept(part.worth)).sum())
        for begin, end in epochs(len(found.contexts), doubling=False)
        for part in [World(found.contexts[begin:end], found.theta, found.noise[begin:end])]
    )


SCENARIO = Scenario(
    name="polar",
    system="POLAR: routing to adapters and caching them by LinUCB (known by its abstract)",
    problem="adapters cached and requests routed to them",
    wants="nothing: seeded contexts and adapters",
    run=run,
    targets=(Target(("worth less loading",), at_least=1),),
)
