"""``scheduling plan``: from models, GPU pools, workload and service levels to a serving plan."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from scheduling.cli import completing, options
from scheduling.cli.live import LiveLine
from scheduling.cli.output import EXIT_CODES, emit_json, fail, note
from scheduling.cli.settings import typed

if TYPE_CHECKING:
    from scheduling.models.serving.fleet import Fleet, GoalName
    from scheduling.planner.explain import PlanExplanation
    from scheduling.planner.front import PlanFront
    from scheduling.planner.results import PlanResult

_NO_PLAN = 3


FleetFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Fleet file (YAML or JSON), - for standard input, or bundled:NAME.",
        show_default=False,
        autocompletion=completing.instance_files,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Write plan.json here, and what --emit makes.",
        callback=options.writable_folder,
    ),
]
Runtime = Annotated[
    str | None,
    typer.Option(
        "--emit",
        metavar="RUNTIME",
        help="Plan what it can start, and write the files for it to --output: vllm, sglang, "
        "dynamo, llm-d, lws or kserve.",
        autocompletion=completing.runtimes,
    ),
]
RunningPlan = Annotated[
    Path | None,
    typer.Option(
        "--running", metavar="PLAN", help="Plan that runs now (plan.json): change it least."
    ),
]
Changes = Annotated[
    int | None,
    typer.Option(
        "--max-changes",
        metavar="N",
        min=0,
        max=10**9,
        help="Most replicas to start or stop against it.",
    ),
]
Rates = Annotated[
    list[str] | None,
    typer.Option(
        "--rate",
        metavar="DEMAND=RATE",
        help="Another rate for a demand, in requests a second; repeatable.",
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain", help="Where no plan exists, find the least change that makes one possible."
    ),
]
Goals = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--pareto",
        metavar="GOAL GOAL",
        help="All trade-offs of two of: cost, gpus, watts, goodput.",
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw the fleet, or the front: .svg or .png.",
        callback=options.writable,
    ),
]
PlanSeconds = Annotated[
    float | None,
    typer.Option(
        "--time-limit",
        metavar="SECONDS",
        help="Wall-clock limit for everything; 20 by default, 60 for --explain and --pareto. With "
        "--explain half of it at most is for the plan.",
    ),
]


def plan(
    context: typer.Context,
    file: FleetFile,
    output: Folder = None,
    emit: Runtime = None,
    running: RunningPlan = None,
    max_changes: Changes = None,
    rate: Rates = None,
    explain: Explain = False,
    pareto: Goals = None,
    plot: Picture = None,
    time_limit: PlanSeconds = None,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    json: options.Json = False,
) -> None:
    """Plan a serving fleet and say what to expect of it, what nearly won and what binds.

    The plan is proven: no other choice of replicas is better by more than the gap. It is replayed
    by simulation, and re-sized when a latency target is not kept.
    """
    from scheduling.instances.files import fields_named
    from scheduling.models.serving.fleet import Fleet
    from scheduling.planner.files import read_fleet

    if emit is not None:
        _check_emit(emit, output)
    if plot is not None:
        from scheduling.report.pictures import check_suffix

        check_suffix(plot)
    fleet, folder = read_fleet(file, running, max_changes, rate or ())
    settings = {"folder": folder, "time_limit": time_limit, "workers": workers, "seed": seed}
    if pareto is not None:
        from scheduling.errors import InputError
        from scheduling.planner.front import goal_pair

        for option in sorted({"--backend", "--emit", "--jobs", "--output"} & typed(context)):
            expected = "a plan without --pareto, whose searches need each other, of many plans"
            raise InputError.single(option, "--pareto", expected)
        with fields_named(file, Fleet), options.named_as({"goal": "--pareto"}):
            raise typer.Exit(_front(fleet, goal_pair(pareto), plot, settings, json))
    with fields_named(file, Fleet):
        carried = {"jobs": jobs, "backend": backend}
        files = _Files(output, emit, plot)
        raise typer.Exit(
            _plan(fleet, file, explain, files, {**settings, "runtime": emit}, carried, json)
        )


class _Files(NamedTuple):
    """What is written: the folder, the runtime of its files, and the picture."""

    folder: Path | None
    runtime: str | None
    picture: Path | None


def _check_emit(runtime: str, output: Path | None) -> None:
    from scheduling.errors import InputError
    from scheduling.planner.emit import RUNTIMES

    if runtime not in RUNTIMES:
        raise InputError.single("--emit", repr(runtime), f"one of: {', '.join(RUNTIMES)}")
    if output is None:
        raise InputError.single("--output", "nothing", "the folder that --emit writes to")


def _plan(
    fleet: Fleet,
    file: str,
    explain: bool,
    files: _Files,
    settings: dict[str, Any],
    carried: dict[str, Any],
    json: bool,
) -> int:
    import scheduling as sch
    from scheduling.instances.files import of_fields
    from scheduling.planner.refusing import NoReplicaError

    limits = _Limits.of(settings["time_limit"], explain)
    asked = {**settings, "time_limit": limits.plan}
    try:
        with LiveLine(quiet=json) as line:
            result = sch.plan(fleet, on_progress=line.update, **asked, **carried)
    except NoReplicaError as error:
        if not explain:
            raise
        fail(str(of_fields(error, file, type(fleet))))
        _explain(fleet, {**settings, "time_limit": limits.left()}, json)
        return 2
    if result.status == "infeasible":
        rest = {**settings, "time_limit": limits.left(), "brief": not explain}
        _explain(fleet, rest, json)
        return _NO_PLAN
    if result.plan is None and explain and not result.interrupted:
        _explain(fleet, {**settings, "time_limit": limits.left()}, json, proven=False)
        return EXIT_CODES[result.status]
    # A plan that the runtime cannot start is shown all the same.
    if not json:
        from scheduling.cli.plan_tables import show_result

        show_result(result)
    written = _write(result, files)
    if json:
        emit_json("plan-result", result.record())
    for path in written:
        note(f"  written: {path}")
    return EXIT_CODES[result.status]


class _Limits(NamedTuple):
    """When a command began, its seconds for everything, and those for the plan."""

    began: float
    whole: float
    plan: float

    @classmethod
    def of(cls, time_limit: float | None, explain: bool) -> _Limits:
        """Share a limit between the plan and, where it is asked for, its explanation."""
        from scheduling.planner import explain as explaining
        from scheduling.planner import plan as planning
        from scheduling.solvers.driver import check_limits

        check_limits(time_limit, None, None, 0)
        began = time.monotonic()
        if not explain:
            whole = planning.DEFAULT_TIME_LIMIT if time_limit is None else time_limit
            return cls(began, whole, whole)
        whole = explaining.DEFAULT_TIME_LIMIT if time_limit is None else time_limit
        return cls(began, whole, min(planning.DEFAULT_TIME_LIMIT, whole / 2))

    def left(self) -> float:
        """Return the seconds for an explanation; a tenth of the limit may go beyond it."""
        return max(self.began + self.whole - time.monotonic(), 0.1 * self.whole)


def _write(result: PlanResult, files: _Files) -> list[Path]:
    """Write the plan, the files of its runtime and its picture, and return their paths."""
    if result.plan is None:
        return []
    written = []
    if files.folder is not None and files.runtime is not None:
        from scheduling.planner.emit import emit

        written += emit(result.plan, files.runtime, files.folder)
    elif files.folder is not None:
        from scheduling.planner.files import PLAN_FILE, plan_text
        from scheduling.storage import write_files

        written += write_files(files.folder, {PLAN_FILE: plan_text(result.plan).encode()})
    if files.picture is not None:
        from scheduling.report.serving.fleet import write_fleet

        pools = {pool.name: (pool.nodes, pool.gpus_per_node) for pool in result.resolved.pools}
        write_fleet(result.plan, pools, files.picture)
        written.append(files.picture)
    return written


def _explain(fleet: Fleet, settings: dict[str, Any], json: bool, proven: bool = True) -> None:
    """Show what would make a plan possible, of a fleet that is proven to have none or may have."""
    from scheduling.planner.explain import explain_plan

    found: PlanExplanation = explain_plan(fleet, **settings)
    if json:
        emit_json(
            "plan-explanation",
            {
                "kind": "plan-explanation",
                "status": "infeasible" if proven else "unknown",
                **found.record(),
            },
        )
        return
    from scheduling.cli.plan_tables import show_explanation

    show_explanation(found, fleet.name or "fleet", proven)


def _front(
    fleet: Fleet,
    goals: tuple[GoalName, GoalName],
    plot: Path | None,
    settings: dict[str, Any],
    json: bool,
) -> int:
    from scheduling.cli.plan_tables import named_goal, show_front
    from scheduling.planner.front import plan_front

    front: PlanFront = plan_front(fleet, goals, **settings)
    if plot is not None and front.points:
        from scheduling.report.serving.front import write_plan_front

        first, second = front.goals
        names = named_goal(first), named_goal(second)
        points = [point.values for point in front.points]
        write_plan_front(points, names, fleet.name or "fleet", plot)
    if json:
        emit_json("plan-front", front.record())
    else:
        show_front(front, fleet.name or "fleet")
        if plot is not None and front.points:
            note(f"  written: {plot}")
    return EXIT_CODES[front.status]
