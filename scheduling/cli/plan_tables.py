"""Tables of serving plans, of what nearly won, of explanations and of fronts."""

from __future__ import annotations

from scheduling.cli.output import table
from scheduling.models.base import Status
from scheduling.models.serving.fleet import short_precision
from scheduling.models.serving.plan import Component, ServingPlan
from scheduling.models.serving.units import unit
from scheduling.planner.explain import PlanExplanation
from scheduling.planner.front import PlanFront
from scheduling.planner.results import PlanResult, tier_record, value_of
from scheduling.planner.summary import described, rivals, ruled_out
from scheduling.planner.verify import Attained, Verdict
from scheduling.report.words import percent, sentence

_SHOWN = 12
_UNTRIED = "not all kinds of replicas were tried in the time; --time-limit gives more"
_AS_IF_IDEAL = "not all kinds of replicas were tried: the bound takes the others for perfect ones"
_UNFOUND = "the search found none in its time; --time-limit gives more, --explain says what to ease"
_COMPONENT = (
    "component",
    "pool",
    "replicas",
    "GPUs",
    "layout",
    "precision",
    "batch",
    "tokens",
    "req/s",
    "busy",
    "TTFT",
    "TPOT",
)


def show_result(result: PlanResult) -> None:
    """Print a plan with its certificate, its replay, its rivals and its limits."""
    best = result.plan
    if best is None:
        print(f"  {result.fleet.name or 'fleet'}: no plan found ({result.status})")
        if result.interrupted:
            print("  interrupted before there was one")
        else:
            print(f"  {_UNTRIED if not result.complete else _UNFOUND}")
        return
    table(_COMPONENT, [_component(component) for component in best.components], best.name)
    print(f"  {_totals(best)}")
    tiers = [tier_record(result.solution, row) for row in range(len(result.solution.tiers))]
    rows = [
        [
            named_goal(tier["name"]),
            figure(tier["objective"]),
            figure(tier["bound"]),
            percent(tier["gap"]),
        ]
        for tier in tiers
    ]
    table(["objective", "value", "bound", "gap"], rows)
    print(f"  {sentence(result.solution)}")
    if result.interrupted:
        print("  interrupted: this is the best plan until then")
    elif not result.complete and result.status is not Status.OPTIMAL:
        print(f"  {_AS_IF_IDEAL}; --time-limit gives more")
    _replays(result)
    if result.runner_ups:
        _rivals(result)
    _limits(result)
    reasons = ruled_out(result.ruled_out)
    if reasons:
        table(["ruled out because", "templates", "such as"], reasons[:_SHOWN])


def _component(component: Component) -> list[str]:
    expected = component.prediction
    return [
        component.name,
        component.pool,
        str(component.replicas),
        str(component.gpus),
        str(component.layout),
        short_precision(component.precision),
        str(component.max_sequences or "-"),
        str(component.token_budget or "-"),
        figure(expected.requests_per_second),
        percent(expected.utilisation),
        time(expected.ttft_seconds),
        time(expected.tpot_seconds),
    ]


def _totals(best: ServingPlan) -> str:
    parts = [f"{best.gpus} GPUs"]
    if best.cost_per_hour is not None:
        parts.append(f"{best.cost_per_hour:,.2f} $/h")
    if best.watts is not None:
        parts.append(f"{best.watts / 1000:,.2f} kW")
    sources = sorted({component.prediction.provenance for component in best.components})
    if sources:
        parts.append(f"times {', '.join(sources)}")
    return ", ".join(parts)


def _replays(result: PlanResult) -> None:
    """Print what the simulation shows, and whether plans before this one failed in it."""
    if not result.replays:
        why = "interrupted" if result.interrupted else "the time was up; --time-limit gives more"
        print(f"  not replayed by simulation: {why}")
    if not result.replays or not result.replays[-1].verdicts:
        return
    last = result.replays[-1]
    rows = [*map(_verdict, last.verdicts), *map(_attained, last.attained)]
    table(["replay of", "target", "simulated", "95 % confidence", ""], rows)
    failed = len(result.replays) - 1
    if failed:
        plans = "plan" if failed == 1 else "plans"
        print(f"  re-sized: {failed} other {plans} did not keep a target in the replay")
    if not last.kept:
        print("  this plan does not keep its targets in the replay; none replayed came nearer")
        print("  a longer --time-limit may find one, and so may targets tighter than you need")


