"""Agents: drawn and read programs, their figures, and the bound on what they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from scheduling.errors import InputError
from scheduling.instances.requests.sessions import read_sessions
from scheduling.models.requests.agents import AgentWorkload, draw_programs
from scheduling.models.requests.programs import NO_TOOL, ProgramTable
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.deployment import Deployment
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.program_metrics import (
    alone_seconds,
    completion_seconds,
    program_metrics,
)
from scheduling.simulator.requests.records import comparison_record
from tests.agent_runs import program_tables
from tests.properties import examples
from tests.simulator.requests.test_programs import keepers

FIXED = {"kind": "fixed", "tokens": 40}
TURNS = {
    "kind": "turns",
    "name": "coder",
    "arrivals": {"kind": "poisson", "rate": 2.0},
    "turns": {"kind": "uniform", "low": 2, "high": 5},
    "system_tokens": 64,
    "first": FIXED,
    "result": FIXED,
    "output": FIXED,
    "tools": [{"name": "bash", "median_seconds": 0.5, "sigma": 1.0, "at_most_seconds": 3.0}],
}
GRAPH = {
    "kind": "graph",
    "name": "pipeline",
    "arrivals": {"kind": "poisson", "rate": 1.0},
    "rounds": 2,
    "steps": [
        {"agent": "plan", "fixed_tokens": 32, "fresh": FIXED, "output": FIXED},
        {"agent": "a", "fresh": FIXED, "output": FIXED, "after": ["plan"]},
        {"agent": "b", "fresh": FIXED, "output": FIXED, "after": ["plan"]},
        {"agent": "join", "fresh": FIXED, "output": FIXED, "after": ["a", "b"]},
    ],
}
COST = {"base_seconds": 0.005, "per_token_seconds": 1e-4, "per_kv_seconds": 1e-7}


def test_turns_go_on_with_what_was_said() -> None:
    workload = AgentWorkload.model_validate({"classes": [TURNS]})
    drawn = draw_programs(workload, 20, seed=4)
    assert drawn.count == 20
    requests = drawn.requests
    for row in range(len(drawn)):
        (system, head), (own, end) = drawn.paths.row(row)
        assert (system, head, end) == (drawn.paths.row(0)[0][0], 64, requests.prompt_tokens[row])
        before = drawn.waits(row)
        if not len(before):
            assert drawn.tool[row] == NO_TOOL
            continue
        assert drawn.paths.row(int(before[0]))[1][0] == own
        assert end == requests.prompt_tokens[before[0]] + 80
        assert 0 <= drawn.gap_ns[row] <= 3 * 10**9
    again = draw_programs(workload, 20, seed=4)
    assert np.array_equal(again.gap_ns, drawn.gap_ns)
    assert drawn.at_rate(5.0).requests.arrival_ns[-1] == pytest.approx(19 / 5.0 * 1e9)


def test_graphs_repeat_and_rounds_wait_for_the_last_ones_ends() -> None:
    drawn = draw_programs(AgentWorkload.model_validate({"classes": [GRAPH]}), 3)
    assert [drawn.waits(row).tolist() for row in range(8)] == [
        [],
        [0],
        [0],
        [1, 2],
        [3],
        [4],
        [4],
        [5, 6],
    ]
    # The plan's fixed part is one stream, whatever the round or the program.
    heads = {drawn.paths.row(row)[0][0] for row in range(len(drawn)) if drawn.agent[row] == 0}
    assert len(heads) == 1


@given(keepers(), program_tables())
@examples(200)
def test_no_program_is_faster_than_alone(fleet: Deployment, programs: ProgramTable) -> None:
    run = simulate_fleet(fleet, programs)
    took = completion_seconds(run, programs)
    alone = alone_seconds(programs, [fleet.groups[0].cost])
    if alone is None:
        return
    whole = ~np.isnan(took)
    assert np.all(took[whole] >= alone[whole] - 1e-8)
    found = program_metrics(run, programs, [fleet.groups[0].cost])
    assert found.served == whole.sum()
    assert found.mean is None or found.bound is not None


def test_a_lone_program_is_as_fast_as_its_bound() -> None:
    found = simulate_requests(
        RequestScenario.model_validate(
            {
                "replica": {"cost": {"base_seconds": 0.01, "per_token_seconds": 0.001}}
                | {"kv_tokens": 4096},
                "programs": {"classes": [TURNS | {"system_tokens": 0}]},
                "requests": 1,
                "block_size": 1,
            }
        ),
        ["apc"],
    )
    programs = found.outcomes[0].programs
    assert programs is not None
    assert programs.mean is not None
    assert programs.bound == pytest.approx(programs.mean.value, rel=1e-6)


def test_programs_have_a_row_and_other_policies_keep_nothing() -> None:
    scenario = RequestScenario.model_validate(
        {
            "replica": {"cost": COST, "kv_tokens": 2000},
            "programs": {"classes": [TURNS, GRAPH]},
            "requests": 12,
        }
    )
    record = comparison_record(simulate_requests(scenario, ["sarathi:2048", "apc"], seed=2))
    plain, kept = (run["programs"] for run in record["runs"])
    assert plain["programs"] == kept["programs"] == 12
    assert plain["hit_share"] == 0
    assert kept["hit_share"] > 0.3
    assert (
        kept["completion_seconds"]["mean"]["value"] < plain["completion_seconds"]["mean"]["value"]
    )
    assert 0 < kept["gap"] < plain["gap"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"workload": None, "trace": "x.csv"}, "one of the three"), ({"requests": None}, "how many")],
)
def test_bad_sources_are_named(change: dict[str, object], expected: str) -> None:
    document = {
        "replica": {"cost": COST, "kv_tokens": 2000},
        "programs": {"classes": [TURNS]},
        "requests": 12,
    }
    with pytest.raises(InputError, match=expected):
        RequestScenario.model_validate(document | change)


def test_workflows_name_agents_once_and_before_their_use() -> None:
    broken = GRAPH | {"steps": [GRAPH["steps"][1], GRAPH["steps"][1]]}  # type: ignore[index]
    with pytest.raises(InputError, match=r"stands before it(.|\n)*a name of its own"):
        AgentWorkload.model_validate({"classes": [broken]})


SESSIONS = {
    "sessions.csv": "session,model\ns1,m\ns2,m\n",
    "llm_calls.csv": "session,call,start_s,end_s,input_tokens,output_chars\n"
    "s1,0,0,1,100,40\ns1,1,3.5,4,150,41\ns2,0,0,1,90,1\n",
    "tool_calls.csv": "session,call,tool\ns1,0,Bash\n",
}


def written(folder: Path, **change: str) -> Path:
    """Write the tables of two sessions, with changes."""
    for name, text in SESSIONS.items():
        (folder / name).write_text(change.get(name.split(".")[0], text))
    return folder


def test_sessions_are_read(tmp_path: Path) -> None:
    found = read_sessions(written(tmp_path), rate=1.0)
    assert found.count == 2
    assert found.requests.prompt_tokens.tolist() == [100, 150, 90]
    assert found.requests.output_tokens.tolist() == [10, 11, 1]
    assert found.gap_ns.tolist() == [0, 2_500_000_000, 0]
    assert found.tools == ("Bash",)
    # 90 - 16 tokens are shared.
    assert found.paths.row(1) == [(0, 74), (1, 150)]


def test_broken_sessions_are_named(tmp_path: Path) -> None:
    calls = SESSIONS["llm_calls.csv"].replace("150", "many")
    with pytest.raises(InputError, match=r"llm_calls\.csv: line 3, input_tokens: found \'many\'"):
        read_sessions(written(tmp_path, llm_calls=calls))
    with pytest.raises(InputError, match="no model"):
        read_sessions(written(tmp_path, sessions="session\ns1\n"))
    for value in ("1e30", "1e300", "-1", "nan"):
        calls = SESSIONS["llm_calls.csv"].replace("3.5", value)
        with pytest.raises(InputError, match=r"llm_calls\.csv: line 3, start_s: found"):
            read_sessions(written(tmp_path, llm_calls=calls))
    cut, sessions = SESSIONS["llm_calls.csv"] + "s3", SESSIONS["sessions.csv"] + "s3,m\n"
    with pytest.raises(InputError, match="line 5, start_s: found ''"):
        read_sessions(written(tmp_path, llm_calls=cut, sessions=sessions))
    with pytest.raises(InputError, match=r"sessions\.csv: sessions: found none"):
        read_sessions(written(tmp_path, sessions="session,model\n"))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        # Closed by no quote, by one of a later line, and by one within its own line.
        ("s1,1,", 's1,"1,', r"llm_calls\.csv: line 3: found unexpected end of data"),
        (
            "s1,0,0,1,100,40\ns1,",
            's1,"0,0,1,100,40\ns1",',
            "line 2, call: found an entry that ends",
        ),
        ("s1,1,", 's1,"1"1,', r"llm_calls\.csv: line 3: found ',' expected"),
    ],
)
def test_stray_quotes_are_named_by_their_line(
    tmp_path: Path, old: str, new: str, found: str
) -> None:
    calls = SESSIONS["llm_calls.csv"]
    with pytest.raises(InputError, match=found) as caught:
        read_sessions(written(tmp_path, llm_calls=calls.replace(old, new)))
    assert "\n" not in str(caught.value)


@pytest.mark.shared
def test_public_sessions_are_read(shared_data: Path) -> None:
    found = read_sessions(shared_data / "agent_swebench")
    assert (found.count, len(found)) == (125, 5515)
    assert found.gap_ns.sum() / 1e9 == pytest.approx(5390 * 3.2897, rel=1e-3)


POLICIES = (
    "apc",
    "continuum-paper",
    "continuum-public",
    "saga",
    "thunderagent",
    "kvflow",
    "hexgen-sql",
)


@pytest.mark.shared
def test_every_policy_has_a_row_on_public_sessions(shared_data: Path) -> None:
    scenario = RequestScenario.model_validate(
        {
            "replica": {"cost": COST, "kv_tokens": 150_000},
            "replicas": 2,
            "trace": str(shared_data / "agent_swebench"),
            "rate": 0.1,
            "requests": 20,
        }
    )
    found = simulate_requests(scenario, POLICIES)
    for one in found.outcomes:
        assert one.programs is not None
        assert one.programs.served == 20
        assert one.programs.gap is not None
        assert 0 < one.programs.gap < 1
        assert one.programs.hit_share > 0.5


@pytest.mark.parametrize("policy", POLICIES)
def test_requests_without_prefixes_are_refused(policy: str) -> None:
    length = {"kind": "fixed", "tokens": 10}
    arrivals = {"kind": "poisson", "rate": 1.0}
    scenario = RequestScenario.model_validate(
        {
            "replica": {"cost": COST, "kv_tokens": 2000},
            "workload": {"classes": [{"arrivals": arrivals, "prompt": length, "output": length}]},
            "requests": 5,
        }
    )
    with pytest.raises(InputError, match="programs"):
        simulate_requests(scenario, policy)
