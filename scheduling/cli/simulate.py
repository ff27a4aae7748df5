"""``scheduling simulate``: policies side by side on a problem that is revealed in time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scheduling.cli import completing, options, settings
from scheduling.cli.output import note, table
from scheduling.cli.simulate_options import Asked, Wanted
from scheduling.cli.simulate_runs import deliver
from scheduling.cli.stopping import compare, end
from scheduling.errors import Fault, InputError
from scheduling.report.words import number, percent

if TYPE_CHECKING:
    from scheduling.models.base import Problem
    from scheduling.models.requests.scenario import RequestScenario
    from scheduling.simulator.schedule.simulate import PolicyRun, Simulation

_SHOWN = 3


Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="P",
        help="A dispatching rule (FIFO, SPT, LPT, MWKR, MOPNR, ATC, …), random, priority, "
        "sequential, heft, eft, etf, stf, met, round-robin, resolve (plan anew at unforeseen "
        "events) or resolve:PERIOD; of requests: sarathi, vllm, watermark, orca, sjf, edf, "
        "s-edf, past-future, past-future-oracle, mc-sf, … (a wrong name lists all), as "
        "sarathi:1024 with its number; of shared clusters: fifo, fair, ujf, cfq, uwfq; of edge "
        "and cloud: edge, cloud, e+c, dem, dems, dems-a, gems; of checkpoints: young, daly, best; "
        "repeatable. Default: some of them.",
        autocompletion=completing.policies,
    ),
]
TraceFile = Annotated[
    str | None,
    typer.Option("--trace", metavar="FILE", help="Requests of this file, not the scenario's."),
]
RouterName = Annotated[
    str | None,
    typer.Option(
        "--router",
        metavar="R",
        help="Which replica gets a request, not as the scenario says: round-robin, llumnix, "
        "dualmap, on-demand, autoscaled, … (a wrong name lists all).",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse a trace with broken or unsorted rows.")
]
Share = Annotated[
    float | None,
    typer.Option(
        "--capacity",
        metavar="SHARE",
        help="Find the highest rate at which this share of requests keeps its limits.",
    ),
]
TimesFile = Annotated[
    Path | None,
    typer.Option(
        "--times",
        metavar="FILE",
        help="Write the times of every request here: .csv, .json or .parquet.",
        callback=options.writable,
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw latencies, memory and queues, or of a sweep TPOT over TTFT: .png or .svg.",
        callback=options.writable,
    ),
]
Rates = Annotated[
    list[str] | None,
    typer.Option(
        "--rates", metavar="R,R…", help="Sweep over these rates, requests a second; repeatable."
    ),
]
Seeds = Annotated[
    list[str] | None,
    typer.Option(
        "--seeds", metavar="N,N…", help="Sweep over these seeds, repeatable: means, confidence."
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="B",
        help="Of a sweep: loky (this machine), dask or ray, with the address of the cluster as "
        "dask:tcp://HOST:8786.",
        autocompletion=completing.backends,
    ),
]
SweepWorkers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        help="Threads of a bound, all by default; of a sweep, runs side by side: 1 here, or all "
        "that a cluster has room for.",
    ),
]
Result = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the best schedule here; of a sweep, every run: those it holds are skipped.",
        callback=options.writable,
    ),
]
ViewerFile = Annotated[
    Path | None,
    typer.Option(
        "--viewer",
        metavar="JSON",
        help="Write events for Perfetto here.",
        callback=options.writable,
    ),
]
Objectives = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        metavar="O",
        help="Of requests, what stands beside a bound on all policies: e2e, ttft, makespan, "
        "in-slo; repeatable. Default: e2e, and in-slo where there are limits.",
    ),
]
BoundSeconds = Annotated[
    float | None,
    typer.Option(
        "--time-limit", metavar="SECONDS", help="For the bound of the offline problem: 10."
    ),
]


def simulate(
    context: typer.Context,
    file: options.InstanceFile,
    format_: options.FormatName = None,
    policy: Policies = None,
    time_limit: BoundSeconds = None,
    work_limit: options.Work = None,
    workers: SweepWorkers = None,
    seed: options.Seed = 0,
    output: Result = None,
    trace: TraceFile = None,
    router: RouterName = None,
    strict: Strict = False,
    capacity: Share = None,
    times: TimesFile = None,
    viewer: ViewerFile = None,
    plot: Plot = None,
    objective: Objectives = None,
    rates: Rates = None,
    seeds: Seeds = None,
    backend: Backend = None,
    json: options.Json = False,
) -> None:
    """Run policies that see jobs, durations and stops, or requests, only as time passes.

    Each schedule is checked as a solution of the offline problem, in which everything is known
    from the start, and stands beside that problem's bound: its gap bounds its regret. The output
    file gets the schedule of the best policy. On a scenario of requests (kind requests), policies
    stand side by side with latencies, goodput, restarts, use of KV memory, fairness and cost;
    --rates and --seeds sweep over all combinations.
    On a shared cluster (kind sharing) they stand with response times and their lag behind equal
    shares, on tasks for edge and cloud (kind edge-cloud) with the utility that they earn, on
    checkpoints (kind checkpoint) with the time that they waste.
    """
    from scheduling.instances.files import read
    from scheduling.models.requests.scenario import RequestScenario

    policies, typed = tuple(policy or ()), settings.typed(context)
    asked = Asked(policies, time_limit, work_limit, workers, seed, output, json, typed)
    goals = tuple(objective or ())
    grid = options.joined(rates), options.joined(seeds)
    if capacity is not None and not 0 < capacity <= 1:
        raise InputError.single("--capacity", f"{capacity:g}", "a share above 0, at most 1")
    wanted = Wanted(trace, router, strict, capacity, times, viewer, plot, goals, *grid, backend)
    problem = read(file, format=format_)
    if isinstance(problem, RequestScenario):
        _simulate_requests(problem, file, asked, wanted)
    else:
        _refuse(asked, wanted.given, "scenarios of requests")
        _simulate_other(problem, file, asked)


def _simulate_requests(problem: RequestScenario, file: str, asked: Asked, wanted: Wanted) -> None:
    limits = {"--time-limit": asked.time_limit, "--work-limit": asked.work_limit}
    _refuse(asked, limits, "schedules")
    if wanted.router is not None:
        problem = problem.model_copy(update={"router": wanted.router})
    from scheduling.instances.files import fields_named

    stated = () if wanted.router is None else ("router",)
    with fields_named(file, type(problem), but=stated):
        _run_requests(problem, file, asked, wanted)


def _run_requests(problem: RequestScenario, file: str, asked: Asked, wanted: Wanted) -> None:
    """Run a comparison, or the runs of a sweep."""
    if wanted.rates is None and wanted.seeds is None:
        sweeping = {"--workers": asked.workers, "--output": asked.output}
        _refuse(asked, {**sweeping, "--backend": wanted.backend}, "a sweep")
        from scheduling.cli.simulate_requests import simulate_scenario

        simulate_scenario(problem, file, asked, wanted)
        return
    from scheduling.cli.sweep_requests import sweep_scenario

    sweep_scenario(problem, file, asked, wanted)


def _simulate_other(problem: Problem, file: str, asked: Asked) -> None:
    """Run policies on a problem of any other kind."""
    from scheduling.models.checkpoint.problem import CheckpointProblem
    from scheduling.models.edge.problem import EdgeCloud
    from scheduling.models.sharing.problem import SharedCluster

    if isinstance(problem, SharedCluster):
        from scheduling.cli.simulate_sharing import simulate_cluster

        simulate_cluster(problem, file, asked)
    elif isinstance(problem, EdgeCloud):
        from scheduling.cli.simulate_edge import simulate_stream

        simulate_stream(problem, file, asked)
    elif isinstance(problem, CheckpointProblem):
        from scheduling.cli.simulate_checkpoint import simulate_run

        limits = {"--time-limit": asked.time_limit, "--work-limit": asked.work_limit}
        solving = {**limits, "--workers": asked.workers, "--output": asked.output}
        _refuse(asked, solving, "problems that are solved beside the runs")
        simulate_run(problem, file, asked.policies, seed=asked.seed, json=asked.json)
    else:
        _simulate_schedule(problem, file, asked)


def _simulate_schedule(problem: Problem, file: str, asked: Asked) -> None:
    from scheduling.simulator.schedule.simulate import DEFAULT_POLICIES, simulate_schedule

    found, stopped = compare(
        lambda: simulate_schedule(
            problem,
            asked.policies or DEFAULT_POLICIES,
            **asked.solving,
            on_run=None if asked.json else _progress,
        )
    )
    deliver(
        asked,
        found.best.solution,
        schema="simulation-schedule",
        record=lambda: _record(found),
        show=lambda: _show(found, problem.name or file),
        written=f"solution of {found.best.policy}",
    )
    end(stopped)


def _refuse(asked: Asked, options_: dict[str, Any], what: str) -> None:
    """Refuse options on the command line that mean something only elsewhere."""
    faults = [
        Fault(name, str(value), f"an option for {what} alone")
        for name, value in options_.items()
        if value is not None and name in asked.typed
    ]
    if faults:
        raise InputError(faults)


def _progress(run: PolicyRun) -> None:
    note(f"{run.policy}: {number(run.solution.tiers[0].objective)}{_missed(run)}")


def _missed(run: PolicyRun) -> str:
    """Say which deadlines a policy has missed."""
    more = ", …" if len(run.missed) > _SHOWN else ""
    return f" (missed the deadline of {', '.join(run.missed[:_SHOWN])}{more})" if run.missed else ""


def _ratio(run: PolicyRun, best: PolicyRun) -> float | None:
    """First tier's value over that of the best policy; ``None`` when that is 0."""
    value, least = run.solution.tiers[0].objective, best.solution.tiers[0].objective
    return None if value is None or not least else value / least


