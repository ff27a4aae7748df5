"""``scheduling plan``: from models, GPU pools, workload and service levels to a serving plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scheduling.cli import options
from scheduling.cli.live import LiveLine
from scheduling.cli.output import EXIT_CODES, emit_json, note, percent, table

if TYPE_CHECKING:
    from scheduling.models.serving.fleet import Fleet
    from scheduling.models.serving.plan import Component, ServingPlan
    from scheduling.planner.plan import PlanResult

EXAMPLE = "Example: scheduling plan bundled:chat-fleet --emit vllm --output manifests"
_SHOWN = 12


def plan(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Fleet file (YAML or JSON), - for standard input, or bundled:NAME.",
            show_default=False,
        ),
    ],
    running: Annotated[
        Path | None,
        typer.Option(metavar="PLAN", help="Plan that runs now (plan.json): change it least."),
    ] = None,
    max_changes: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Most replicas to start or stop against it."),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(metavar="DEMAND=RATE", help="Another rate for a demand, repeatable."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wall-clock limit for everything.")
    ] = 20.0,
    workers: options.Workers = None,
    seed: options.Seed = 0,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Write the plan (plan.json).")
    ] = None,
    json: options.Json = False,
) -> None:
    """Plan a serving fleet and say what to expect of it, what nearly won and what binds.

    Exit codes: 0 plan found, 2 bad input, 3 proven that no plan exists, 4 nothing found in time.
    """
    import scheduling as sch
    from scheduling.planner.files import read_fleet, write_plan

    fleet, folder = read_fleet(file, running, max_changes, rate or ())
    with LiveLine(quiet=json) as line:
        result = sch.plan(
            fleet,
            folder=folder,
            time_limit=time_limit,
            workers=workers,
            seed=seed,
            on_progress=line.update,
        )
    if save is not None and result.plan is not None:
        write_plan(result.plan, save)
    if json:
        emit_json(result.record())
    else:
        _show(fleet, result)
        if save is not None and result.plan is not None:
            note(f"  plan: {save}")
    raise typer.Exit(EXIT_CODES[result.solution.status])


def _show(fleet: Fleet, result: PlanResult) -> None:
    best = result.plan
    if best is None:
        print(f"  {fleet.name or 'fleet'}: no plan ({result.solution.status})")
        return
    headers = [
        "component",
        "replicas",
        "GPUs",
        "layout",
        "precision",
        "batch",
        "budget",
        "req/s",
        "busy",
        "TTFT",
        "TPOT",
    ]
    table(headers, [_row(component) for component in best.components], best.name)
    _certificate(result)
    _totals(best)
    _neighbours(result)


def _row(component: Component) -> list[str]:
    from scheduling.models.serving.fleet import short_precision

    expected = component.prediction
    return [
        f"{component.name} ({component.pool})",
        str(component.replicas),
        str(component.gpus),
        str(component.layout),
        short_precision(component.precision),
        str(component.max_sequences or "-"),
        str(component.token_budget or "-"),
        _figure(expected.requests_per_second),
        percent(expected.utilisation),
        _milliseconds(expected.ttft_seconds),
        _milliseconds(expected.tpot_seconds),
    ]


def _certificate(result: PlanResult) -> None:
    from scheduling.cli.output import sentence
    from scheduling.planner.answering import unit
    from scheduling.planner.plan import tier_record

    rows = []
    for row in range(len(result.solution.tiers)):
        tier = tier_record(result.solution, row)
        name = f"{tier['name']} ({unit(tier['name'])})"
        values = [_figure(tier["objective"]), _figure(tier["bound"]), percent(tier["gap"])]
        rows.append([name, *values])
    table(["objective", "value", "bound", "gap"], rows)
    print(f"  {sentence(result.solution)}")


def _totals(best: ServingPlan) -> None:
    parts = [f"{best.gpus} GPUs"]
    if best.cost_per_hour is not None:
        parts.append(f"{best.cost_per_hour:.2f} $/h")
    if best.watts is not None:
        parts.append(f"{best.watts / 1000:.2f} kW")
    print(f"  {', '.join(parts)}")


def _neighbours(result: PlanResult) -> None:
    """Print what nearly won, what binds, and how many templates were ruled out why."""
    from scheduling.planner.plan import value_of
    from scheduling.planner.summary import rivals, ruled_out

    name, _ = value_of(result.solution)
    if result.runner_ups:
        table(["runner-up", name, "replicas"], rivals(result))
    rows = [
        [slack.limit, _figure(slack.used), _figure(slack.most), slack.unit, slack.remark]
        for slack in result.slacks
    ]
    table(["limit", "used", "most", "", ""], rows)
    reasons = ruled_out(result.ruled_out)
    table(["ruled out", "templates", "such as"], reasons[:_SHOWN])


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:,.3g} ms"
