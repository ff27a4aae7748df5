"""Sweeps of scenarios of requests: policies, rates and seeds."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli


def test_sweeps_show_means_and_go_on(cli: Cli, scenario: Path, tmp_path: Path) -> None:
    results, plot = tmp_path / "sweep.jsonl", tmp_path / "frontier.svg"
    words = ["simulate", scenario, "--policy", "vllm", "--rates", "4,8", "--seeds", "0,1"]
    call = cli(*words, "--output", results, "--plot", plot)
    assert call.code == 0
    assert " ± " in call.out
    assert call.out.split("against any policy")[0].count("vllm") == 4
    assert "TPOT p99" in plot.read_text()
    kept = results.read_text()
    found = cli(*words, "--output", results, "--json").json["records"]
    assert results.read_text() == kept
    assert [(one["rate"], one["seed"]) for one in found] == [(4, 0), (4, 1), (8, 0), (8, 1)]


def test_sweeps_show_how_far_policies_are_from_the_best(cli: Cli, scenario: Path) -> None:
    words = ["simulate", scenario, "--policy", "vllm", "--rates", "4,8", "--seeds", "0,1"]
    call = cli(*words, "--objective", "makespan", "--objective", "in-slo")
    shown, bounds = call.out.split("against any policy")
    assert "e2e" not in bounds
    runs = cli(*words, "--json").json["records"]
    for rate in (4, 8):
        own = [one["run"] for one in runs if one["rate"] == rate]
        row = next(line for line in bounds.splitlines() if f" {rate}   makespan" in line)
        for field in ("value", "bound"):
            mean = sum(one["certified"]["makespan"][field] for one in own) / 2
            assert f"{mean:.4g} ± " in row
        gap = sum(one["certified"]["makespan"]["gap"] for one in own) / 2
        assert f"{100 * gap:.2f} ± " in row
        kept = sum(one["demands"][0]["attainment"]["value"] for one in own) / 2
        assert f"{100 * kept:.2f} ± " in shown
    assert "seconds until the last request ends" in bounds


def test_sweeps_refuse_what_cannot_run_before_any_run(
    cli: Cli, scenario: Path, tmp_path: Path
) -> None:
    results = tmp_path / "sweep.jsonl"
    words = ["simulate", scenario, "--policy", "vllm", "--rates", "4", "--output", results]
    for more, message in (
        (["--policy", "nope"], "no policy 'nope'"),
        (["--policy", "apc"], "policy apc: found requests without prefixes"),
        (["--objective", "jct"], "--objective: found 'jct', expected one of: e2e"),
    ):
        call = cli(*words, *more)
        assert call.code == 2
        assert message in call.err
        assert not results.exists()
