"""``scheduling simulate`` on a scenario of requests: the table, the files, the JSON."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.cli.live import SimulatedLine
from scheduling.cli.output import emit_json, note, note_files, table
from scheduling.cli.simulate_options import Asked, Wanted
from scheduling.cli.stopping import compare, end
from scheduling.report.words import percent

if TYPE_CHECKING:
    from scheduling.models.requests.scenario import RequestScenario
    from scheduling.simulator.requests.compare import Comparison, Outcome
    from scheduling.simulator.requests.fairness import Fairness
    from scheduling.simulator.requests.metrics import DemandMetrics, Latency

_SHOWN = (50.0, 99.0)
SHOWN_OBJECTIVES = ("e2e", "in-slo")
"""Objectives beside their bounds, unless others are asked for."""

_OF_USERS = ("Jain of users", "slowdown of users")


def folder_of(file: str) -> Path | None:
    """Return the folder of a scenario, where its trace lies; ``None`` when it has none."""
    from scheduling.instances.files import BUNDLED

    return None if file == "-" or file.startswith(BUNDLED) else Path(file).parent


def simulate_scenario(problem: RequestScenario, file: str, asked: Asked, wanted: Wanted) -> None:
    """Run policies on a scenario and print them side by side."""
    from scheduling.report.pictures import check_suffix
    from scheduling.simulator.requests.compare import DEFAULT_STRATEGIES, Watch, simulate_requests
    from scheduling.simulator.requests.records import comparison_record
    from scheduling.simulator.requests.times import check_times

    check_objectives(wanted.objectives)
    if wanted.times is not None:
        check_times(wanted.times)
    if wanted.plot is not None:
        check_suffix(wanted.plot)
    with SimulatedLine(quiet=asked.json) as line:
        watch = Watch(
            on_progress=line.update,
            on_run=None if asked.json else _progress,
            timeline=asked.json or wanted.plot is not None,
        )
        found, stopped = compare(
            lambda: simulate_requests(
                problem,
                asked.policies or DEFAULT_STRATEGIES,
                trace=wanted.trace,
                folder=folder_of(file),
                strict=wanted.strict,
                capacity=wanted.capacity,
                seed=asked.seed,
                watch=watch,
            )
        )
    _write(found, wanted)
    for text in found.notes:
        note(text)
    if asked.json:
        emit_json("simulation-requests", comparison_record(found))
    else:
        _show(found, problem.name or file)
        _show_bounds(found, wanted.objectives or SHOWN_OBJECTIVES)
        note_files(times=wanted.times, viewer=wanted.viewer, chart=wanted.plot)
    end(stopped)


def check_objectives(objectives: Sequence[str]) -> None:
    """Refuse names that no objective has.

    Raises
    ------
    InputError
        For another name.
    """
    from scheduling.errors import InputError
    from scheduling.simulator.requests.certify import OBJECTIVES

    for name in objectives:
        if name not in OBJECTIVES:
            raise InputError.single("--objective", repr(name), f"one of: {', '.join(OBJECTIVES)}")


def _write(found: Comparison, wanted: Wanted) -> None:
    """Write the files that are asked for."""
    if wanted.times is not None:
        from scheduling.simulator.requests.times import write_times

        write_times(wanted.times, found.outcomes)
    if wanted.viewer is not None:
        from scheduling.simulator.requests.records import viewer_events
        from scheduling.storage import write_whole

        write_whole(wanted.viewer, viewer_events(found.outcomes).encode())
    if wanted.plot is not None:
        from scheduling.report.requests import write_comparison

        write_comparison(found, wanted.plot)


def _progress(one: Outcome) -> None:
    note(f"{one.strategy.name}: {one.metrics.makespan_seconds:.1f} s simulated")


def _show(found: Comparison, title: str) -> None:
    spans = [f"{what} p{share:g}" for what in ("TTFT", "TPOT", "E2E") for share in _SHOWN]
    rows = [
        [one.strategy.name, demand.demand, *_latencies(demand), *_kept(demand)]
        for one in found.outcomes
        for demand in one.metrics.demands
    ]
    headers = ["policy", "demand", *spans, "in SLO", "good/s"]
    table(headers, rows, f"{title}: {len(found.table)} requests, seconds")
    asked = any(one.capacity is not None for one in found.outcomes)
    users = any(one.fairness and one.fairness.jain_users for one in found.outcomes)
    rows = [row for one in found.outcomes for row in _use(one, users=users)]
    headers = ["policy", "group"] if len(found.fleet.groups) > 1 else ["policy"]
    headers += ["restarts", "swaps", "KV mean", "KV peak", "busy", "makespan"]
    headers += ["Jain", "slowdown", *(_OF_USERS if users else ()), "dollars", "$/M tokens"]
    table([*headers, "max rate/s"] if asked else headers, rows)
    print(
        "  Jain: index of the speeds, seconds alone over seconds here, of classes, or of requests "
        "where there is one class; slowdown: the most of a request"
    )
    if users:
        print("  of users: the same of the users that the trace names, over all their requests")
    _show_programs(found)
    _show_rejected(found)
    for one in found.outcomes:
        loads = sum(group.adapter_loads for group in one.metrics.groups)
        if loads:
            print(f"  {one.strategy.name}: adapters were loaded {loads:,} times")
    for one in found.outcomes:
        copied = sum(group.host_tokens for group in one.metrics.groups)
        if copied:
            print(f"  {one.strategy.name}: {copied:,} tokens of prompts came from the host")
    for one in found.outcomes:
        knows = "; knows the lengths of answers" if one.strategy.clairvoyant else ""
        print(f"  {one.strategy.name}: {one.strategy.summary} ({one.strategy.provenance}{knows})")


def _show_rejected(found: Comparison) -> None:
    """Print how many requests fit nowhere; some policies reserve more memory than others."""
    counts = {one.strategy.name: one.run.rejected for one in found.outcomes}
    words = "requests are larger than the memory of a replica, and rejected"
    if len(set(counts.values())) > 1:
        for name, count in counts.items():
            print(f"  {name}: {count} {words}")
    elif any(counts.values()):
        print(f"  {next(iter(counts.values()))} {words}")


def _show_bounds(found: Comparison, objectives: Sequence[str]) -> None:
    """Print every policy's objectives beside what no policy can beat."""
    rows = [
        [
            one.strategy.name,
            entry.objective,
            _figure(entry.value),
            "-" if entry.bound is None else _figure(entry.bound),
            percent(entry.gap),
        ]
        for name in objectives
        for one in found.outcomes
        for entry in one.certified
        if entry.objective == name
    ]
    if rows:
        table(["policy", "objective", "value", "bound", "gap"], rows, "against any policy")
        show_meanings({row[1] for row in rows}, open_ones=any(row[3] == "-" for row in rows))


