"""ServeGen: what each client of a service sends, from which requests are drawn.

Xiang et al., "ServeGen", arXiv 2505.09999: a service is the sum of its clients; each has a rate
and a law of the times between its requests in windows of ten minutes, and distributions of lengths
in windows of six hours.
"""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import Fault, InputError
from scheduling.instances.requests.rows import opened
from scheduling.instances.requests.trace import MOST_FAULTS, Trace, every_fault
from scheduling.instances.text import excerpt
from scheduling.models.requests.lengths import EmpiricalLength
from scheduling.models.requests.table import RequestTable

Floats = NDArray[np.float64]

NAME = "servegen"

_RATES = ("client_rates.csv", "client_rates.csv.gz")
_LENGTHS = ("client_lengths.csv", "client_lengths.csv.gz")
_WINDOW = 600.0
_PROMPTS = ("input_tokens", "text_tokens")
_ASK = re.compile(r"(?P<model>[^:]+)(:(?P<start>\d+)-(?P<end>\d+))?")
_MOST_ROWS = 20_000_000
_MOST_TOKENS = 1e9
_RATE_COLUMNS = ("model", "client", "window_start_s", "rate_rps", "pattern", "p1", "p2")
_LENGTH_COLUMNS = ("model", "client", "window_start_s", "field")


def sniff(folder: Path) -> bool:
    """Tell whether the folder holds client rates and lengths."""
    return _find(folder, _RATES) is not None and _find(folder, _LENGTHS) is not None


def read(folder: Path, ask: str | None, seed: int, *, strict: bool) -> Trace:
    """Draw the requests of a model's clients.

    Parameters
    ----------
    folder
        Where the two tables stand.
    ask
        ``MODEL`` or ``MODEL:START-END``, in seconds from the start of the trace.
    seed
        The same seed gives the same requests.
    strict
        Refuse windows of clients that have no lengths by then. Otherwise they are left out, and the
        trace says so.

    Raises
    ------
    InputError
        For a folder without the tables, a model or seconds that they do not have, rows that are
        broken, or more than 20 million requests.
    """
    rates, lengths = _find(folder, _RATES), _find(folder, _LENGTHS)
    if rates is None or lengths is None:
        expected = f"a folder with {_RATES[0]} and {_LENGTHS[0]}"
        raise InputError.single("folder", "another", expected, str(folder))
    windows = _read_rates(rates)
    model, start, end = _asked(ask, windows, str(folder))
    laws = _read_lengths(lengths, model)
    own = [row for row in windows[model] if row[1] + _WINDOW > start and row[1] < end]
    if not own:
        first, last = min(row[1] for row in windows[model]), max(row[1] for row in windows[model])
        expected = f"seconds within {first:g}-{last + _WINDOW:g}"
        raise InputError.single(
            f"model {model}", f"none in {start:g}-{end:g}", expected, str(rates)
        )
    known = [row for row in own if _law(laws, row[0], row[1]) is not None]
    odd = [row for row in own if _law(laws, row[0], row[1]) is None]
    faults = tuple(_lengthless(row, model, rates.name) for row in odd[:MOST_FAULTS])
    if odd and (strict or not known):
        raise InputError(every_fault(faults, len(odd)), str(lengths))
    table = _drawn(known, laws, (start, end), seed, f"{folder}#{ask}")
    return Trace(table, f"{folder}#{ask}", NAME, len(own), len(odd), faults)


def _drawn(
    own: list[_Row], laws: _Laws, seconds: tuple[float, float], seed: int, source: str
) -> RequestTable:
    """Draw the requests of windows of clients that have lengths."""
    start, end = seconds
    expected_rows = sum(row[2] for row in own) * _WINDOW
    if expected_rows > _MOST_ROWS:
        found = f"about {expected_rows:.0f} requests"
        asked = f"at most {_MOST_ROWS}: name fewer seconds, such as #MODEL:0-600"
        raise InputError.single("requests", found, asked, source)
    rng = np.random.default_rng(seed)
    times: list[Floats] = []
    prompts, outputs, clients = [], [], []
    names = sorted({row[0] for row in own}, key=lambda name: (len(name), name))
    for client, window, _, pattern, shape, scale, _ in own:
        arrivals = window + _arrivals(pattern, shape, scale, rng)
        arrivals = arrivals[(arrivals >= start) & (arrivals < end)]
        law = _law(laws, client, window)
        if law is not None and len(arrivals):
            times.append(arrivals - start)
            prompts.append(law[0].draw(len(arrivals), rng))
            outputs.append(law[1].draw(len(arrivals), rng))
            clients.append(np.full(len(arrivals), names.index(client), dtype=np.int64))
    if not times:
        expected = f"a request at least: name more seconds than {start:g}-{end:g}"
        raise InputError.single("requests", "none drawn", expected, source)
    arrival_ns = np.rint(np.concatenate(times) * 1e9).astype(np.int64)
    order = np.argsort(arrival_ns, kind="stable")
    return RequestTable(
        arrival_ns[order],
        np.concatenate(prompts)[order],
        np.concatenate(outputs)[order],
        np.concatenate(clients)[order],
        np.zeros(len(order), dtype=np.int64),
        tuple(f"client {name}" for name in names),
    )


_Row = tuple[str, float, float, str, float, float, int]
"""Client, window, rate, pattern, shape and scale, and the line in the file."""
_Laws = dict[str, dict[float, tuple[EmpiricalLength, EmpiricalLength]]]


