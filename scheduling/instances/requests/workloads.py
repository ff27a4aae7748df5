"""Files of workloads: distributions that requests are drawn from, as YAML or JSON."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from scheduling.instances.documents import read_json, read_yaml, write_yaml
from scheduling.instances.files import read_text
from scheduling.models.requests.workload import Workload
from scheduling.storage import write_whole

_ENDINGS = (".yaml", ".yml", ".json")


def may_hold_workload(path: str | PathLike[str]) -> bool:
    """Tell whether the name's ending is one of a workload, not of a trace."""
    return os.fspath(path).lower().endswith(_ENDINGS)


def read_workload(path: str | PathLike[str]) -> Workload:
    """Read a workload.

    Raises
    ------
    InputError
        When the file cannot be read or is no workload; every fault has its line.
    """
    text, source = read_text(path)
    if source.lower().endswith(".json"):
        return read_json(Workload, text, source)
    return read_yaml(Workload, text, source)


def write_workload(workload: Workload, path: str | PathLike[str]) -> None:
    """Write a workload as YAML, whole or not at all.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    data = workload.model_dump(mode="json", exclude_none=True)
    write_whole(Path(path), write_yaml(data, leaves_in_line=True).encode())