def _attained(seen: Attained) -> list[str]:
    shares = (seen.share, seen.value)
    interval = "-"
    if seen.low is not None and seen.high is not None and seen.high > seen.low:
        interval = f"{percent(seen.low)} to {percent(seen.high)}"
    kept = "kept" if seen.kept else "missed"
    return [f"all targets of {seen.demand}", *map(percent, shares), interval, kept]


def _rivals(result: PlanResult) -> None:
    """Print the best plans of other kinds, and the percentiles that their replays show."""
    goal = value_of(result.solution)[0]
    table(["runner-up", goal, "replay", "replicas"], rivals(result))
    rows = [
        [other.kind, *row]
        for other in result.runner_ups
        if other.replays
        for row in (
            *map(_verdict, other.replays[-1].verdicts),
            *map(_attained, other.replays[-1].attained),
        )
    ]
    if rows:
        table(["runner-up", "replay of", "target", "simulated", "95 % confidence", ""], rows)


def _verdict(verdict: Verdict) -> list[str]:
    name = f"{verdict.metric.upper()} of {verdict.demand}, p{100 * verdict.share:g}"
    interval = "-"
    if verdict.low is not None and verdict.high is not None and verdict.high > verdict.low:
        interval = f"{time(max(0.0, verdict.low))} to {time(verdict.high)}"
    kept = "kept" if verdict.kept else "missed"
    return [name, time(verdict.target), time(verdict.value), interval, kept]


def _limits(result: PlanResult) -> None:
    rows = [
        [slack.limit, figure(slack.used), figure(slack.most), slack.unit, slack.remark]
        for slack in result.slacks
    ]
    table(["limit", "used", "most", "", ""], rows)
    binding = [one for one in result.worths.entries if one.binds]
    if binding:
        goal = named_goal(binding[0].goal)
        bound = [[one.constraint, one.change, f"{one.value:+.4g}"] for one in binding]
        table(["what binds", "with", f"{goal} by the relaxation"], bound)
    free = [one.constraint for one in result.worths.entries if not one.binds]
    if free:
        print(f"  does not bind: {'; '.join(free)}")
    if not result.worths.complete:
        print("  not all constraints were tried for what binds; --time-limit gives more")


def show_explanation(found: PlanExplanation, title: str, proven: bool) -> None:
    """Print why there is no plan, or none was found, and what would make one possible."""
    none = "no plan can meet what is asked" if proven else "no plan was found in the time"
    print(f"  {title}: {none}")
    for fault in found.faults:
        print(f"  {fault}")
    if found.served is not None:
        print(f"  at most {100 * found.served:.1f} % of the demands can be served together")
    if found.relaxations:
        rows = [
            [
                one.constraint,
                one.change,
                "-" if one.factor is None else f"{one.factor:.3g}x",
                "-" if one.plan.cost_per_hour is None else f"{one.plan.cost_per_hour:,.2f} $/h",
                described(one.plan),
            ]
            for one in found.relaxations
        ]
        table(
            [
                "what makes it impossible" if proven else "what makes it hard",
                "possible with",
                "factor",
                "cost",
                "plan",
            ],
            rows,
        )
    if found.beside:
        print(f"  loosening one of these alone does not help: {'; '.join(found.beside)}")
    if not found.complete:
        print("  not all constraints were tried to the end; --explain and --time-limit try more")


def show_front(front: PlanFront, title: str) -> None:
    """Print one row a point, and the certificate of the whole."""
    if not front.points:
        proven = front.status == "infeasible"
        words = "no plan can meet what is asked" if proven else f"no plan found ({front.status})"
        print(f"  {title}: {words}")
        return
    headers = [named_goal(goal) for goal in front.goals]
    rows = [
        [
            figure(point.values[0]),
            figure(point.values[1]),
            figure(point.bound),
            described(point.plan),
        ]
        for point in front.points
    ]
    table([*headers, f"bound of {front.goals[1]}", "plan"], rows, title)
    count = f"{len(front.points)} plan{'s' * (len(front.points) != 1)}"
    if front.status == "optimal":
        print(f"  complete: {count}, no other trade-offs exist")
    else:
        print(f"  {count}, {front.status}: there may be more")
    if front.hypervolume:
        print(f"  hypervolume {figure(front.hypervolume)}, bound {figure(front.bound)}")


def named_goal(goal: str) -> str:
    """Return a goal with its unit."""
    return f"{goal} ({unit(goal)})"


def figure(value: float | None) -> str:
    """Format a value with four digits, or a dash when unknown."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def time(seconds: float | None) -> str:
    """Format a time, or a dash when unknown."""
    if seconds is None:
        return "-"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
