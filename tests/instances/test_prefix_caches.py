"""Traces with blocks as caching problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.caching.prefixes import prefix_cache
from scheduling.instances.requests.reading import read_requests


def write(path: Path, prompts: list[list[int]]) -> Path:
    lines = (
        {"timestamp": 1000 * k, "input_length": 512 * len(p), "output_length": 1, "hash_ids": p}
        for k, p in enumerate(prompts)
    )
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_blocks_become_objects_that_continue_each_other(tmp_path: Path) -> None:
    file = write(tmp_path / "t.jsonl", [[1, 2, 3], [1, 4], [1, 2, 3]])
    problem = prefix_cache(read_requests(file), 2)
    after = {entry.id: entry.after for entry in problem.objects}
    assert after == {"b1": None, "b2": "b1", "b3": "b2", "b4": "b1"}
    assert {entry.cost for entry in problem.objects} == {512}
    # Two blocks are kept from the first to the last; 3 and, of the second prompt, 4 are computed.
    assert sch.solve(problem, work_limit=1).objective == 512 * (3 + 1 + 1)
    later = prefix_cache(read_requests(file), 2, since=1.0, until=2.0)
    assert later.requests == (("b1", "b4"),)


def test_parts_without_requests_and_traces_without_blocks_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "t.jsonl", [[1]])
    with pytest.raises(InputError, match="no request"):
        prefix_cache(read_requests(file), 2, since=5.0)
    plain = tmp_path / "plain.csv"
    plain.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n")
    with pytest.raises(InputError, match="no blocks"):
        prefix_cache(read_requests(plain), 2)


def test_a_block_behind_two_others_is_a_fault(tmp_path: Path) -> None:
    file = write(tmp_path / "t.jsonl", [[1, 2], [3, 2]])
    with pytest.raises(InputError, match="always the same"):
        prefix_cache(read_requests(file), 2)
