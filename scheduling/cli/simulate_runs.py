"""What ``scheduling simulate`` does with runs of policies on any problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from scheduling.cli.output import emit_json, note
from scheduling.cli.simulate_options import Asked

if TYPE_CHECKING:
    from scheduling.models.base import Solution


class Described(Protocol):
    """What policies say of themselves; see their own protocols."""

    name: str
    summary: str
    provenance: str
    relaxation: str


def deliver(
    asked: Asked,
    best: Solution,
    *,
    schema: str,
    record: Callable[[], dict[str, Any]],
    show: Callable[[], None],
    written: str,
) -> None:
    """Write the best solution to a file where one is asked for, and show the runs or their JSON.

    Parameters
    ----------
    asked
        The options.
    best
        What is written.
    schema
        Name of the document's schema.
    record, show
        Return the document of ``--json``, and print the tables.
    written
        What is said to stand in the file.
    """
    from scheduling.instances.files import write_solution

    if asked.output is not None:
        write_solution(best, asked.output)
    if asked.json:
        emit_json(schema, record())
        return
    show()
    if asked.output is not None:
        note(f"  {written}: {asked.output}")


def description(policy: Described) -> dict[str, str]:
    """Return what a record of a run says of its policy."""
    return {
        "policy": policy.name,
        "summary": policy.summary,
        "provenance": policy.provenance,
        "relaxation": policy.relaxation,
    }


def explain_policies(policies: Iterable[Described]) -> None:
    """Print what each policy does and where it comes from."""
    for policy in policies:
        print(f"  {policy.name}: {policy.summary} ({policy.provenance})")
