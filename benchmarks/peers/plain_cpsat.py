"""Plain CP-SAT: the textbook model of a scheduling document, run as a process of its own.

Reads a document of kind ``schedule`` and writes ``{objective, bound, status, seconds, build}``.
One optional interval a mode, no-overlap on machines, cumulative on renewables, the engine's own
reservoir constraint, circuits for setups, one literal per pair of jobs for common orders, and one
condition per pair of modes for times between machines. Blocking tasks are intervals that reach to
the start of the next task. What it does not state it refuses.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from ortools.sat.python import cp_model

PARTS = {
    "kind",
    "name",
    "source",
    "resources",
    "jobs",
    "precedences",
    "transports",
    "same_order",
    "swap",
    "objective",
}
"""Fields of a document that the model states."""

Task = dict[str, Any]


class Plain:
    """The textbook model of a document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        left_out = [key for key, value in problem.items() if value and key not in PARTS]
        if not problem.get("swap", True):
            left_out.append("blocking without swaps")
        if any(resource.get("no_idle") for resource in problem["resources"]):
            left_out.append("machines that never stand still")
        if left_out:
            sys.exit(f"plain CP-SAT does not state: {', '.join(left_out)}")
        self.problem = problem
        self.model = cp_model.CpModel()
        self.tasks: list[Task] = [task for job in problem["jobs"] for task in job["tasks"]]
        if any(task.get("optional") for task in self.tasks):
            sys.exit("plain CP-SAT does not state: optional tasks")
        self.job_of = {task["id"]: job for job in problem["jobs"] for task in job["tasks"]}
        self.machines = {r["id"]: r for r in problem["resources"] if r["type"] == "machine"}
        self.horizon = self._horizon()
        self.start: dict[str, Any] = {}
        self.end: dict[str, Any] = {}
        self.held: dict[str, Any] = {}
        self.literals: dict[str, list[Any]] = {}
        self.users: dict[str, list[tuple[Any, int, Any]]] = {r["id"]: [] for r in self._resources()}
        self.events: dict[str, list[tuple[Any, int, Any]]] = {
            r["id"]: [] for r in self._resources("reservoir")
        }
        self.on: dict[str, dict[str, Any]] = {name: {} for name in self.machines}
        self._add_times()
        self._add_modes()
        self._add_jobs()
        for link in problem["precedences"]:
            self._add_link(link)
        self._add_resources()
        self._add_orders()
        self._add_objective()

    def _resources(self, kind: str | None = None) -> list[dict[str, Any]]:
        return [r for r in self.problem["resources"] if kind is None or r["type"] == kind]

    def _horizon(self) -> int:
        total = 0
        longest = {name: self._longest_setup(m) for name, m in self.machines.items()}
        for task in self.tasks:
            total += max(
                mode["duration"] + longest.get(mode["machine"], 0) for mode in task["modes"]
            )
        for link in self.problem["precedences"]:
            total += max(0, link["min_lag"] or 0, -(link["max_lag"] or 0)) + link["transfer"]
        moves = max((move["time"] for move in self.problem["transports"]), default=0)
        releases = [job["release"] for job in self.problem["jobs"]]
        releases += [task["release"] for task in self.tasks]
        return int(total + moves * len(self.tasks) + max(releases))

    @staticmethod
    def _longest_setup(machine: dict[str, Any]) -> int:
        return max((setup["time"] for setup in machine["setups"]), default=0)

    def _add_times(self) -> None:
        """Make starts, ends, and the moments at which tasks leave their machines."""
        for task in self.tasks:
            key, modes = task["id"], task["modes"]
            low = max(task["release"], self.job_of[key]["release"])
            limits = [task["deadline"], self.job_of[key]["deadline"], self.horizon]
            self.start[key] = self.model.new_int_var(low, self.horizon, "")
            if len(modes) == 1:
                self.literals[key] = [True]
                self.end[key] = self.start[key] + modes[0]["duration"]
                self.model.add(self.end[key] <= min(t for t in limits if t is not None))
            else:
                self.literals[key] = [self.model.new_bool_var("") for _ in modes]
                self.model.add_exactly_one(self.literals[key])
                latest = min(t for t in limits if t is not None)
                self.end[key] = self.model.new_int_var(low, latest, "")
            self.held[key] = self.end[key]
        for job in self.problem["jobs"]:
            if job["blocking"]:
                for task, following in pairwise(job["tasks"]):
                    self.held[task["id"]] = self.start[following["id"]]

    def _add_modes(self) -> None:
        for task in self.tasks:
            for mode, literal in zip(task["modes"], self.literals[task["id"]], strict=True):
                self._add_mode(task["id"], mode, literal)

    def _add_mode(self, key: str, mode: dict[str, Any], literal: Any) -> None:
        """Make a mode's intervals and note which resources it uses."""
        start, duration = self.start[key], mode["duration"]
        if literal is True:
            running = self.model.new_fixed_size_interval_var(start, duration, "")
        else:
            running = self.model.new_optional_interval_var(
                start, duration, self.end[key], literal, ""
            )
        if mode["machine"] is not None:
            occupied = running
            if self.held[key] is not self.end[key]:
                size = self.model.new_int_var(duration, self.horizon, "")
                occupied = self.model.new_optional_interval_var(
                    start, size, self.held[key], literal, ""
                )
            self.users[mode["machine"]].append((occupied, 1, literal))
            if mode["machine"] in self.machines:
                self.on[mode["machine"]][key] = literal
        for name, amount in mode["demands"].items():
            self.users[name].append((running, amount, literal))
            if name in self.events:
                self.events[name].append((start, -amount, literal))
        for name, amount in mode["supplies"].items():
            self.events[name].append((self.end[key], amount, literal))

    def _add_jobs(self) -> None:
        for job in self.problem["jobs"]:
            tasks = job["tasks"]
            if job["chain"] or job["no_wait"] or job["blocking"]:
                for before, after in pairwise(tasks):
                    x, y = self.end[before["id"]], self.start[after["id"]]
                    self.model.add(y == x if job["no_wait"] else y >= x)
                    if self.problem["transports"]:
                        self._add_moves(before, after, 0, self._transport)
            if job["same_mode"]:
                for task in tasks[1:]:
                    pairs = zip(
                        self.literals[tasks[0]["id"]], self.literals[task["id"]], strict=True
                    )
                    for one, other in pairs:
                        self.model.add(one == other)

    def _transport(self, first: str | None, second: str | None) -> int:
        return sum(
            move["time"]
            for move in self.problem["transports"]
            if (move["origin"], move["destination"]) == (first, second)
        )

    def _add_link(self, link: dict[str, Any]) -> None:
        """Post one precedence."""
        first, second = link["kind"].split("-")
        x = (self.end if first == "end" else self.start)[link["before"]]
        y = (self.end if second == "end" else self.start)[link["after"]]
        if link["min_lag"] is not None:
            self.model.add(y >= x + link["min_lag"])
        if link["max_lag"] is not None:
            self.model.add(y <= x + link["max_lag"])
        if link["transfer"]:
            by_id = {task["id"]: task for task in self.tasks}
            transfer = link["transfer"]
            self._add_moves(
                by_id[link["before"]],
                by_id[link["after"]],
                link["min_lag"] or 0,
                lambda one, other: transfer if one != other else 0,
            )

    def _add_moves(self, before: Task, after: Task, lag: int, extra: Any) -> None:
        """Post the time between each pair of modes on different machines."""
        x, y = self.end[before["id"]], self.start[after["id"]]
        for one, first in zip(before["modes"], self.literals[before["id"]], strict=True):
            for other, second in zip(after["modes"], self.literals[after["id"]], strict=True):
                time_between = extra(one["machine"], other["machine"])
                if time_between:
                    self.model.add(y >= x + lag + time_between).only_enforce_if(first, second)

    def _add_resources(self) -> None:
        """Post one constraint a resource."""
        for resource in self.problem["resources"]:
            mine = self.users[resource["id"]]
            if resource.get("calendar") or resource.get("steps"):
                sys.exit("plain CP-SAT does not state: calendars and steps")
            if resource["type"] == "machine":
                self.model.add_no_overlap([interval for interval, _, _ in mine])
            elif resource["type"] in ("renewable", "pool"):
                intervals, amounts = [m[0] for m in mine], [m[1] for m in mine]
                capacity = resource["capacity" if resource["type"] == "renewable" else "count"]
                self.model.add_cumulative(intervals, amounts, capacity)
            elif resource["type"] == "consumable":
                used = sum(amount * literal for _, amount, literal in mine)
                self.model.add(used <= resource["capacity"])
            elif resource["type"] == "reservoir":
                self._add_reservoir(resource)
            else:
                sys.exit(f"plain CP-SAT does not state: resources of type {resource['type']}")

    def _add_reservoir(self, resource: dict[str, Any]) -> None:
        events = self.events[resource["id"]]
        if not events:
            return
        initial, maximum = resource["initial"], resource["maximum"]
        if maximum is None:
            maximum = initial + sum(max(0, amount) for _, amount, _ in events)
        self.model.add_reservoir_constraint_with_active(
            [moment for moment, _, _ in events],
            [amount for _, amount, _ in events],
            [literal for _, _, literal in events],
            -initial,
            maximum - initial,
        )

    def _add_orders(self) -> None:
        """Post setups and common orders: a circuit where there are setups, else pairs of jobs."""
        grouped: set[str] = set()
        for group in self.problem["same_order"]:
            grouped |= set(group)
            shared: dict[tuple[Any, Any], Any] = {}
            for name in group:
                if any(self.machines[machine]["setups"] for machine in group):
                    self._add_circuit(name, shared)
                else:
                    self._add_pairs(name, shared)
        for name, machine in self.machines.items():
            if machine["setups"] and name not in grouped:
                self._add_circuit(name, None)

    def _add_pairs(self, name: str, shared: dict[tuple[Any, Any], Any]) -> None:
        for (one, p), (other, q) in combinations(self.on[name].items(), 2):
            pair = (self.job_of[one]["id"], self.job_of[other]["id"])
            if pair not in shared:
                shared[pair] = self.model.new_bool_var("")
            before = shared[pair]
            self.model.add(self.start[other] >= self.held[one]).only_enforce_if(before, p, q)
            self.model.add(self.start[one] >= self.held[other]).only_enforce_if(~before, p, q)

    def _add_circuit(self, name: str, shared: dict[tuple[Any, Any], Any] | None) -> None:
        """Post a tour through the tasks of a machine; ``shared`` has its group's arcs by jobs."""
        known = {} if shared is None else shared
        times = {(s["before"], s["after"]): s["time"] for s in self.machines[name]["setups"]}
        state = {
            task["id"]: next(m["state"] for m in task["modes"] if m["machine"] == name)
            for task in self.tasks
            if task["id"] in self.on[name]
        }
        node = {key: number for number, key in enumerate(state, start=1)}
        arcs = [(0, 0, ~self._any([self.on[name][key] for key in node]))] if node else []
        for one in [None, *node]:
            for other in [*node, None]:
                if one == other:
                    continue
                ends = [None if key is None else self.job_of[key]["id"] for key in (one, other)]
                pair = (one, other) if shared is None else (ends[0], ends[1])
                if pair not in known:
                    known[pair] = self.model.new_bool_var("")
                arc = known[pair]
                arcs.append(
                    (0 if one is None else node[one], 0 if other is None else node[other], arc)
                )
                if other is not None:
                    setup = times.get((None if one is None else state[one], state[other]), 0)
                    ready = 0 if one is None else self.held[one]
                    self.model.add(self.start[other] >= ready + setup).only_enforce_if(arc)
        for key, number in node.items():
            if self.on[name][key] is not True:
                arcs.append((number, number, ~self.on[name][key]))
        if node:
            self.model.add_circuit(arcs)

    def _any(self, literals: list[Any]) -> Any:
        used = self.model.new_bool_var("")
        self.model.add_max_equality(used, literals)
        return used

    def _add_objective(self) -> None:
        (tier,) = self.problem["objective"]["tiers"]
        total = sum(term["weight"] * self._measure(term["measure"]) for term in tier["terms"])
        self.model.minimize(total)

    def _measure(self, name: str) -> Any:
        if name == "makespan":
            return self._latest([task["id"] for task in self.tasks])
        total: Any = 0
        for job in self.problem["jobs"]:
            done = self._latest([task["id"] for task in job["tasks"]])
            if name == "total_completion":
                total += job["weight"] * done
            elif name == "total_flow":
                total += job["weight"] * (done - job["release"])
            elif name == "total_tardiness":
                if job["due"] is not None:
                    late = self.model.new_int_var(0, self.horizon, "")
                    self.model.add(late >= done - job["due"])
                    total += job["weight"] * late
            else:
                sys.exit(f"plain CP-SAT does not state: {name}")
        return total

    def _latest(self, keys: list[str]) -> Any:
        if len(keys) == 1:
            return self.end[keys[0]]
        latest = self.model.new_int_var(0, self.horizon, "")
        for key in keys:
            self.model.add(latest >= self.end[key])
        return latest


def build(problem: dict[str, Any]) -> cp_model.CpModel:
    """State the problem."""
    return Plain(problem).model


def main() -> None:
    """Solve one document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("document", type=Path)
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--build-only", action="store_true")
    options = parser.parse_args()
    problem = json.loads(options.document.read_text(encoding="utf-8"))
    began = time.perf_counter()
    model = build(problem)
    built = time.perf_counter() - began
    row: dict[str, Any] = {"build": built}
    if not options.build_only:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = options.workers
        solver.parameters.max_time_in_seconds = max(0.1, options.time_limit - built)
        status = solver.solve(model)
        found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        row |= {
            "status": solver.status_name(status).lower(),
            "objective": solver.objective_value if found else None,
            "bound": solver.best_objective_bound if status != cp_model.INFEASIBLE else None,
            "seconds": time.perf_counter() - began,
        }
    json.dump(row, sys.stdout)


if __name__ == "__main__":
    main()
