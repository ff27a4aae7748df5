"""Numbers that options do not take: refused by the option's name, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

SHOP, FLEET = "bundled:workshop", "bundled:chat-fleet"

SCENARIO = """
kind: requests
replica: {cost: {base_seconds: 0.005, per_token_seconds: 4.0e-05}, kv_tokens: 6400}
workload:
  classes:
    - name: chat
      arrivals: {kind: poisson, rate: 2.0}
      prompt: {kind: fixed, tokens: 100}
      output: {kind: fixed, tokens: 20}
requests: 5
"""
TRACE = "arrival_s,prompt_tokens,output_tokens\n0,10,10\n1,20,10\n"

VERBS = {
    "solve": (SHOP,),
    "pareto": (SHOP,),
    "explain": (SHOP,),
    "simulate": (SHOP,),
    "bench": ("bundled",),
    "plan": (FLEET,),
    "pods": ("bundled:gpu-cluster",),
    "extender": ("--snapshot", "bundled:gpu-cluster"),
    "reproduce": ("wrp",),
}

LIMITS = ["-3", "0", "nan", "inf", "soon"]
COUNTS = ["0", "1.5", "many", "9" * 20]
OF_VERBS = (
    ("--time-limit", sorted(VERBS), LIMITS),
    ("--work-limit", ["solve", "pareto", "simulate"], LIMITS),
    ("--workers", sorted({*VERBS} - {"reproduce"}), COUNTS),
    ("--jobs", ["bench", "plan", "reproduce"], COUNTS),
)


def assert_named(cli: Cli, option: str, value: str, *words: object) -> None:
    """Demand one message with the option, what was found and what was expected."""
    call = cli(*words, option, value)
    assert (call.code, call.out) == (2, "")
    told = call.err.strip().splitlines()[-1]
    assert option in told
    assert "found" in told
    assert "expected" in told


@pytest.mark.parametrize(
    ("option", "verb", "value"),
    [
        (option, verb, value)
        for option, verbs, values in OF_VERBS
        for verb in verbs
        for value in values
    ],
)
def test_limits_and_counts(cli: Cli, option: str, verb: str, value: str) -> None:
    assert_named(cli, option, value, verb, *VERBS[verb])


@pytest.mark.parametrize(
    ("words", "option", "value"),
    [
        (("plan", FLEET), "--rate", "chat=nan"),
        (("plan", FLEET), "--rate", "chat=-3"),
        (("plan", FLEET), "--max-changes", "9" * 20),
        (("pods", "bundled:gpu-cluster"), "--max-moves", "9" * 20),
        (("extender", "--snapshot", "bundled:gpu-cluster"), "--max-moves", "9" * 20),
        (("extender",), "--request-timeout", "inf"),
        (("extender",), "--move-pace", "inf"),
        (("bench", "bundled"), "--seeds", "-1"),
        (("bench", "bundled"), "--seeds", ""),
        (("profile", "llama-3.1-8b", "--output", "profile.json"), "--tp", "0"),
        (("generate", "job-shop", "--parameter", "machines=3"), "--parameter", "jobs=-3"),
    ],
)
def test_other_numbers(cli: Cli, words: tuple[str, ...], option: str, value: str) -> None:
    assert_named(cli, option, value, *words)


@pytest.mark.parametrize(("option", "value"), [("--seconds", "inf"), ("--requests", "0")])
def test_shares_of_traces(cli: Cli, tmp_path: Path, option: str, value: str) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(TRACE, encoding="utf-8")
    assert_named(cli, option, value, "trace", trace)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--workers", "0"), ("--seeds", "-1"), ("--rates", "nan"), ("--capacity", "nan")],
)
def test_sweeps(cli: Cli, tmp_path: Path, option: str, value: str) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    more = ("--seeds", "1") if option != "--seeds" else ()
    assert_named(cli, option, value, "simulate", scenario, *more)
