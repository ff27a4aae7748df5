"""Placing tasks and whole jobs, one after the other, into a schedule that grows.

What is placed stays. A task goes to the earliest moment at which its machine, with setups to both
neighbours, its resources and its reservoirs carry it. A job without waiting moves as a block. A
blocking job takes the earliest path through the gaps of its machines: a task may enter a gap when
the task before may still be in its own (Mascis and Pacciarelli, "Job-shop scheduling with blocking
and no-wait constraints", 2002, give the problem).
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    NEVER,
    RENEWABLE,
    RESERVOIR,
)
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.levels import Levels
from scheduling.solvers.schedule.placing_shop import Shop
from scheduling.solvers.schedule.simultaneous import move_ranks

_GAPS = 12
"""Gaps of each machine that a blocking job tries, and the open end behind all its tasks."""


@dataclass(frozen=True, slots=True)
class _Stay:
    """A task of a blocking job in a gap that it must leave by ``leave``, after another stay."""

    mode: int
    start: int
    leave: int
    before: _Stay | None


class Placing:
    """One schedule in the making.

    Parameters
    ----------
    shop
        The problem.
    runs
        Whether each task runs.
    price
        Time that is worth avoiding each mode.
    """

    def __init__(self, shop: Shop, runs: list[bool], price: list[int]) -> None:
        arrays = shop.arrays
        self._runs, self._price = runs, price
        self._shop = shop
        self.broken = False
        self.start = [-1] * shop.n
        self._held = [-1] * shop.n
        last = (arrays.mode_ptr[1:] - 1).tolist()
        self.mode: list[int] = [
            first if run else skip
            for first, skip, run in zip(arrays.mode_ptr[:-1].tolist(), last, runs, strict=True)
        ]
        resources = range(arrays.n_resources)
        self._stays: list[list[tuple[int, int, int]]] = [[] for _ in resources]
        self._levels = {
            r: Levels(arrays.steps(r))
            for r in resources
            if shop.kind[r] in (RENEWABLE, RESERVOIR) or r in shop.changing
        }
        self._spare = {
            r: int(arrays.capacity[r]) - sum(least[r] for least in shop.least)
            for r in resources
            if shop.kind[r] == CONSUMABLE
        }
        self._last = dict.fromkeys(shop.grouped, 0)
        self._batches: dict[int, dict[tuple[int, int], tuple[int, int]]] = defaultdict(dict)
        self._limit = shop.horizon

    def candidate(self) -> Candidate:
        """Return the schedule; tasks that are not placed start at 0."""
        start = np.maximum(np.array(self.start, np.int64), 0)
        return Candidate(start, np.array(self.mode, np.int64))

    def place_task(self, task: int, local: int | None = None) -> bool:
        """Place a task in the mode that ends first, or in its mode of index ``local``.

        Prices of modes count as if it ended later. There is nothing to do for a skipped task.
        """
        if not self._runs[task]:
            return True
        shop = self._shop
        found: tuple[int, int, int] | None = None
        modes = shop.modes[task]
        for mode in modes if local is None else (modes[local],):
            if self._affordable(task, mode):
                time = self._fit(task, mode, self._low(task, mode))
                if time is None:
                    continue
                rank = shop.end(mode, time) + self._price[mode]
                if found is None or rank < found[0]:
                    found = rank, time, mode
        if found is None:
            return False
        _, time, mode = found
        self._put(task, mode, time, shop.end(mode, time))
        return True

    def place_in_turn(self, tasks: list[int], local: int | None = None) -> bool:
        """Place the tasks of a job one after the other; a job left half done is ``broken``."""
        for position, task in enumerate(tasks):
            if not self.place_task(task, local):
                self.broken = position > 0
                return False
        return True

    def place_block(self, tasks: list[int], local: int | None = None) -> bool:
        """Place the tasks of a job without waiting between them."""
        shop = self._shop
        tasks = [task for task in tasks if self._runs[task]]
        chosen: list[int] = []
        for task in tasks:
            mode = self._shortest(task, local, chosen)
            if mode is None:
                return False
            chosen.append(mode)
        times = self._times([*zip(tasks, chosen, strict=True)])
        if times is None:
            return False
        for task, mode, time in zip(tasks, chosen, times, strict=True):
            self._put(task, mode, time, shop.end(mode, time))
        return True

    def _times(self, pieces: list[tuple[int, int]]) -> list[int] | None:
        """Earliest starts of a block, task by task with modes, each at the end of the one before.

        Links between tasks of the block are met by its form or not at all.
        """
        shop = self._shop
        times = [0]
        position = 0
        while position < len(pieces):
            task, mode = pieces[position]
            low = times[position]
            time = self._fit(task, mode, max(low, self._low(task, mode)))
            if time is None or (shop.runs[mode] is not None and time > self._limit):
                # Calendars of different rhythm may never let the block run.
                return None
            if time > low:
                # The whole block moves to where the one before ends no sooner.
                for earlier in range(position - 1, -1, -1):
                    time = max(times[earlier], shop.start_for(pieces[earlier][1], time))
                times, position = [max(time, times[0])], 0
                continue
            times.append(shop.end(mode, time))
            position += 1
        return times[:-1]

    def place_blocking(self, tasks: list[int], local: int | None = None) -> bool:
        """Place the tasks of a job that keeps each machine until the next one is free.

        Where swaps are forbidden, a job that would close a cycle goes behind all others.
        """
        path = self._path(tasks, local)
        if path and not self._shop.swap and not self._orderly(tasks, path):
            path = self._path(tasks, local, behind=True)
        for task, (mode, start, held) in zip(tasks, path, strict=False):
            self._put(task, mode, start, held)
        return bool(path)

    def _orderly(self, tasks: list[int], path: list[tuple[int, int, int]]) -> bool:
        """Whether the moves of a job have an order among those of the jobs that are placed."""
        start, mode, held = list(self.start), list(self.mode), list(self._held)
        for task, times in zip(tasks, path, strict=True):
            mode[task], start[task], held[task] = times
        return move_ranks(self._shop.arrays, start, mode, held) is not None

    def _path(
        self, tasks: list[int], local: int | None, *, behind: bool = False
    ) -> list[tuple[int, int, int]]:
        """Mode, start and release of a blocking job's tasks; empty if it does not fit.

        With ``behind`` it enters every machine after all that is placed there.
        """
        stays: list[_Stay] = []
        for position, task in enumerate(tasks):
            modes = self._shop.modes[task]
            chosen = [modes[local]] if local is not None else list(modes)
            found: list[_Stay] = []
            for mode in chosen:
                if self._affordable(task, mode):
                    found += self._enter(task, mode, stays if position else None, behind)
            if not found:
                return []
            stays = found
        end = self._shop.end
        last: _Stay | None = min(stays, key=lambda stay: end(stay.mode, stay.start))
        held = end(last.mode, last.start) if last else 0
        path: list[tuple[int, int, int]] = []
        while last is not None:
            path.append((last.mode, last.start, held))
            held, last = last.start, last.before
        return path[::-1]

    def _enter(self, task: int, mode: int, before: list[_Stay] | None, behind: bool) -> list[_Stay]:
        """Earliest stay of a blocking task in each gap of its machine."""
        end = self._shop.end
        low = self._low(task, mode)
        found: list[_Stay] = []
        gaps = [gap for gap in self._gaps(mode) if gap[1] >= end(mode, low)]
        for opening, leave in gaps[-1:] if behind else [*gaps[:_GAPS], *gaps[_GAPS:][-1:]]:
            best: _Stay | None = None
            earlier: list[_Stay | None] = [*before] if before else [None]
            for stay in earlier:
                early = max(low, opening)
                if stay is not None:
                    early = max(early, end(stay.mode, stay.start))
                if best is not None and early >= best.start:
                    continue
                time = self._carry(task, mode, early)
                late = time is None or end(mode, time) > leave
                if time is None or late or (stay is not None and time > stay.leave):
                    continue
                if best is None or time < best.start:
                    best = _Stay(mode, time, leave, stay)
            if best is not None:
                found.append(best)
        return found

    def _shortest(self, task: int, local: int | None, taken: list[int]) -> int | None:
        """Shortest affordable mode beside those taken, on the machine that is free first."""
        shop = self._shop
        modes = shop.modes[task]
        chosen = [modes[local]] if local is not None else list(modes)
        ranked = [
            (shop.duration[mode] + self._price[mode], self._free(shop.machine[mode]), mode)
            for mode in chosen
            if self._affordable(task, mode)
            and not any(other in taken for _, other in shop.clashes.get(mode, ()))
        ]
        return min(ranked)[2] if ranked else None

    def _free(self, machine: int) -> int:
        stays = self._stays[machine] if machine >= 0 else []
        return stays[-1][1] if stays else 0

    def _affordable(self, task: int, mode: int) -> bool:
        uses, least = self._shop.uses[mode], self._shop.least[task]
        for other, banned in self._shop.clashes.get(mode, ()):
            if self.start[other] >= 0 and self.mode[other] == banned:
                return False
        return all(amount - least[r] <= self._spare[r] for r, amount in uses.items())

    def _low(self, task: int, mode: int) -> int:
        """Earliest start by the release, by links from what is placed, and by common orders."""
        shop = self._shop
        low, machine, site = shop.release[task], shop.machine[mode], shop.site[mode]
        for before, from_end, to_end, lag, transfer, paid, passing in shop.links[task]:
            time = self.start[before]
            if time < 0 or (passing and any(self._runs[before + 1 : task])):
                continue
            origin = self.mode[before]
            time = lag + (shop.end(origin, time) if from_end else time)
            if transfer and shop.site[origin] != site:
                time += transfer
            if paid and site >= 0 and shop.site[origin] >= 0:
                time += shop.transport[shop.site[origin]][site]
            low = max(low, shop.start_for(mode, time) if to_end else time)
        return max(low, self._last.get(machine, 0))

    def _fit(self, task: int, mode: int, low: int) -> int | None:
        """Earliest start from ``low`` on at which everything carries the task."""
        shop = self._shop
        if shop.batching[mode] and shop.duration[mode]:
            time = self._join(task, mode, low)
        elif shop.machine[mode] < 0 or shop.duration[mode] == 0:
            time = self._carry(task, mode, low)
        else:
            time = None
            for opening, leave in self._gaps(mode):
                if leave < low + shop.shortest[mode]:
                    continue
                time = self._carry(task, mode, max(low, opening))
                if time is None or shop.end(mode, time) <= leave:
                    break
        if time is None or shop.end(mode, time) > shop.deadline[task]:
            return None
        return time

    def _join(self, task: int, mode: int, low: int) -> int | None:
        """Earliest start from ``low`` on in a batch that is there, or between batches."""
        shop = self._shop
        kind = shop.state[mode], shop.duration[mode]
        opening = low
        for (start, end), other in sorted(self._batches[shop.site[mode]].items()):
            time = self._carry(task, mode, opening)
            if time is None or shop.end(mode, time) <= start:
                return time
            fits = kind == other and start >= low and shop.end(mode, start) == end
            if fits and self._carry(task, mode, start) == start:
                return start
            opening = max(opening, end)
        return self._carry(task, mode, opening)

    def _gaps(self, mode: int) -> Iterator[tuple[int, int]]:
        """Between which moments the machine of a mode is free for it, by rising time."""
        shop = self._shop
        machine, state = shop.machine[mode], shop.state[mode]
        table = shop.arrays.setups.get(machine, {})
        opening = table.get((-1, state), 0) if state >= 0 else 0
        for start, held, other in self._stays[machine]:
            known = state >= 0 and other >= 0
            leave = start - (table.get((state, other), 0) if known else 0)
            if leave >= opening:
                yield opening, leave
            opening = held + (table.get((other, state), 0) if known else 0)
        yield opening, NEVER

    def _carry(self, task: int, mode: int, low: int) -> int | None:
        """Earliest start from ``low`` on at which calendars, resources and reservoirs carry it."""
        shop = self._shop
        machine = shop.machine[mode]
        time: int | None = low
        moved = True
        while moved:
            time = self._open(task, mode, low)
            if time is None:
                return None
            low = before = time
            length = shop.end(mode, low) - low
            if length:
                if machine in shop.changing:
                    time = self._levels[machine].fit(1, low, length)
                    if time is None:
                        return None
                    low = time
                for resource, amount in shop.needs[mode]:
                    time = self._levels[resource].fit(amount, low, length)
                    if time is None:
                        return None
                    low = time
            for resource, taken, given in shop.stores[mode]:
                most = shop.maximum[resource]
                time = self._levels[resource].exchange(taken, given, most, low, length)
                if time is None:
                    return None
                low = time
            moved = low > before
        return low

    def _open(self, task: int, mode: int, low: int) -> int | None:
        """Earliest start from ``low`` on that the working time and the time windows allow."""
        shop = self._shop
        run, windows = shop.runs[mode], shop.windows[task]
        start: int | None = low
        for opening, closing in windows or [(0, NEVER)]:
            start = max(low, opening)
            if run is not None:
                start = run.next_start(start)
            if start is None or shop.end(mode, start) <= closing:
                return start
        return None

    def _put(self, task: int, mode: int, time: int, held: int) -> None:
        shop = self._shop
        self.start[task], self.mode[task], self._held[task] = time, mode, held
        machine, end = shop.machine[mode], shop.end(mode, time)
        self._limit = max(self._limit, end + shop.horizon)
        if machine >= 0 and held > time:
            insort(self._stays[machine], (time, held, shop.state[mode]))
        if machine in self._last:
            self._last[machine] = max(self._last[machine], time)
        if shop.batching[mode] and end > time:
            kind = shop.state[mode], shop.duration[mode]
            self._batches[shop.site[mode]][time, end] = kind
        if end > time:
            for resource, amount in shop.needs[mode]:
                self._levels[resource].change(time, end, -amount)
        for resource, taken, given in shop.stores[mode]:
            self._levels[resource].change(time, None, -taken)
            self._levels[resource].change(end, None, given)
        for resource, amount in shop.uses[mode].items():
            self._spare[resource] -= amount - shop.least[task][resource]
