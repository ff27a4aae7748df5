"""Charts of what runs when: a row for each task, machine or region, and time across."""

from __future__ import annotations

from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import BatchingSolution
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.models.offload.problem import OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution
from scheduling.models.prefill.problem import PrefillProblem
from scheduling.models.prefill.solution import PrefillSolution
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.spot.problem import SpotProblem
from scheduling.models.spot.solution import SpotSolution
from scheduling.report.batching.chart import held, spans
from scheduling.report.loop.chart import bars
from scheduling.report.offload.chart import bars as offload_bars
from scheduling.report.ordering.chart import CHAIN, runs
from scheduling.report.pipeline.chart import PASSES
from scheduling.report.pipeline.chart import bars as pipeline_bars
from scheduling.report.prefill.chart import in_time
from scheduling.report.results.content import (
    LINE,
    Axis,
    Boxes,
    Chart,
    Lines,
    Mark,
    Page,
    RowBar,
    Series,
)
from scheduling.report.schedule.layout import build_chart
from scheduling.report.schedule.page import render_page

_ABOVE, _BELOW = (0.08, 0.76), (0.8, 0.92)
"""Where in its row something runs, and where it may."""

_LINE = (0.42, 0.58)
"""Where in its row something is on its way."""


def schedule(problem: ScheduleProblem, solution: ScheduleSolution) -> list[Chart]:
    """Draw a Gantt chart, a page of its own."""
    chart = build_chart(problem, solution)
    return [Page("Gantt chart", render_page(chart))] if chart.tasks else []


def loop(problem: LoopProblem, solution: LoopSolution) -> list[Chart]:
    """Draw the units of a pipeline, iteration by iteration."""
    found = bars(problem, solution)
    if not found:
        return []
    rows = list(dict.fromkeys(bar.row for bar in found))
    place = {name: number for number, name in enumerate(rows)}
    height = {name: max(bar.high for bar in found if bar.row == name) for name in rows}
    return [
        Boxes(
            "Pipeline, iteration by iteration",
            Axis("cycles", whole=True),
            Axis("unit or warp"),
            [f"{bar.iteration}: {bar.operation}" for bar in found],
            [bar.start for bar in found],
            [bar.end for bar in found],
            [place[bar.row] + 0.05 + 0.9 * bar.low / height[bar.row] for bar in found],
            [place[bar.row] + 0.05 + 0.9 * bar.high / height[bar.row] for bar in found],
            [bar.iteration for bar in found],
            rows=rows,
        )
    ]


def pipeline(problem: PipelineProblem, solution: PipelineSolution) -> list[Chart]:
    """Draw the GPUs over time."""
    found = pipeline_bars(problem, solution)
    if not found:
        return []
    return [
        Boxes.in_rows(
            "GPUs over time, two steps",
            Axis("seconds"),
            Axis("GPU"),
            [RowBar(bar.name, bar.start, bar.end, bar.gpu, bar.passes) for bar in found],
            [f"GPU {gpu}" for gpu in range(1 + max(bar.gpu for bar in found))],
            legend=PASSES,
        )
    ]


def offload(problem: OffloadProblem, solution: OffloadSolution) -> list[Chart]:
    """Draw the tasks on their servers, and before them in grey when they are uploaded."""
    found = offload_bars(problem, solution)
    if not found:
        return []
    servers = list(problem.servers)
    boxes = []
    for row, bar in enumerate(found):
        upload = f"{bar.task} is uploaded to {bar.server}"
        boxes.append(RowBar(upload, bar.arrival, bar.there, row, LINE, shelf=_LINE))
        group = servers.index(bar.server)
        boxes.append(RowBar(f"{bar.task} on {bar.server}", bar.there, bar.end, row, group))
    return [
        Boxes.in_rows(
            "Tasks on their servers",
            Axis("seconds; grey line while a task is uploaded"),
            Axis("task"),
            boxes,
            [bar.task for bar in found],
            legend=servers,
        )
    ]


