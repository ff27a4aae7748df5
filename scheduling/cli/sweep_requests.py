"""``scheduling simulate --rates … --seeds …``: many runs of scenarios of requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from scheduling.cli import options
from scheduling.cli.live import ProgressBar
from scheduling.cli.output import emit_json, note, note_files, table
from scheduling.cli.simulate_options import Asked, Wanted
from scheduling.cli.simulate_requests import (
    SHOWN_OBJECTIVES,
    check_objectives,
    folder_of,
    show_meanings,
)
from scheduling.cli.stopping import end, gather
from scheduling.errors import Fault, InputError

if TYPE_CHECKING:
    from scheduling.models.requests.scenario import RequestScenario
    from scheduling.simulator.requests.metrics import Estimate
    from scheduling.simulator.requests.sweep import SweepRun

_MEASURES = (("TTFT p99", "ttft"), ("TPOT p99", "tpot"), ("E2E p99", "e2e"))


def sweep_scenario(problem: RequestScenario, file: str, asked: Asked, wanted: Wanted) -> None:
    """Sweep over policies, rates and seeds, and print means with their confidence."""
    from scheduling.report.pictures import check_suffix
    from scheduling.simulator.requests.compare import DEFAULT_STRATEGIES
    from scheduling.simulator.requests.sweep import Sweep, run_sweep

    _refuse_single(wanted)
    check_objectives(wanted.objectives)
    if wanted.plot is not None:
        check_suffix(wanted.plot)
    sweep = Sweep(
        problem,
        asked.policies or DEFAULT_STRATEGIES,
        (None,) if wanted.rates is None else options.numbers(wanted.rates, "--rates"),
        (asked.seed,) if wanted.seeds is None else options.whole_numbers(wanted.seeds, "--seeds"),
        trace=wanted.trace,
        folder=folder_of(file),
        strict=wanted.strict,
        capacity=wanted.capacity,
    )
    with options.named_as({"jobs": "--workers"}), ProgressBar(quiet=asked.json) as bar:
        runs, stopped = gather(
            lambda: run_sweep(
                sweep,
                asked.output,
                jobs=asked.workers,
                backend=wanted.backend or "loky",
                on_run=lambda one, done, total: bar.show(_name(one), done, total),
            )
        )
    if wanted.plot is not None:
        from scheduling.report.requests import write_frontier

        write_frontier(runs, wanted.plot, problem.name or file)
    if asked.json:
        emit_json("sweep", [_record(one) for one in runs])
    else:
        _show(runs, problem.name or file, len(sweep.seeds))
        _show_bounds(runs, wanted.objectives or SHOWN_OBJECTIVES)
        note_files(chart=wanted.plot)
    if asked.output is not None:
        note(f"results: {asked.output}")
    end(stopped)


def _refuse_single(wanted: Wanted) -> None:
    """Refuse the files of single runs."""
    faults = [
        Fault(name, str(value), "a run without --rates and --seeds")
        for name, value in (("--times", wanted.times), ("--viewer", wanted.viewer))
        if value is not None
    ]
    if faults:
        raise InputError(faults)


def _name(one: SweepRun) -> str:
    rate = "" if one.rate is None else f" at {one.rate:g}/s"
    return f"{one.policy}{rate}, seed {one.seed}"


def _record(one: SweepRun) -> dict[str, Any]:
    return {"policy": one.policy, "rate": one.rate, "seed": one.seed, "run": one.run}


def _show(runs: Sequence[SweepRun], title: str, seeds: int) -> None:
    from scheduling.simulator.requests.sweep import figure, grouped

    asked = any(one.run["capacity"] is not None for one in runs)
    names = [name for name, _ in _MEASURES] + ["in SLO", "good/s", "Jain"]
    names += ["max rate/s"] if asked else []
    rows: list[list[str]] = []
    for (policy, rate), own in grouped(runs).items():
        for place, demand in enumerate(own[0].run["demands"]):
            values: list[Callable[[dict[str, Any]], float | None]]
            values = [partial(_p99, place, name) for _, name in _MEASURES]
            values += [partial(_attainment, place), partial(_goodput, place), _jain]
            if asked:
                values.append(_highest)
            shown = "-" if rate is None else f"{rate:g}"
            cells = [
                _estimate(figure(own, value), share=name == "in SLO")
                for name, value in zip(names, values, strict=True)
            ]
            rows.append([policy, shown, demand["demand"], *cells])
    table(["policy", "rate/s", "demand", *names], rows, f"{title}: seconds")
    if seeds > 1:
        print(f"  means of {seeds} seeds ± half of their 95 % confidence intervals")


def _show_bounds(runs: Sequence[SweepRun], objectives: Sequence[str]) -> None:
    """Print means of every policy's objectives beside what no policy can beat."""
    from scheduling.simulator.requests.sweep import figure, grouped

    rows: list[list[str]] = []
    for name in objectives:
        for (policy, rate), own in grouped(runs).items():
            certified = [one.run["certified"].get(name) for one in own]
            if None in certified:
                continue
            # A mean over some of the seeds would not belong to the value beside it.
            proven = all(entry["bound"] is not None for entry in certified)
            cells = [_estimate(figure(own, partial(_certified, name, "value")))]
            cells += [
                _estimate(figure(own, partial(_certified, name, field)), share=field == "gap")
                if proven
                else "-"
                for field in ("bound", "gap")
            ]
            rows.append([policy, "-" if rate is None else f"{rate:g}", name, *cells])
    if rows:
        table(
            ["policy", "rate/s", "objective", "value", "bound", "gap"], rows, "against any policy"
        )
        show_meanings({row[2] for row in rows}, open_ones=any(row[4] == "-" for row in rows))


def _certified(name: str, field: str, run: dict[str, Any]) -> float | None:
    found: float | None = run["certified"][name][field]
    return found


def _p99(place: int, name: str, run: dict[str, Any]) -> float | None:
    latency = run["demands"][place][f"{name}_seconds"]
    return None if latency is None else float(latency["p99"]["value"])


def _attainment(place: int, run: dict[str, Any]) -> float | None:
    kept = run["demands"][place]["attainment"]
    return None if kept is None else float(kept["value"])


def _goodput(place: int, run: dict[str, Any]) -> float | None:
    found: float | None = run["demands"][place]["goodput"]
    return found


def _jain(run: dict[str, Any]) -> float | None:
    fair = run["fairness"]
    if fair is None:
        return None
    between = fair["jain_classes"]
    return float(fair["jain_requests"] if between is None else between)


def _highest(run: dict[str, Any]) -> float | None:
    found: float | None = (run["capacity"] or {}).get("rate")
    return found


def _estimate(found: Estimate | None, *, share: bool = False) -> str:
    """Format a mean with half of its interval, a share in per cent."""
    if found is None:
        return "-"
    scale, unit = (100, " %") if share else (1, "")
    shown = f"{scale * found.value:.2f}" if share else f"{found.value:.4g}"
    if found.half_width is not None:
        shown += f" ± {scale * found.half_width:.2g}"
    return shown + unit
