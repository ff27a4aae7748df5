"""Running many scenarios, each under its budget, into files that are whole at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from scheduling.backends.carrying import StoppedError, carry_out, check_engine
from scheduling.errors import InputError
from scheduling.report.results.page import render_report
from scheduling.report.results.systems import atlas_section
from scheduling.scenarios.atlas.alone import Task, run_alone
from scheduling.scenarios.atlas.entries import KIND, Atlas, Entry, ordered, read_entries
from scheduling.scenarios.atlas.markdown import render_markdown
from scheduling.scenarios.registry import scenario
from scheduling.scenarios.scenario import data_folder
from scheduling.schemas import stamped
from scheduling.storage import require_folder, write_files

STEM = "atlas"
"""Name of the files without their endings."""

OnEntry = Callable[[Entry, int, int], None]


def run_atlas(
    names: Sequence[str],
    budget_seconds: float,
    folder: Path | None = None,
    *,
    jobs: int | None = None,
    backend: str = "loky",
    on_entry: OnEntry | None = None,
) -> Atlas:
    """Run scenarios, each in a process of its own that ends with its budget.

    Parameters
    ----------
    names
        Scenarios of the registry.
    budget_seconds
        Wall-clock seconds of each.
    folder
        Where ``atlas.json``, ``atlas.md`` and ``atlas.html`` are kept, whole after every scenario;
        those that the first already has, of the same budget, release and version of Python, are not
        run again.
    jobs
        Most scenarios side by side. Default: one on this machine, all that a cluster has room for.
    backend
        Engine that carries them: ``loky`` (this machine), ``dask`` or ``ray``, with its address
        as ``dask:tcp://host:8786``.
    on_entry
        Called after each scenario with its entry, the number done and the number of all.

    Raises
    ------
    InputError
        For an unknown scenario or backend, a budget or a number of jobs out of range, a folder that
        cannot be written, or an ``atlas.json`` there that is none.
    StoppedError
        When the keyboard interrupts it, with the entries of the scenarios that had ended.
    """
    check_engine(jobs, backend)
    if not 0 < budget_seconds < float("inf"):
        raise InputError.single("--budget", f"{budget_seconds:g}", "a positive finite time")
    chosen = [scenario(name).name for name in dict.fromkeys(names)]
    known = _known(folder, budget_seconds, set(chosen))
    data = data_folder()
    tasks = [
        Task(name, budget_seconds, None if data is None else str(data))
        for name in chosen
        if name not in known
    ]

    def atlas() -> Atlas:
        return Atlas(ordered(tuple(known.values())), budget_seconds, len(chosen))

    try:
        for entry in carry_out(run_alone, tasks, jobs, backend):
            known[entry.name] = entry
            if folder is not None:
                write_atlas(atlas(), folder)
            if on_entry is not None:
                on_entry(entry, len(known), len(chosen))
    except KeyboardInterrupt:
        raise StoppedError(atlas().entries, len(chosen)) from None
    found = atlas()
    if folder is not None:
        write_atlas(found, folder)
    return found


def _known(folder: Path | None, budget_seconds: float, chosen: set[str]) -> dict[str, Entry]:
    if folder is None:
        return {}
    require_folder(folder)
    path = folder / f"{STEM}.json"
    if not path.exists():
        return {}
    found = read_entries(path, budget_seconds)
    return {entry.name: entry for entry in found if entry.name in chosen}


def write_atlas(atlas: Atlas, folder: Path) -> None:
    """Write an atlas as JSON, as Markdown and as a page; all of it or nothing.

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    record = atlas.record()
    page = render_report([atlas_section(record, STEM)], "Published systems, reproduced")
    contents = {
        f"{STEM}.json": json.dumps(stamped(KIND, record), ensure_ascii=False, indent=1),
        f"{STEM}.md": render_markdown(record),
        f"{STEM}.html": page,
    }
    write_files(folder, {name: f"{text}\n".encode() for name, text in contents.items()})
