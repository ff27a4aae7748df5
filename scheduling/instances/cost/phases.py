"""Profiles of measured phases from files: Splitwise's table and DistServe's coefficients."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from os import PathLike
from typing import Any

from scheduling.errors import Fault, InputError
from scheduling.instances.files import read_text
from scheduling.instances.jsontext import parse_json
from scheduling.instances.text import excerpt
from scheduling.models.cost.catalogue import gpu as known_gpu
from scheduling.models.cost.catalogue import llm as known_llm
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.phases import FittedPhases, PhaseTable, fit_table
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Batch
from scheduling.models.cost.work import floor_seconds

_COLUMNS = (
    "model",
    "hardware",
    "prompt_size",
    "batch_size",
    "token_size",
    "prompt_time",
    "token_time",
    "tensor_parallel",
)
_SIZES = ("prompt_size", "batch_size", "token_size", "tensor_parallel")
_TIMES = ("prompt_time", "token_time")

_LEAST, _MOST = 0.8, 100.0
"""Between how many times the least possible time a measurement is believed."""

_BROKEN_SHARE = 0.25
"""Share of unbelievable cells from which on the units are to blame, not single measurements."""

_SIXTEEN = Precision(weights="fp16", compute="fp16", kv="fp16")

Key = tuple[str, str, int]
"""Model, hardware and tensor parallel degree, as the file names them."""


@dataclass(frozen=True, slots=True)
class PhaseProfile:
    """Tables of a file of measured phases.

    Parameters
    ----------
    tables
        By model, hardware and tensor parallel degree, as the file names them.
    left_out
        Cells that cannot have been measured so, and hardware whose rows are no measurements.
    """

    tables: Mapping[Key, PhaseTable]
    left_out: tuple[Fault, ...]

    def cost(self, model: str, hardware: str, tensor_parallel: int) -> PhaseTable:
        """Return one table.

        Raises
        ------
        InputError
            When the file has none for these; it lists what it has.
        """
        table = self.tables.get((model, hardware, tensor_parallel))
        if table is None:
            found = f"{model} on {hardware}, tp{tensor_parallel}"
            known = ", ".join(f"{m} on {h}, tp{tp}" for m, h, tp in self.tables)
            raise InputError.single("profile", found, f"one of: {known}")
        return table


@dataclass(frozen=True, slots=True)
class _Row:
    """One measurement, times in seconds."""

    line: int
    key: Key
    prompt: int
    batch: int
    tokens: int
    prompt_seconds: float
    token_seconds: float

    @property
    def cell(self) -> tuple[Key, int, int, int]:
        """Return what was measured, without the repetition."""
        return self.key, self.prompt, self.batch, self.tokens

    @property
    def context(self) -> float:
        """Return the mean context of a sequence over the decode iterations."""
        return self.prompt + self.tokens / 2


def read_splitwise(path: str | PathLike[str]) -> PhaseProfile:
    """Read a table of phases in the format of Splitwise's simulator (``perf_model.csv``).

    Times are in milliseconds, weights are of 16 bits. Every cell is compared with the least time
    that the data sheet of its GPU allows: one below 0.8 or above 100 times of it is left out and
    named; when a quarter of the cells of a table is, the file is refused, since then its units are
    others. Hardware whose decode times are a copy of another's, row for row, was not measured and
    is left out.

    Parameters
    ----------
    path
        A CSV file with the columns ``model``, ``hardware``, ``prompt_size``, ``batch_size``,
        ``token_size``, ``tensor_parallel`` (counts) and ``prompt_time`` (whole batch),
        ``token_time`` (one iteration). Models and hardware are names of the catalogue.

    Raises
    ------
    InputError
        When the file cannot be read, lacks a column, has a value that is no number, names a model
        or hardware that the catalogue does not have, or is in other units.
    """
    text, source = read_text(path)
    try:
        return _profile(_rows(text))
    except InputError as error:
        raise error.with_source(source) from None


def read_distserve(
    path: str | PathLike[str], model: Llm, card: Gpu, stages: int = 1
) -> dict[int, FittedPhases]:
    """Read coefficients in the format of DistServe's simulator.

    Parameters
    ----------
    path
        A JSON object: for each tensor parallel degree an object with ``prefill``,
        ``decoding_smallbs`` and ``decoding_largebs`` (three coefficients each, milliseconds) and
        ``decoding_large_small_bs_threshold`` (sequences).
    model, card
        What was measured, with 16-bit weights; the formulas are compared with the least times that
        they allow.
    stages
        Pipeline stages.

    Returns
    -------
    dict
        A cost model for each tensor parallel degree.

    Raises
    ------
    InputError
        When the file cannot be read, a field is missing or no such number, or times are in other
        units; every fault names its field.
    """
    text, source = read_text(path)
    data = parse_json(text, source)
    if not isinstance(data, dict) or not data:
        raise InputError.single("document", "no degrees", "an object by degree", source)
    faults: list[Fault] = []
    fits = {}
    for degree, entry in data.items():
        if not degree.isdigit() or not int(degree) or not isinstance(entry, dict):
            faults.append(Fault(repr(degree), "no degree", "a tensor parallel degree"))
            continue
        fit = _fit(entry, degree, stages, faults)
        if fit is not None:
            fits[int(degree)] = fit
            faults.extend(_fit_faults(fit, degree, model, card))
    if faults:
        raise InputError(faults, source)
    return fits


def _rows(text: str) -> list[_Row]:
    reader = csv.DictReader(StringIO(text))
    header = reader.fieldnames or []
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        expected = "a column of this name"
        raise InputError([Fault(f"line 1, {name}", "nothing", expected) for name in missing])
    rows = []
    faults: list[Fault] = []
    for values in reader:
        try:
            rows.append(_row(values, reader.line_num))
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(faults)
    if not rows:
        raise InputError.single("line 2", "nothing", "a row of measurements")
    return rows


def _row(values: Mapping[str, Any], line: int) -> _Row:
    faults = []
    numbers: dict[str, float] = {}
    for column in (*_SIZES, *_TIMES):
        text = values.get(column)
        try:
            numbers[column] = float(text or "")
        except ValueError:
            numbers[column] = math.nan
        whole = column in _TIMES or numbers[column] == math.floor(numbers[column] or 0.5)
        if not (math.isfinite(numbers[column]) and numbers[column] > 0 and whole):
            noun = "time in milliseconds" if column in _TIMES else "whole number"
            faults.append(Fault(f"line {line}, {column}", repr(text), f"a {noun} above 0"))
            numbers[column] = 1.0
    if faults:
        raise InputError(faults)
    sizes = {column: int(numbers[column]) for column in _SIZES}
    return _Row(
        line,
        (str(values["model"]), str(values["hardware"]), sizes["tensor_parallel"]),
        sizes["prompt_size"],
        sizes["batch_size"],
        sizes["token_size"],
        numbers["prompt_time"] / 1000,
        numbers["token_time"] / 1000,
    )


def _profile(rows: list[_Row]) -> PhaseProfile:
    left_out = list(_copies(rows))
    copied = {fault.place for fault in left_out}
    by_key: dict[Key, list[_Row]] = {}
    for row in rows:
        if row.key[1] not in copied:
            by_key.setdefault(row.key, []).append(row)
    tables = {}
    for key, measured in by_key.items():
        broken = _broken(key, measured)
        left_out.extend(broken.values())
        kept = [row for row in measured if row.cell not in broken]
        prompts: dict[float, list[float]] = {}
        decodes: dict[tuple[int, float], list[float]] = {}
        for row in kept:
            prompts.setdefault(row.prompt * row.batch, []).append(row.prompt_seconds)
            decodes.setdefault((row.batch, row.context), []).append(row.token_seconds)
        tables[key] = fit_table(prompts, decodes)
    return PhaseProfile(tables, tuple(left_out))


def _broken(key: Key, rows: Iterable[_Row]) -> dict[tuple[Key, int, int, int], Fault]:
    """Return the cells that the GPU cannot have measured so, or raise when they are too many."""
    model, card = known_llm(key[0]), known_gpu(key[1])
    layout = Layout(tp=key[2])
    cells: dict[tuple[Key, int, int, int], Fault | None] = {}
    for row in rows:
        prompt = Batch.prefill(row.prompt)
        whole = prompt
        for _ in range(row.batch - 1):
            whole += prompt
        decode = Batch.decode(row.batch, int(row.batch * row.context))
        cells.setdefault(row.cell, None)
        for column, seconds, batch in (
            ("prompt_time", row.prompt_seconds, whole),
            ("token_time", row.token_seconds, decode),
        ):
            least = floor_seconds(model, card, layout, _SIXTEEN, batch)
            if not _LEAST <= seconds / least <= _MOST:
                cells[row.cell] = _unbelievable(f"line {row.line}, {column}", seconds, least, card)
    broken = {cell: fault for cell, fault in cells.items() if fault is not None}
    if len(broken) > _BROKEN_SHARE * len(cells):
        found = f"{len(broken)} of {len(cells)} cells of {key[1]}, tp{key[2]}, at times such as "
        first = next(iter(broken.values()))
        raise InputError.single(first.place, found + first.found, "milliseconds")
    return broken


def _unbelievable(place: str, seconds: float, least: float, card: Gpu) -> Fault:
    floor = f"the {1000 * least:.3g} ms that {card.name} needs at least"
    return Fault(place, f"{seconds * 1000:.3g} ms", f"{_LEAST} to {_MOST:g} times {floor}")


def _copies(rows: list[_Row]) -> Iterable[Fault]:
    """Yield the hardware whose decode times are those of other hardware, row for row."""
    times: dict[str, dict[tuple[Any, ...], list[float]]] = {}
    for row in rows:
        cell = (row.key[0], row.key[2], row.prompt, row.batch, row.tokens)
        times.setdefault(row.key[1], {}).setdefault(cell, []).append(row.token_seconds)
    names = sorted(times, key=len)
    for index, name in enumerate(names):
        for other in names[:index]:
            common = times[name].keys() & times[other].keys()
            if common and all(times[name][cell] == times[other][cell] for cell in common):
                expected = "decode times of its own; its rows are no measurements"
                yield Fault(name, f"a copy of {other}", expected)
                break


def _fit(
    entry: Mapping[str, Any], degree: str, stages: int, faults: list[Fault]
) -> FittedPhases | None:
    """Translate the coefficients of one degree, or note what is wrong."""
    prompt = _triple(entry, degree, "prefill", faults)
    few = _triple(entry, degree, "decoding_smallbs", faults)
    many = _triple(entry, degree, "decoding_largebs", faults)
    name = "decoding_large_small_bs_threshold"
    threshold = entry.get(name)
    if not isinstance(threshold, int) or isinstance(threshold, bool) or threshold < 1:
        found = "nothing" if threshold is None else repr(threshold)
        faults.append(Fault(f"{degree}.{name}", found, "a number of sequences"))
        return None
    if prompt is None or few is None or many is None:
        return None
    return FittedPhases(prompt, few, many, threshold, stages)


def _triple(
    entry: Mapping[str, Any], degree: str, name: str, faults: list[Fault]
) -> tuple[float, float, float] | None:
    """Return three coefficients in seconds, or note what is wrong."""
    value = entry.get(name)
    if isinstance(value, list) and len(value) == 3 and all(map(_is_number, value)):
        return value[0] / 1000, value[1] / 1000, value[2] / 1000
    found = "nothing" if value is None else excerpt(repr(value))
    faults.append(Fault(f"{degree}.{name}", found, "three numbers"))
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fit_faults(fit: FittedPhases, degree: str, model: Llm, card: Gpu) -> Iterable[Fault]:
    """Compare a prompt, a short and a long iteration with the least times that they can take."""
    layout = Layout(tp=int(degree))
    for name, batch in (
        ("prefill", Batch.prefill(1024)),
        ("decoding_smallbs", Batch.decode(1, 512)),
        ("decoding_largebs", Batch.decode(fit.threshold, 512 * fit.threshold)),
    ):
        single = FittedPhases(fit.prompt, fit.few, fit.many, fit.threshold)
        seconds, least = single.seconds(batch), floor_seconds(model, card, layout, _SIXTEEN, batch)
        if not _LEAST <= seconds / least <= _MOST:
            yield _unbelievable(f"{degree}.{name}", seconds, least, card)
