"""What ``simulate`` refuses of scenarios of requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import SCENARIO, Cli


@pytest.mark.parametrize(
    ("change", "arguments", "expected"),
    [
        (
            ("replica:\n", "replica: {gpu: a900, model: llama-3.1-8b}\nunused:\n"),
            (),
            "replica.gpu: found 'a900', expected a GPU of the catalogue",
        ),
        (
            ("replica:\n", "replica: {gpu: l40s, model: llama-9}\nunused:\n"),
            (),
            "replica.model: found 'llama-9', expected ",
        ),
        (("search: {", "nope: {"), (), "slos: found nope, expected classes: chat, search"),
        (
            ("requests: 200", "requests: 200\nwarmup_seconds: 5000"),
            (),
            "warmup_seconds: found 5000, expected at most 1",
        ),
        (
            ("requests: 200", "requests: 200\nwarmup_seconds: 12"),
            ("--rates", "4,40", "--seeds", "0"),
            "warmup_seconds: found 12, expected at most 4.975, when the last one comes",
        ),
        (
            ("requests: 200", "requests: 200\nrouter: prefix-hash"),
            (),
            "router: found requests without prefixes, expected programs",
        ),
        (
            (
                SCENARIO.split("requests: 200\n")[1],
                "",
            ),
            ("--capacity", "0.9"),
            "slo: found nothing, expected limits, for the highest rate that keeps them",
        ),
    ],
)
def test_faults_behind_reading_name_file_and_field_before_any_run(
    cli: Cli,
    scenario: Path,
    change: tuple[str, str],
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    text = scenario.read_text().replace(*change)
    if "unused" in text:
        lines = text.splitlines()
        first = lines.index("unused:")
        text = "\n".join([*lines[:first], *lines[first + 3 :]]) + "\n"
    scenario.write_text(text, encoding="utf-8")
    call = cli("simulate", scenario, "--policy", "sarathi", *arguments)
    assert (call.code, call.out) == (2, "")
    assert call.err.startswith(f"error: {scenario}: {expected}")
    assert "simulated" not in call.err


def test_a_router_of_the_command_line_is_named_by_its_option(cli: Cli, scenario: Path) -> None:
    call = cli("simulate", scenario, "--policy", "sarathi", "--router", "prefix-hash")
    assert call.code == 2
    assert call.err.startswith("error: --router: found requests without prefixes")


def test_seconds_of_sessions_are_refused(cli: Cli, scenario: Path, tmp_path: Path) -> None:
    """Sessions are counted, as their calls come when those before them end."""
    for name in ("sessions.csv", "llm_calls.csv", "tool_calls.csv"):
        (tmp_path / name).write_text("", encoding="utf-8")
    text = scenario.read_text().replace("requests: 200", "requests: 200\nseconds: 9")
    text = text[: text.index("workload:")] + text[text.index("requests: 200") :]
    scenario.write_text(f"{text}\ntrace: .\n", encoding="utf-8")
    call = cli("simulate", scenario, "--policy", "apc")
    assert call.code == 2
    assert call.err.startswith(f"error: {scenario}: seconds: found 9, expected requests, so many")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--capacity", "90", "--capacity: found 90, expected a share above 0, at most 1"),
        ("--capacity", "0", "--capacity: found 0, expected a share above 0, at most 1"),
        ("--rates", "4,0", "--rates: found '4,0', expected positive numbers separated by commas"),
        ("--rates", "4,x", "--rates: found '4,x', expected positive numbers separated by commas"),
    ],
)
def test_numbers_out_of_range_are_refused_by_the_name_of_the_option(
    cli: Cli, scenario: Path, option: str, value: str, expected: str
) -> None:
    call = cli("simulate", scenario, "--policy", "vllm", option, value)
    assert (call.code, call.out) == (2, "")
    assert call.err == f"error: {expected}\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kv_tokens: 6400", "", "tokens of KV cache"),
        ("requests: 200", "", "one of the two"),
        ("  search: {", "  searches: {", "classes: chat, search"),
        (
            "base_seconds: 0.005, per_token_seconds: 4.0e-05",
            "base_seconds: 0, per_token_seconds: 0",
            "iterations that take time",
        ),
        ("  kv_tokens: 6400", "  kv_tokens: 6400\n  model: llama-3.1-8b", "beside a cost"),
        ("base_seconds: 0.005", "base_seconds: 1.0e300", "a finite time of an iteration"),
        ("base_seconds: 0.005", "base_seconds: 1.0e9", "found more than 292 years"),
        ("requests: 200", "requests: 200\nrate: 1.0e-300", "come within 292 years"),
    ],
)
def test_scenarios_that_make_no_sense_are_refused(
    cli: Cli, scenario: Path, old: str, new: str, words: str
) -> None:
    assert old in SCENARIO
    scenario.write_text(SCENARIO.replace(old, new), encoding="utf-8")
    call = cli("simulate", scenario)
    assert call.code == 2
    assert words in call.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policy", "sarathy"], "did you mean 'sarathi'"),
        (["--policy", "sarathi:x"], "whole tokens"),
        (["--policy", "watermark:2"], "a share"),
        (["--policy", "mc-sf:1"], "without a number"),
        (["--time-limit", "3"], "--time-limit"),
        (["--trace", "missing.csv"], "missing.csv"),
        (["--capacity", "2"], "at most 1"),
        (["--times", "times.txt"], ".csv, .json, .parquet"),
        (["--plot", "chart.pdf"], ".png or .svg"),
        (["--workers", "2"], "a sweep"),
        (["--seeds", "0,1", "--times", "times.csv"], "--times"),
        (["--seeds", "0,x"], "whole numbers, at least 0, separated by commas"),
        (["--rates", "2,x"], "numbers separated by commas"),
        (["--rates", "0"], "positive numbers"),
        (["--rates", "1", "--workers", "0"], "at least 1"),
        (["--rates", "1", "--output", "missing/runs.jsonl"], "runs.jsonl: file: found no such"),
    ],
)
def test_bad_calls_end_with_code_two(
    cli: Cli, scenario: Path, arguments: list[str], words: str
) -> None:
    call = cli("simulate", scenario, *arguments)
    assert call.code == 2
    assert words in call.err


def test_options_of_requests_are_refused_for_schedules(cli: Cli) -> None:
    call = cli("simulate", "bundled:ft06", "--strict")
    assert call.code == 2
    assert "--strict" in call.err


def test_a_model_that_does_not_fit_is_refused_by_name(cli: Cli, scenario: Path) -> None:
    text = SCENARIO[: SCENARIO.index("  cost:")] + "  model: llama-3.1-70b\n  gpu: l4\n"
    scenario.write_text(text + SCENARIO[SCENARIO.index("replicas:") :], encoding="utf-8")
    call = cli("simulate", scenario)
    assert call.code == 2
    assert "does not hold" in call.err
    assert "replica.layout" in call.err


def test_what_only_a_simulation_answers_is_refused(cli: Cli, scenario: Path) -> None:
    for verb in (("solve", scenario), ("schema", "requests", "--solution")):
        call = cli(*verb)
        assert call.code == 2
        assert "requests" in call.err
    assert "max_answer_tokens" in cli("schema", "requests").json["properties"]
