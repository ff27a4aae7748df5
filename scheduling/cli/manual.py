"""The end of each verb's help, and its line in the list of verbs: one table for all verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import typer
from typer.core import TyperCommand

from scheduling.cli.options import named_as
from scheduling.cli.settings import blamed, from_settings
from scheduling.cli.settings_layers import Settings
from scheduling.errors import InputError

_BAD = "bad usage or bad input; one message names the place, what was found and what was expected"
_ANSWER = {
    0: "a solution was found",
    3: "proven that there is none",
    4: "nothing found within the limit",
}
_RUNS = {0: "all runs have ended", 130: "Ctrl-C; what had ended is shown"}


@dataclass(frozen=True, slots=True)
class Manual:
    """What help says of a verb beside its description and its options.

    Attributes
    ----------
    summary
        What it does, short enough for one line of the list of verbs.
    example
        A command to copy.
    guides
        Pages of the documentation that use it.
    exits
        What its exit codes mean, beside 2 for bad input, which all verbs share.
    """

    summary: str
    example: str
    guides: tuple[str, ...]
    exits: Mapping[int, str] = field(default_factory=lambda: {0: "done"})

    @property
    def codes(self) -> dict[int, str]:
        """All exit codes in order with what they mean."""
        return dict(sorted({2: _BAD, **self.exits}.items()))


MANUALS: dict[str, Manual] = {
    "solve": Manual(
        "Solve an instance and bound how far it is from the best.",
        "scheduling solve bundled:ft06 --time-limit 30 --output best.json --gantt best.html",
        ("docs/howto/schedule.md", "docs/trust.md"),
        _ANSWER,
    ),
    "pareto": Manual(
        "Find the trade-offs between the tiers of an objective.",
        "scheduling pareto orders.yaml --time-limit 60 --output front.json",
        ("docs/howto/pareto.md",),
        {**_ANSWER, 0: "a front was found"},
    ),
    "check": Manual(
        "Check a solution independently, whoever made it.",
        "scheduling check shop.fjs best.json",
        ("docs/trust.md",),
        {0: "valid", 1: "violations found"},
    ),
    "explain": Manual(
        "Name a smallest set of constraints that cannot all hold, or what binds the answer.",
        "scheduling explain bundled:impossible-week",
        ("docs/howto/schedule.md", "docs/howto/pods.md", "docs/howto/pipelines.md"),
        {0: "the instance has a solution", 3: "explained", 4: "not settled in time"},
    ),
    "info": Manual(
        "Show what is in an instance, and the bounds by formula.",
        "scheduling info bundled:ta01",
        ("docs/howto/instances.md",),
    ),
    "convert": Manual(
        "Translate an instance from one format to another.",
        "scheduling convert j301_1.sm project.yaml",
        ("docs/howto/instances.md",),
    ),
    "schema": Manual(
        "Print the JSON schema of a kind's files or solutions.",
        "scheduling schema schedule > schedule.schema.json",
        ("docs/cli.md",),
    ),
    "generate": Manual(
        "Generate an instance from parameters and a seed.",
        "scheduling generate job-shop -p jobs=20 -p machines=5 -p seed=7 -o shop.jsp",
        ("docs/howto/instances.md",),
    ),
    "simulate": Manual(
        "Run policies that see only what has come by now.",
        "scheduling simulate bundled:ft06 --policy MWKR --policy resolve",
        ("docs/howto/online.md", "docs/howto/simulation.md"),
        {0: "all runs have ended", 130: "Ctrl-C; the policies and runs that had ended are shown"},
    ),
    "trace": Manual(
        "Show, fit or draw a trace of requests.",
        "scheduling trace azure.csv --fit workload.yaml",
        ("docs/howto/traces.md",),
    ),
    "bench": Manual(
        "Run suites of instances; show each solver's gaps.",
        "scheduling bench bundled --solvers auto,cp-sat --time-limit 5 --output run.jsonl",
        ("docs/howto/instances.md", "docs/howto/cluster.md"),
        _RUNS,
    ),
    "plan": Manual(
        "Plan a serving fleet, and say what binds.",
        "scheduling plan bundled:chat-fleet --output plans",
        ("docs/howto/serving.md", "docs/howto/deploy-plans.md"),
        {
            **_ANSWER,
            0: "a plan was found",
            130: "a second Ctrl-C; the first shows the best plan so far",
        },
    ),
    "pods": Manual(
        "Place the pending pods of a cluster's snapshot.",
        "scheduling pods cluster.json --max-moves 5",
        ("docs/howto/pods.md",),
        {0: "a plan was found", 4: "nothing found within the limit"},
    ),
    "extender": Manual(
        "Answer kube-scheduler from a plan that is kept up to date.",
        "scheduling extender --snapshot cluster.json --port 8888",
        ("docs/howto/extender.md",),
        {0: "ended by SIGTERM or Ctrl-C, after the requests in flight"},
    ),
    "profile": Manual(
        "Measure operators on the GPU that is present.",
        "scheduling profile llama-3.1-8b qwen3-235b-a22b --tp 1,4 --output h200.json",
        ("docs/howto/cost-models.md",),
        {0: "a profile was written", 2: f"{_BAD}; no PyTorch or no GPU"},
    ),
    "report": Manual(
        "Write one HTML page of results, to hover and filter.",
        "scheduling report ft10.jsp ft10.json -o ft10.html",
        ("docs/howto/reports.md",),
        {0: "the page was written", 1: "a solution breaks its instance"},
    ),
    "config": Manual(
        "Show the defaults of options and where each comes from.",
        "scheduling config solve",
        ("docs/howto/setup.md",),
        {0: "all is in order", 2: "an unknown key or a wrong type, named with its file"},
    ),
    "doctor": Manual(
        "Show what works here: engines, extras, machine.",
        "scheduling doctor",
        ("docs/howto/setup.md",),
        {
            0: "all that is installed works",
            1: "something is broken, or an engine that is needed is missing",
        },
    ),
    "reproduce": Manual(
        "Run published systems beside their published figures.",
        "scheduling reproduce --all --budget 60s --output atlas",
        ("docs/atlas.md",),
        {**_RUNS, 1: "a scenario failed", 2: f"{_BAD}; a data set is missing"},
    ),
}
"""What help says of each verb."""

GROUPS = {
    "Solve and check": ("solve", "pareto", "check", "explain"),
    "Files": ("info", "convert", "generate", "schema"),
    "Serving and clusters": ("plan", "trace", "profile", "pods", "extender"),
    "Try, compare, show": ("simulate", "bench", "reproduce", "report"),
    "This machine": ("config", "doctor"),
}
"""All verbs under headings, in the order in which they are listed."""


class Verb(TyperCommand):
    """A verb, whose help ends with its exit codes, an example and where to read on."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read what follows it; a value that an option does not take is shown."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            from pydantic import ValidationError

            if isinstance(error.__cause__, ValidationError):
                (fault, *_) = InputError.from_pydantic(error.__cause__).faults
                error.message = f"found {fault.found}, expected {fault.expected}"
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run it; what it refuses is named as the option, or with its place in the settings."""
        named = {
            str(parameter.name): option
            for parameter in self.params
            for option in parameter.opts
            if option.startswith("--")
        }
        with named_as(named):
            if not isinstance(ctx.obj, Settings):
                return super().invoke(ctx)
            with blamed(ctx.obj, self.name, from_settings(ctx)):
                return super().invoke(ctx)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what the table says of the verb; commands stay on one line, to be copied."""
        del ctx
        manual = MANUALS[str(self.name)]
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), means) for code, means in manual.codes.items()])
        for title, lines in (("Example", (manual.example,)), ("See also", manual.guides)):
            with formatter.section(title):
                formatter.write("".join(f"{'':>{formatter.current_indent}}{x}\n" for x in lines))
