"""Results in a folder, and their sections of a report."""

from __future__ import annotations

from pathlib import Path

import scheduling as sch
from scheduling.instances.files import write, write_solution
from scheduling.instances.generators import generate
from scheduling.report.results.content import Section
from scheduling.report.results.reading import read_results

SCENARIO = """
kind: requests
name: chat
replica:
  cost: {base_seconds: 0.005, per_token_seconds: 4.0e-05, per_kv_seconds: 3.0e-08}
  kv_tokens: 6400
workload:
  classes:
    - name: chat
      arrivals: {kind: poisson, rate: 8.0}
      prompt: {kind: fixed, tokens: 300}
      output: {kind: fixed, tokens: 60}
requests: 60
"""
NO_VALUES: dict[str, object] = {"objective": None, "bound": None, "gap": None, "tiers": []}


def solved(folder: Path, name: str, kind: str, parameters: dict[str, str]) -> list[str]:
    problem = generate(kind, parameters)
    write(problem, folder / f"{name}.yaml")
    write_solution(sch.solve(problem, time_limit=120, seed=1), folder / f"{name}.json")
    return [f"{name}.yaml", f"{name}.json"]


def one(files: list[str]) -> Section:
    (section,) = read_results(files)
    return section