def batching(problem: BatchingProblem, solution: BatchingSolution) -> list[Chart]:
    """Draw the tokens that are held over the iterations, and who runs when."""
    found = spans(problem, solution)
    if not found:
        return []
    tokens = held(problem, solution)
    steps = [float(step) for step in range(len(tokens))]
    ends = [0.0, float(len(tokens))]
    memory = [
        Series("held", steps, [float(count) for count in tokens], "step"),
        Series("memory", ends, [float(problem.memory)] * 2, dashed=True),
    ]
    rows = list(dict.fromkeys(span.request for span in found))
    place = {name: row for row, name in enumerate(rows)}
    boxes = [
        RowBar(one.request, one.start, one.end, place[one.request], int(one.evicted))
        for one in found
    ]
    return [
        Lines(
            "KV memory over time", Axis("iteration", whole=True), Axis("tokens", whole=True), memory
        ),
        Boxes.in_rows(
            "Requests over time",
            Axis("iteration", whole=True),
            Axis("request"),
            boxes,
            rows,
            legend=("runs", "is evicted at the end"),
        ),
    ]


def prefill(problem: PrefillProblem, solution: PrefillSolution) -> list[Chart]:
    """Draw when each prompt runs, and below it in grey from when to when it should."""
    if solution.objective is None:
        return []
    prompts = sorted(problem.prompts, key=lambda prompt: (prompt.release, prompt.id))
    place = {prompt.id: row for row, prompt in enumerate(prompts)}
    done = in_time(problem, solution)
    began = {piece.prompt for piece in solution.pieces}
    boxes = []
    for row, prompt in enumerate(prompts):
        note = "on time" if prompt.id in done else "late" if prompt.id in began else "never runs"
        name = f"{prompt.id} from release to due time"
        counts = f"{note}, weight {prompt.weight:,}"
        boxes.append(RowBar(name, prompt.release, prompt.due, row, LINE, counts, _BELOW))
    for piece in solution.pieces:
        prompt = prompts[place[piece.prompt]]
        end = piece.start + piece.operators * prompt.duration
        note = f"{piece.operators:,} of {prompt.operators:,} operators, due at {prompt.due:,}"
        group = int(piece.prompt not in done)
        row = place[piece.prompt]
        boxes.append(RowBar(piece.prompt, piece.start, end, row, group, note, _ABOVE))
    return [
        Boxes.in_rows(
            "Prompts over time",
            Axis("time; grey line from release to due time"),
            Axis("prompt"),
            boxes,
            [prompt.id for prompt in prompts],
            legend=("on time", "late"),
        )
    ]


def ordering(problem: OrderingProblem, solution: OrderingSolution) -> list[Chart]:
    """Draw when each transaction runs, and the chain of conflicts that sets the end."""
    found = runs(problem, solution)
    if not found:
        return []
    boxes = [
        RowBar(
            f"transaction {run.transaction}",
            run.start,
            run.end,
            row,
            int(run.chain),
            "starts at once" if run.waits is None else f"waits for transaction {run.waits}",
        )
        for row, run in enumerate(found)
    ]
    marks = [] if solution.bound is None else [Mark("no order ends before", solution.bound)]
    return [
        Boxes.in_rows(
            "Transactions over time",
            Axis("time, in operations", whole=True),
            Axis("transaction"),
            boxes,
            [str(run.transaction) for run in found],
            legend=CHAIN,
            marks=marks,
        )
    ]


def spot(problem: SpotProblem, solution: SpotSolution) -> list[Chart]:
    """Draw where the job runs, and below in grey where and when there is capacity."""
    rows = [*(region.id for region in problem.regions), "on demand"]
    place = {region.id: row for row, region in enumerate(problem.regions)}
    price = {region.id: region.price for region in problem.regions}
    boxes = [
        RowBar(f"capacity in {region.id}", span.start, span.end, place[region.id], LINE, "", _BELOW)
        for region in problem.regions
        for span in region.available
    ]
    for run in solution.runs:
        bought = run.region is None
        row = len(rows) - 1 if run.region is None else place[run.region]
        each = problem.on_demand_price if run.region is None else price[run.region]
        note = f"costs {each * (run.end - run.start):,}"
        name = "on demand" if bought else "spot"
        boxes.append(RowBar(name, run.start, run.end, row, int(bought), note, _ABOVE))
    return [
        Boxes.in_rows(
            "Instances over time",
            Axis("ticks; grey line where there is spot capacity", whole=True),
            Axis("region"),
            boxes,
            rows,
            legend=("on spot", "on demand"),
            marks=[Mark("deadline", problem.deadline)],
        )
    ]