def show_meanings(names: Collection[str], *, open_ones: bool) -> None:
    """Print below a table of bounds what its objectives are, and its dashes if it has any."""
    from scheduling.simulator.requests.certify import MEANINGS

    for name, meaning in MEANINGS.items():
        if name in names:
            print(f"  {name}: {meaning}")
    if open_ones:
        print("  -: no bound is known; of in-slo, no request is known that must miss its limits")


def _figure(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.4f}"


def _show_programs(found: Comparison) -> None:
    """Print how programs fared, where requests are calls of some."""
    rows = []
    for one in found.outcomes:
        if one.programs is None:
            return
        what = one.programs
        times = [what.mean, what.p50, what.p90, what.p99]
        bound = "-" if what.bound is None else f"{what.bound:.2f}"
        rows.append(
            [
                one.strategy.name,
                f"{what.served}/{what.programs}",
                *("-" if time is None else f"{time.value:.2f}" for time in times),
                f"{what.steps_per_minute:.1f}",
                percent(what.hit_share),
                *_between_programs(one.fairness),
                bound,
                percent(what.gap),
            ]
        )
    headers = ["policy", "programs", "JCT mean", "p50", "p90", "p99", "steps/min", "hits"]
    headers += ["Jain", "slowdown", "bound", "gap"]
    table(headers, rows, "programs: seconds from coming to the last answer")
    print(
        "  Jain: index of the programs' speeds, their calls' seconds alone over seconds here; "
        "slowdown: the most of a program"
    )
    print("  bound: mean JCT of programs alone on idle replicas with endless caches")


def _between_programs(fair: Fairness | None) -> list[str]:
    """Return how evenly programs were served."""
    return (
        _shares(None, None) if fair is None else _shares(fair.jain_programs, fair.slowdown_program)
    )


def _shares(index: float | None, slowdown: float | None) -> list[str]:
    """Return Jain's index of several, and the largest of their slowdowns; dashes where unknown."""
    if index is None or slowdown is None:
        return ["-", "-"]
    return [f"{index:.3f}", f"{slowdown:.1f}"]


def _use(one: Outcome, *, users: bool) -> list[list[str]]:
    """Return the rows of a policy in the table of what the replicas did, one a group."""
    groups = one.metrics.groups
    rows = []
    for place, group in enumerate(groups):
        whole = _whole(one, users=users)
        shares = [percent(share) for share in (group.kv_mean, group.kv_peak, group.utilisation)]
        name = [one.strategy.name, group.group] if len(groups) > 1 else [one.strategy.name]
        rows.append(
            [
                *name,
                str(group.restarts),
                str(group.swaps),
                *shares,
                *(whole if place == 0 else [""] * len(whole)),
            ]
        )
    return rows


def _whole(one: Outcome, *, users: bool) -> list[str]:
    """Return the figures of a policy's whole run."""
    row = [f"{one.metrics.makespan_seconds:.2f}"]
    fair, spent = one.fairness, one.spending
    row += ["-", "-"] if fair is None else [_jain(fair), f"{fair.slowdown_max:.1f}"]
    if users:
        row += _shares(None, None) if fair is None else _shares(fair.jain_users, fair.slowdown_user)
    row += (
        ["-", "-"]
        if spent is None
        else [f"{spent.dollars:.2f}", f"{spent.dollars_per_million_tokens:.2f}"]
    )
    if one.capacity is not None:
        rate = one.capacity.rate
        row.append("-" if rate is None else f"{rate:.3f}")
    return row


def _jain(fair: Fairness) -> str:
    """Return Jain's index between classes, and between requests where there is one class."""
    found = fair.jain_requests if fair.jain_classes is None else fair.jain_classes
    return f"{found:.3f}"


def _latencies(demand: DemandMetrics) -> list[str]:
    return [
        _shown(latency, share)
        for latency in (demand.ttft, demand.tpot, demand.e2e)
        for share in _SHOWN
    ]


def _shown(latency: Latency | None, share: float) -> str:
    return "-" if latency is None else f"{latency.percentiles[share].value:.4f}"


def _kept(demand: DemandMetrics) -> list[str]:
    kept = None if demand.attainment is None else demand.attainment.value
    rate = "-" if demand.goodput is None else f"{demand.goodput:.3f}"
    return [percent(kept), rate]
