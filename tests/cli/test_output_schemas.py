"""What verbs print with --json has the shape that their schemas state, no more and no less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scheduling.schemas import OUTPUTS, output_schema, stamp
from tests.cli.conftest import Cli

IMPOSSIBLE = """
kind: schedule
jobs:
  - {id: a, deadline: 4, tasks: [{id: cut, modes: [{duration: 5}]}]}
"""
TRACE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:15:46.680590,374,44\n2023-11-16 18:15:50.995169,396,109\n"
)
CALLS = {
    "check": ("check", "shop.txt", "answer.json"),
    "config": ("config",),
    "conversion": ("convert", "shop.txt", "shop.yaml"),
    "explanation": ("explain", "impossible.yaml"),
    "generators": ("generate",),
    "info": ("info", "shop.txt"),
    "report": ("report", "answer.json", "-o", "page.html"),
    "schemas": ("schema",),
    "trace": ("trace", "trace.csv"),
    "benchmark": ("bench", "suite", "--solvers", "dispatch"),
    "solution-schedule": ("solve", "shop.txt", "--solver", "dispatch:LPT"),
    "problem-schedule": ("generate", "job-shop", "-p", "jobs=2", "-p", "machines=2"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("suite").mkdir()
    for name in ("shop.txt", "suite/shop.jsp"):
        Path(name).write_text("2 2\n0 3 1 2\n1 4 0 1\n", encoding="utf-8")
    Path("impossible.yaml").write_text(IMPOSSIBLE, encoding="utf-8")
    Path("trace.csv").write_text(TRACE, encoding="utf-8")
    cli("solve", "shop.txt", "--solver", "dispatch:LPT", "--output", "answer.json")
    return tmp_path


def faults(value: Any, schema: dict[str, Any], place: str = "") -> list[str]:
    """Compare a value with a schema of the few words that the schemas of outputs use."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and _kind(value) not in kinds:
        return [f"{place}: {_kind(value)}, not {kinds}"]
    found = []
    if isinstance(value, dict) and "properties" in schema:
        known, needed = schema["properties"], schema.get("required", [])
        found += [f"{place}.{key}: not in the schema" for key in value if key not in known]
        found += [f"{place}.{key}: missing" for key in needed if key not in value]
        for key in value:
            found += faults(value[key], known.get(key, {}), f"{place}.{key}")
    if isinstance(value, list):
        for entry in value:
            found += faults(entry, schema.get("items", {}), f"{place}[]")
    return found


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


@pytest.mark.parametrize("name", CALLS)
def test_output_has_the_shape_of_its_schema(cli: Cli, folder: Path, name: str) -> None:
    found = cli(*CALLS[name], "--json").json
    assert next(iter(found.items())) == ("schema", stamp(name))
    if name in OUTPUTS:
        assert faults(found, output_schema(name)) == []


def test_stamped_files_are_read_again(cli: Cli, folder: Path) -> None:
    for call, name in ((CALLS["problem-schedule"], "p.json"), (CALLS["benchmark"], "b.json")):
        Path(name).write_text(cli(*call, "--json").out, encoding="utf-8")
    assert cli("info", "p.json").code == 0
    assert cli("report", "b.json", "-o", "page.html").code == 0
    assert cli("check", "shop.txt", "answer.json").code == 0
    text = Path("answer.json").read_text(encoding="utf-8")
    Path("answer.json").write_text(text.replace("schedule/1", "schedule/2"), encoding="utf-8")
    refused = cli("check", "shop.txt", "answer.json")
    assert refused.code == 2
    assert "version 1, which this release reads" in refused.err


def test_comparison_sees_what_is_gone_new_or_of_another_type() -> None:
    schema = output_schema("check")
    right = {"schema": "x", "valid": True, "violations": []}
    assert faults(right, schema) == []
    assert faults({**right, "extra": 1}, schema) == [".extra: not in the schema"]
    assert faults({**right, "valid": "yes"}, schema) == [".valid: string, not ['boolean']"]
    assert faults({"schema": "x", "violations": []}, schema) == [".valid: missing"]
