"""Profiles of operators from files, whatever their format."""

from __future__ import annotations

import re
from itertools import islice
from os import PathLike
from pathlib import Path
from statistics import median

from scheduling.errors import InputError
from scheduling.instances.cost import aiconfigurator, operator_sheets
from scheduling.instances.documents import read_json
from scheduling.instances.files import read_text
from scheduling.models.cost.catalogue import gpu
from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.operators import Operators
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.profile import OperatorProfile
from scheduling.models.cost.tables import OperatorTable

_PARQUET = re.compile(
    rf"(?P<prefix>.+?)_(?P<operator>{'|'.join(aiconfigurator.OPERATORS)})\.parquet"
)
_NCCL = re.compile(r"(?P<gpu>.+?)_nccl-.*")
_FARTHEST = 30.0
"""Times the formula, up or down, from which on units are to blame for the median of a table."""

_STRIDE = 7
"""Every so manieth product is looked at: tables have a hundred thousand."""


def read_operators(path: str | PathLike[str]) -> OperatorTable:
    """Read measured operators of one GPU with one version of one engine.

    Parameters
    ----------
    path
        A document of kind ``operator-profile`` (JSON), which ``scheduling profile`` writes; a CSV
        table of Vidur or APEX+; Parquet tables of AIConfigurator by what their names share, such as
        ``tables/h100_sxm_vllm-0.24.0``, with NCCL's tables of that GPU beside them; or a folder
        with tables of one GPU and engine.

    Raises
    ------
    InputError
        When nothing is there, a file is none of these, tables of several engines would be mixed, or
        times are so far from what the GPU can do that their unit must be another.
    UnsupportedError
        For Parquet without pyarrow.
    """
    place = Path(path)
    if place.suffix == ".json" and not place.is_dir():
        text, source = read_text(place)
        profile = read_json(OperatorProfile, text, source)
        return _believable(profile.table(), profile.gpu, str(place))
    folder = place if place.is_dir() else place.parent
    prefix = "" if place.is_dir() else place.name.removesuffix(".parquet")
    if place.suffix == ".csv":
        return _believable(*operator_sheets.read_sheets(place.stem, [place]), str(place))
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    named = {file: found for file in files if (found := _PARQUET.fullmatch(file.name))}
    if not named:
        sheets = sorted(place.glob("*.csv")) if place.is_dir() else []
        if not sheets:
            raise InputError.single("profile", str(path), "a file or folder of operator tables")
        return _believable(*operator_sheets.read_sheets(place.name, sheets), str(place))
    return _parquet(named, prefix, str(path))


def _parquet(named: dict[Path, re.Match[str]], prefix: str, source: str) -> OperatorTable:
    """Tables of the one GPU and engine whose names start so."""
    engines: dict[str, dict[str, Path]] = {}
    for file, found in named.items():
        if file.name.startswith(prefix):
            engines.setdefault(found["prefix"], {})[found["operator"]] = file
    chosen = sorted(name for name in engines if not _NCCL.fullmatch(name)) or sorted(engines)
    if len(chosen) != 1:
        seen = ", ".join(chosen) or f"none that starts with {prefix}"
        raise InputError.single("profile", seen, "tables of one GPU and engine", source)
    name = chosen[0]
    card = name.rsplit("_", 1)[0]
    tables = dict(engines[name])
    for file, found in named.items():
        of = _NCCL.fullmatch(found["prefix"])
        if of is not None and of["gpu"] == card and found["operator"] == "collectives":
            tables.setdefault("collectives", file)
    return _believable(aiconfigurator.read_tables(name, tables), card, source)


def _believable(table: OperatorTable, card: str | None, source: str) -> OperatorTable:
    """Return the table, unless its times can only be of another unit."""
    known = _known(card)
    if known is None:
        return table
    operators = Operators(known, Precision(), Efficiency())
    ratios: dict[str, list[float]] = {}
    wide = table.products.get(("bf16", "bf16"))
    if wide is not None:
        ratios["products"] = [
            seconds / operators.product(rows, round(n), round(k)).seconds
            for (n, k, rows), seconds in islice(wide.points(), 0, None, _STRIDE)
        ]
    for group, reduction in table.all_reduce.items():
        ratios[f"all_reduce over {group}"] = [
            seconds / operators.all_reduce(payload, group).seconds
            for (payload,), seconds in reduction.points()
        ]
    for place, found in ratios.items():
        if not 1 / _FARTHEST < median(found) < _FARTHEST:
            seen = f"{median(found):.3g} times what {known.name} should take"
            raise InputError.single(place, seen, "seconds as the format has them", source)
    return table


def _known(card: str | None) -> Gpu | None:
    try:
        return None if card is None else gpu(card)
    except InputError:
        return None
