"""Moments of traces in the spellings that databases and loggers give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.errors import InputError
from scheduling.instances.requests.reading import read_requests

HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
START = 5


def arrivals(folder: Path, *moments: str) -> list[int]:
    path = folder / "trace.csv"
    path.write_text(
        HEAD + "".join(f"{moment},{START + row},1\n" for row, moment in enumerate(moments))
    )
    table = read_requests(path).table
    return [int(ns) // 10**9 for ns in table.arrival_ns[table.prompt_tokens.argsort()]]


@pytest.mark.parametrize("zone", ["Z", "+00", " +00", "+00:00", " +0000", "-05", "+05:30"])
def test_zones_may_be_hours_alone_and_stand_behind_a_space(tmp_path: Path, zone: str) -> None:
    times = (f"2024-01-01 10:00:00{zone}", f"2024-01-01 10:00:02.5{zone}")
    assert arrivals(tmp_path, *times) == [0, 2]


def test_zones_that_differ_are_compared_in_universal_time(tmp_path: Path) -> None:
    times = ("2024-01-01 10:00:00+00", "2024-01-01 04:00:00-05", "2024-01-01 15:00:00 +05:30")
    assert arrivals(tmp_path, *times) == [3600, 0, 1800]


@pytest.mark.parametrize("end", [" UTC", "z", "+99", "+24:00", " 18+05"])
def test_other_endings_are_broken_rows(tmp_path: Path, end: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        arrivals(tmp_path, f"2024-01-01 10:00:00{end}")