def _record(found: Simulation) -> dict[str, Any]:
    best = found.best
    return {
        "problem": found.problem.name,
        "best": best.policy,
        "runs": [
            {
                "policy": run.policy,
                "summary": run.summary,
                "relaxation": run.relaxation,
                "ratio": _ratio(run, best),
                "missed": list(run.missed),
                "solution": run.solution.model_dump(mode="json"),
            }
            for run in found.runs
        ],
        "offline": found.offline.model_dump(mode="json"),
    }


def _show(found: Simulation, title: str) -> None:
    tiers = found.offline.tiers
    headers = ["policy", *(tier.name for tier in tiers), "to best", "gap", "seconds"]
    rows = []
    for run in found.runs:
        ratio = _ratio(run, found.best)
        values = [number(tier.objective) for tier in run.solution.tiers]
        shown = "-" if ratio is None else f"{ratio:.3f}"
        gap = percent(run.solution.tiers[0].gap)
        rows.append([run.policy, *values, shown, gap, f"{run.solution.seconds:.2f}"])
    late = [f"  {run.policy}{_missed(run)}" for run in found.runs if run.missed]
    values = [number(tier.objective) for tier in tiers]
    gap = percent(tiers[0].gap)
    rows.append(["(offline)", *values, "-", gap, f"{found.offline.seconds:.2f}"])
    table(headers, rows, title)
    for line in late:
        print(line)
    bound = number(tiers[0].bound)
    print(f"  no schedule has {tiers[0].name} below {bound}, even if all is known from the start")
