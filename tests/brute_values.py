"""Values of tiny schedules, straight from the definitions of the measures."""

from __future__ import annotations

from scheduling.models.schedule.objective import Tier
from scheduling.models.schedule.problem import Job, Machine, Mode
from tests.brute_rules import Placed
from tests.brute_times import SKIPPED


class Valued(Placed):
    """The measures of schedules whose modes are chosen."""

    def _choose(self, modes: tuple[Mode, ...]) -> None:
        """Settle the modes, and with them what no start changes."""
        self.modes = modes
        members = [(job, [self.index[task.id] for task in job.tasks]) for job in self.problem.jobs]
        running = [(job, [i for i in own if modes[i] is not SKIPPED]) for job, own in members]
        self.running = [(job, own) for job, own in running if own]
        pairs = zip(modes, self.tasks, strict=True)
        self.cost = sum(task.skip_cost if mode is SKIPPED else mode.cost for mode, task in pairs)
        self.energy = sum(mode.energy for mode in modes)

    def _values(self, start: list[int], *, placed: bool = False) -> tuple[int, ...]:
        """Values of the tiers, or bounds of them while the starts are only least ones."""
        end = [self._least_end(task, time) or 0 for task, time in enumerate(start)]
        done = [(job, max([end[i] for i in own])) for job, own in self.running]
        tiers = self.problem.objective.tiers
        return tuple([self._tier(tier, start, done, placed) for tier in tiers])

    def _tier(self, tier: Tier, start: list[int], done: list[tuple[Job, int]], placed: bool) -> int:
        total = 0
        late = [(job.weight, c - job.due) for job, c in done if job.due is not None]
        for term in tier.terms:
            match term.measure:
                case "makespan":
                    value = max((c for _, c in done), default=0)
                case "total_completion":
                    value = sum(job.weight * c for job, c in done)
                case "total_flow":
                    value = sum(job.weight * (c - job.release) for job, c in done)
                case "total_tardiness":
                    value = sum(weight * max(0, lateness) for weight, lateness in late)
                case "max_tardiness":
                    value = max((max(0, lateness) for _, lateness in late), default=0)
                case "max_lateness":
                    value = max((lateness for _, lateness in late), default=0)
                case "late_jobs":
                    value = sum(weight for weight, lateness in late if lateness > 0)
                case "cost":
                    value = self.cost
                case "energy":
                    value = self.energy + (self._idle(start) if placed else 0)
                case "total_setup":
                    value = self._setup_time(start) if placed else 0
            total += term.weight * value
        return total

    def _on(self, machine: str, start: list[int]) -> list[tuple[int, int, int]]:
        """From when until when which task occupies a machine, in order."""
        users = [i for i, mode in enumerate(self.modes) if mode.machine == machine]
        return sorted((a, b, i) for i in users for a, b in [self._kept(i, start)] if b > a)

    def _idle(self, start: list[int]) -> int:
        """Energy of machines that run nothing, moment by moment."""
        total = 0
        for machine in self.problem.resources:
            if isinstance(machine, Machine) and (kept := self._on(machine.id, start)):
                span = range(min(a for a, _, _ in kept), max(b for _, b, _ in kept))
                for now in span:
                    ends = ((start[i], self._least_end(i, start[i]) or 0) for _, _, i in kept)
                    total += machine.idle_power * (not any(a <= now < b for a, b in ends))
        return total

    def _setup_time(self, start: list[int]) -> int:
        total = 0
        for machine in self.problem.resources:
            if not isinstance(machine, Machine):
                continue
            times = {(entry.before, entry.after): entry.time for entry in machine.setups}
            states = [self.modes[i].state for _, _, i in self._on(machine.id, start)]
            for position, state in enumerate(states):
                before = states[position - 1] if position else None
                if state is not None and (before is not None or not position):
                    total += times.get((before, state), 0)
        return total
