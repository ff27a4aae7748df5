"""One tier by pattern columns: bound by column generation, then whole numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from scheduling.models.placement.arrays import Ints
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.cpsat.running import run
from scheduling.solvers.cpsat.settings import sat_parameters
from scheduling.solvers.cpsat.stopping import StopSwitch
from scheduling.solvers.linear.highs import Highs
from scheduling.solvers.linear.result import Limits, Listener
from scheduling.solvers.placement.columns.aims import Evaluation, Prices, aim_of, limits_of
from scheduling.solvers.placement.columns.descent import Descent
from scheduling.solvers.placement.columns.hosts import Hosts
from scheduling.solvers.placement.columns.master import Master
from scheduling.solvers.placement.columns.pairing import paired
from scheduling.solvers.placement.columns.pricing import Pricing
from scheduling.solvers.placement.columns.whole import Flow, choice_model
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.sideways import Sideways

_TOLERANCE = 1e-6
_LARGEST_WHOLE = 1_500
"""Most ways on all nodes for which CP-SAT on the whole problem is of use."""

_HALF = 0.5
_PAUSE = 0.05
_SLICE = 0.25
_LEAST_SLICE = 1.0
_NOISE = (0.1, 0.2, 0.02)
"""Standard deviations of the duals that patterns are drawn around, relative to their mean."""


class Search:
    """The search of one tier.

    Parameters
    ----------
    data, hosts, goal
        The problem, its nodes in groups, and the goal of the tier.
    board, budget, name
        Where to post, what to spend and the name to post under.
    """

    def __init__(
        self,
        data: CompiledPlacement,
        hosts: Hosts,
        goal: str,
        board: Board[Ints],
        budget: Budget,
        name: str,
    ) -> None:
        arrays = data.arrays
        self._data, self._hosts, self._board, self._name = data, hosts, board, name
        self._budget = budget
        self._aim = aim_of(arrays, goal)
        limits = limits_of(arrays, board.caps)
        self._evaluation = Evaluation(arrays, hosts.groups, self._aim, limits)
        self._master = Master(self._evaluation, arrays.size(), lambda: board.stopped)
        self._pricing = Pricing(self._evaluation, arrays.size())
        self._rng = np.random.default_rng(budget.seed)
        self._least = -math.inf
        self._value = -math.inf
        self._learn(arrays.now)
        self._start = self._learn(arrays.now if board.best is None else board.best)

    def _learn(self, place: Ints) -> list[tuple[int, Ints]]:
        """Take in the patterns of a placement, and return that of every node."""
        arrays, groups = self._data.arrays, self._hosts.groups
        where = {node: index for index, group in enumerate(groups) for node in group.nodes}
        rows = {node: np.zeros(len(groups[index].now), np.int64) for node, index in where.items()}
        ways = [{key: way for way, key in enumerate(g.shape.keys)} for g in groups]
        for item, spot in enumerate(place.tolist()):
            node = arrays.places.node(spot)
            key = int(arrays.of_class[item]), self._hosts.locally(arrays.places.uses(spot))
            rows[node][ways[where[node]][key]] += 1
        found = [(where[node], items) for node, items in rows.items()]
        self._take(found)
        return found

    def _take(self, patterns: list[tuple[int, Ints]]) -> None:
        for group, items in patterns:
            self._master.add(group, items, None, 0.0)

    def run(self) -> None:
        """Post a descent and the bound, then candidates until one reaches it or time is up."""
        self._descend()
        prices = self._generate()
        if prices is None or self._board.stopped:
            return
        workers, budget = self._budget.workers, self._budget
        ways = sum(len(group.nodes) * len(group.now) for group in self._hosts.groups)
        whole = ways <= _LARGEST_WHOLE
        if budget.work is not None or workers == 1:
            self._choose(prices, budget.part(0.5, 1) if whole else budget)
            if whole and not self._board.stopped:
                self._flow(budget.part(1.0))
            return
        with Sideways() as side:
            if whole:
                side.start("flow", lambda: self._flow(budget.part(1.0, workers - 1)))
                self._choose(prices, budget.part(1.0, 1))
            else:
                side.start("highs", lambda: self._solve_anew(budget.part(1.0, 1)))
                self._choose(prices, budget.part(1.0, workers - 1), (self._with_cp_sat,))

    def _descend(self) -> None:
        """Post what single moves make of the best placement, a first answer at once."""
        descent = Descent(self._evaluation, self._start)
        if descent.run(lambda: self._board.stopped or self._budget.remaining() == 0):
            self._take(descent.patterns)
            self._offer(descent.patterns)

    def _solve_anew(self, budget: Budget) -> None:
        """Choose with HiGHS again and again, from the patterns known by then."""
        known = 0
        while not self._board.stopped and (budget.remaining() or 0.0) > _PAUSE:
            if len(self._master.patterns) > known:
                known = len(self._master.patterns)
                self._with_highs(budget.part(_HALF))
            else:
                time.sleep(_PAUSE)

    def _flow(self, budget: Budget) -> None:
        """Search all placements; the bound and the verdict hold for the tier."""
        measure = self._data.arrays.fragment
        unit = 1 if measure is None else measure.unit
        least = self._target()
        flow = Flow(self._evaluation, self._data.arrays.size(), least, unit)
        result = run(
            flow.model,
            sat_parameters(budget),
            switch=StopSwitch(self._board),
            on_solution=lambda values: self._offer(flow.patterns(values)),
            on_bound=lambda above: self._raise(least + above),
        )
        if result.values is not None:
            self._offer(flow.patterns(result.values))
        if result.bound is not None:
            self._raise(least + result.bound)

    def _generate(self) -> Prices | None:
        """Generate columns until none improves the linear program; return its duals."""
        while not self._board.stopped:
            prices = self._master.solve(self._budget.remaining())
            if prices is None:
                return None
            priced = self._pricing.run(prices)
            self._raise(priced.bound)
            if not self._master.add_all(priced.found, prices):
                self._value = self._master.value
                return prices
        return None

    def _raise(self, score: float) -> None:
        self._least = max(self._least, score)
        scale = max(1.0, abs(self._least))
        least = math.ceil(self._least - _TOLERANCE * scale)
        self._board.raise_bound(self._aim.offset + self._aim.step * least, self._name)

    def _target(self) -> int:
        """Return the least score that the bound allows."""
        bound = self._board.bound or 0
        return -((self._aim.offset - bound) // self._aim.step)

    def _choose(
        self, prices: Prices, budget: Budget, engines: Sequence[Callable[[Budget], None]] = ()
    ) -> None:
        """Choose whole numbers of patterns with both engines, and draw more, in turns."""
        engines = engines or (self._with_highs, self._with_cp_sat)
        for turn, part in enumerate(self._turns(budget)):
            engines[turn % len(engines)](part)
            if self._board.stopped:
                return
            self._draw(prices, turn)

    def _turns(self, budget: Budget) -> Iterator[Budget]:
        """Yield the budget of each turn: a growing share of what is left."""
        share, turns = _SLICE, 8 if budget.work is not None else 1000
        for _ in range(turns):
            left = budget.remaining()
            if left is not None and left <= _PAUSE:
                return
            least = 1.0 if left is None else min(1.0, _LEAST_SLICE / left)
            yield budget.part(max(share, least) if budget.work is None else 1.0 / turns)
            share = min(0.5, 1.2 * share)

    def _draw(self, prices: Prices, turn: int) -> int:
        """Take in patterns that are best under duals near those of the optimum."""
        most = self._target() + turn // 4 - self._value + _TOLERANCE
        best = self._board.objective
        if best is not None:
            better = (best - self._aim.offset) // self._aim.step - 1
            most = min(most, better - self._value + _TOLERANCE)
        scale = float(np.mean(np.abs(prices.item))) or 1.0
        new = 0
        for noise in _NOISE:
            shaken = Prices(
                group=prices.group,
                item=prices.item + self._rng.normal(0.0, noise * scale, len(prices.item)),
                limit=prices.limit * np.exp(self._rng.normal(0.0, 0.1, len(prices.limit))),
            )
            new += self._master.add_all(self._pricing.run(shaken).found, prices, most)
        return new

    def _with_highs(self, budget: Budget) -> None:
        listener = Listener(
            solution=lambda values: self._post(np.rint(values).astype(np.int64)),
            bound=lambda _: None,
            stopped=lambda: self._board.stopped,
        )
        work = None if budget.work is None else max(1, int(50 * budget.work))
        limits = Limits(budget.remaining(), budget.workers, budget.seed, work)
        result = Highs().solve(self._master.integer_model(), limits, listener)
        if result.values is not None:
            self._post(np.rint(result.values).astype(np.int64))

    def _with_cp_sat(self, budget: Budget) -> None:
        known = len(self._master.patterns)
        model = choice_model(self._master, self._target())
        switch = StopSwitch(self._board)
        run(
            model,
            sat_parameters(budget),
            switch=switch,
            on_solution=lambda values: self._post(np.array(values[:known], np.int64)),
        )

    def _post(self, numbers: Ints) -> None:
        """Offer the placement that numbers of patterns stand for, if they are exact."""
        chosen: list[tuple[int, Ints]] = []
        spent = np.zeros(len(self._evaluation.limits), np.int64)
        for column in np.flatnonzero(numbers).tolist():
            pattern = self._master.patterns[column]
            chosen += [(pattern.group, pattern.items)] * int(numbers[column])
            spent += numbers[column] * pattern.spent
        limits = [limit.most for limit in self._evaluation.limits]
        if np.all(spent <= limits):
            self._offer(chosen)

    def _offer(self, chosen: list[tuple[int, Ints]]) -> None:
        """Offer the placement of patterns, one a node, if all items have their place."""
        arrays, groups = self._data.arrays, self._hosts.groups
        counts = np.zeros((arrays.n_classes, arrays.n_nodes), np.int64)
        inside: dict[int, list[int]] = {
            k: [] for k, shares in enumerate(arrays.parts.shares) if shares
        }
        left = [list(group.nodes) for group in groups]
        for group, items in chosen:
            if not left[group]:
                return
            node, shape = left[group].pop(), groups[group].shape
            for way in np.flatnonzero(items).tolist():
                k, times = int(shape.of_class[way]), int(items[way])
                counts[k, node] += times
                if k in inside:
                    inside[k] += [self._hosts.place(node, shape.uses[way])] * times
        if not any(left) and np.array_equal(counts.sum(axis=1), arrays.size()):
            place = paired(arrays, arrays.assign(counts, inside), np.random.default_rng(0))
            self._board.offer(place, self._data.values(place), self._name)