def _lengthless(row: _Row, model: str, rates: str) -> Fault:
    """Return what is wrong with a window of a client that has no lengths by then."""
    client, window, line = row[0], row[1], row[6]
    found = f"none of client {excerpt(client)} ({rates}, line {line}) by second {window:g}"
    expected = f"lengths {_PROMPTS[0]} or {_PROMPTS[1]}, and output_tokens, of its clients"
    return Fault(f"model {model}", found, expected)


def _find(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _table(file: TextIO, columns: tuple[str, ...], path: Path) -> csv.DictReader[str]:
    """Return the rows of a table that has these columns."""
    try:
        reader = csv.DictReader(file)
        names = reader.fieldnames or ()
    except csv.Error as error:
        raise InputError.single("line 1", str(error), "a row of names", str(path)) from None
    missing = [name for name in columns if name not in names]
    if missing:
        expected = f"columns {', '.join(columns)}"
        raise InputError.single("line 1", f"no column {missing[0]}", expected, str(path))
    return reader


def _read_rates(path: Path) -> dict[str, list[_Row]]:
    windows: dict[str, list[_Row]] = defaultdict(list)
    with opened(path) as file:
        reader = _table(file, _RATE_COLUMNS, path)
        for row in reader:
            try:
                numbers = [float(row[key]) for key in ("window_start_s", "rate_rps", "p1", "p2")]
                start, rate, shape, scale = numbers
                sane = all(map(math.isfinite, numbers)) and min(rate, shape, scale) > 0
                if not sane or row["pattern"] not in {"Gamma", "Weibull"}:
                    raise ValueError
                # The law and not the rate says how many requests are drawn.
                if _MOST_ROWS * _mean(row["pattern"], shape, scale) < _WINDOW:
                    raise ValueError
                law = (row["pattern"], shape, scale)
                windows[row["model"]].append((row["client"], start, rate, *law, reader.line_num))
            except (TypeError, ValueError, OverflowError):
                expected = "model, client, window_start_s, rate_rps, pattern, p1 and p2"
                found = "a row without them"
                place = f"line {reader.line_num}"
                raise InputError.single(place, found, expected, str(path)) from None
    return windows


def _asked(
    ask: str | None, windows: dict[str, list[_Row]], source: str
) -> tuple[str, float, float]:
    """Split MODEL:START-END and complete what is not said."""
    found = _ASK.fullmatch(ask or "")
    if found is None or found["model"] not in windows:
        expected = f"#MODEL or #MODEL:START-END of one of: {', '.join(sorted(windows))}"
        raise InputError.single("model", repr(ask), expected, source)
    model = found["model"]
    last = max(row[1] for row in windows[model]) + _WINDOW
    start, end = float(found["start"] or 0), float(found["end"] or last)
    if not start < end:
        raise InputError.single("seconds", f"{start:g}-{end:g}", "an end behind the start", source)
    return model, start, end


def _read_lengths(path: Path, model: str) -> _Laws:
    """Read the distributions of a model's clients by window; the text stands for a prompt."""
    fields: dict[tuple[str, float], dict[str, EmpiricalLength]] = defaultdict(dict)
    with opened(path) as file:
        reader = _table(file, _LENGTH_COLUMNS, path)
        points = [key for key in reader.fieldnames or () if re.fullmatch(r"q[\d.]+", key)]
        shares = tuple(float(key[1:]) / 100 for key in points)
        for row in reader:
            if row["model"] != model or row["field"] not in {*_PROMPTS, "output_tokens"}:
                continue
            try:
                tokens = tuple(max(1.0, float(row[key])) for key in points)
                if not all(one <= _MOST_TOKENS for one in tokens):
                    raise ValueError(f"{max(tokens):g} tokens")
                law = EmpiricalLength(shares=shares, tokens=tokens)
                fields[row["client"], float(row["window_start_s"])][row["field"]] = law
            except (TypeError, ValueError, InputError) as error:
                place, found = f"line {reader.line_num}", str(error)
                raise InputError.single(place, found, "quantiles", str(path)) from None
    laws: _Laws = defaultdict(dict)
    for (client, window), known in fields.items():
        prompt = next((known[name] for name in _PROMPTS if name in known), None)
        if prompt is not None and "output_tokens" in known:
            laws[client][window] = (prompt, known["output_tokens"])
    return laws


def _law(laws: _Laws, client: str, window: float) -> tuple[EmpiricalLength, EmpiricalLength] | None:
    """Return the distributions of the last window of lengths that has begun by then."""
    own = laws.get(client, {})
    begun = [start for start in own if start <= window]
    return own[max(begun)] if begun else None


def _arrivals(pattern: str, shape: float, scale: float, rng: np.random.Generator) -> Floats:
    """Draw the arrivals of one window from the law of the times between them."""
    mean = _mean(pattern, shape, scale)
    times = np.empty(0)
    last = 0.0
    while last < _WINDOW:
        count = 16 + math.ceil(1.1 * (_WINDOW - last) / mean)
        draws = rng.gamma(shape, 1.0, count) if pattern == "Gamma" else rng.weibull(shape, count)
        times = np.concatenate((times, last + np.cumsum(draws * scale)))
        last = float(times[-1])
    return np.asarray(times[times < _WINDOW])


def _mean(pattern: str, shape: float, scale: float) -> float:
    """Return the mean time between arrivals, in seconds."""
    return scale * (shape if pattern == "Gamma" else math.gamma(1 + 1 / shape))
