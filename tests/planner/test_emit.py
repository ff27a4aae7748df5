"""What is emitted is the plan: its GPUs, its batches and its types of replicas."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.schema import json_schema
from scheduling.models.serving.plan import NodeShare, Role, ServingPlan
from scheduling.planner.emit import RUNTIMES, emit
from scheduling.planner.emit.flags import engine
from scheduling.planner.files import read_plan
from tests.planner.drawn import UNKNOWN, component, plan, plans
from tests.planner.emitted import Fleet, read
from tests.properties import examples

OWN_FLAGS = {"--model", "--disaggregation-mode"}
"""Flags of Dynamo's worker that are not the engine's."""


def check(given_plan: ServingPlan, runtime: str, fleets: list[Fleet], texts: list[str]) -> None:
    assert sum(fleet.total for fleet in fleets) == given_plan.gpus
    kinds = Counter(
        (entry.replicas, entry.nodes_per_replica, entry.layout.gpus // entry.nodes_per_replica)
        for entry in given_plan.components
    )
    assert Counter((fleet.replicas, fleet.nodes, fleet.gpus) for fleet in fleets) == kinds
    if runtime != "sglang":
        batches = Counter(
            None if entry.max_sequences is None else -(-entry.max_sequences // entry.layout.dp)
            for entry in given_plan.components
        )
        flag = "--max-num-seqs"
    else:
        batches = Counter(entry.max_sequences for entry in given_plan.components)
        flag = "--max-running-requests"
    seen = [fleet.value(flag) for fleet in fleets]
    assert Counter(None if value is None else int(value) for value in seen) == batches
    known = engine("sglang" if runtime == "sglang" else "vllm").flags | OWN_FLAGS
    for fleet in fleets:
        flags = [word for word in fleet.words if word.startswith("--")]
        assert set(flags) <= known
        assert len(set(flags)) == len(flags)
        assert fleet.nodes * fleet.gpus == _world(runtime, fleet)
    assert not any(UNKNOWN.search(text) for text in texts)


def _world(runtime: str, fleet: Fleet) -> int:
    if runtime == "sglang":
        return fleet.number("--tp-size") * fleet.number("--pp-size")
    layout = fleet.number("--tensor-parallel-size") * fleet.number("--pipeline-parallel-size")
    return layout * fleet.number("--data-parallel-size")


def _expressible(given_plan: ServingPlan, runtime: str) -> bool:
    """Tell whether a runtime has words for a plan: what they say that they cannot do."""
    makers: dict[str, set[bool]] = {}
    for entry in given_plan.components:
        if entry.role != "both":
            makers.setdefault(entry.model, set()).add(entry.gpu == "mi300x")
    if any(len(kinds) > 1 for kinds in makers.values()):
        return False
    staged = any(entry.role != "both" and entry.layout.pp > 1 for entry in given_plan.components)
    if runtime != "sglang" and staged:
        return False
    if runtime == "dynamo":
        return all(entry.gpu != "mi300x" for entry in given_plan.components)
    if runtime != "kserve":
        return True
    types = Counter((entry.model, entry.role) for entry in given_plan.components)
    return max(types.values()) == 1 and all(
        entry.nodes_per_replica == 1
        or (entry.layout.pp == entry.nodes_per_replica and entry.layout.dp == 1)
        or (entry.layout.pp == 1 and entry.layout.dp % entry.nodes_per_replica == 0)
        for entry in given_plan.components
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
@examples(40)
@given(given_plan=plans())
def test_files_read_back_as_the_plan(runtime: str, given_plan: ServingPlan) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        if not _expressible(given_plan, runtime):
            with pytest.raises(UnsupportedError, match=r"component|model"):
                emit(given_plan, runtime, out)
            assert not out.exists()
            return
        paths = emit(given_plan, runtime, out)
        assert paths[-1].name == "plan.json"
        assert read_plan(paths[-1]) == given_plan
        assert sorted(paths) == sorted((Path(folder) / "out").iterdir())
        texts = [path.read_text() for path in paths[:-1]]
        check(given_plan, runtime, read(runtime, paths), texts)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_format_takes_one_prefill_and_one_decode_type(runtime: str, tmp_path: Path) -> None:
    """H100 for prompts and H200 for decoding, the latter over two nodes: 12 + 4 * 16 GPUs."""
    split = plan(
        component("prefill", role="prefill", replicas=12, layout={"tp": 1}, max_sequences=1),
        component(
            "decode",
            role="decode",
            gpu="h200-sxm",
            replicas=4,
            layout={"tp": 8, "dp": 2},
            nodes_per_replica=2,
            max_sequences=128,
            token_budget=4096,
        ),
    )
    fleets = read(runtime, emit(split, runtime, tmp_path))
    assert sum(fleet.total for fleet in fleets) == 76
    found = {fleet.role: fleet for fleet in fleets}
    assert (found["prefill"].nodes, found["prefill"].gpus) == (1, 1)
    assert (found["decode"].replicas, found["decode"].nodes, found["decode"].gpus) == (4, 2, 8)
    assert "H200" in found["decode"].selector or found["decode"].selector == "h200-sxm"
    batch = found["decode"].value("--max-num-seqs", "--max-running-requests")
    budget = found["decode"].value("--max-num-batched-tokens", "--chunked-prefill-size")
    assert (batch, budget) == (("128", "4096") if runtime == "sglang" else ("64", "2048"))


def test_experts_over_two_nodes_have_a_scheduler_a_copy(tmp_path: Path) -> None:
    wide = component(
        "wide", layout={"tp": 1, "dp": 16, "ep": 16}, nodes_per_replica=2, max_sequences=1000
    )
    for runtime in ("vllm", "lws", "llm-d", "kserve", "dynamo"):
        (fleet,) = read(runtime, emit(plan(wide), runtime, tmp_path / runtime))
        assert fleet.value("--data-parallel-size") == "16"
        assert "--enable-expert-parallel" in fleet.words
        assert (fleet.nodes, fleet.gpus, fleet.total) == (2, 8, 48)
        assert fleet.value("--max-num-seqs") == "63"
    (fleet,) = read("sglang", emit(plan(wide), "sglang", tmp_path / "sglang"))
    flags = ("--tp-size", "--attn-dp-size", "--ep-size", "--max-running-requests")
    assert [fleet.value(flag) for flag in flags] == ["16", "16", "16", "1000"]


def test_heterogeneous_plans_have_a_component_for_each_type(tmp_path: Path) -> None:
    mixed = plan(
        component("prefill", role="prefill"),
        component("decode-a", role="decode", gpu="h200-sxm"),
        component("decode-b", role="decode", gpu="a100-80gb-sxm", layout={"tp": 8}),
    )
    for runtime in ("vllm", "sglang", "lws", "dynamo", "llm-d"):
        fleets = read(runtime, emit(mixed, runtime, tmp_path / runtime))
        assert len(fleets) == 3
        assert len({fleet.selector for fleet in fleets}) == 3
        assert Counter(fleet.role for fleet in fleets) == {"prefill": 1, "decode": 2}
    with pytest.raises(UnsupportedError, match="1 types of prefill and 2 of decode"):
        emit(mixed, "kserve", tmp_path / "kserve")


@pytest.mark.parametrize(
    ("gpus", "attention", "kernels", "page"),
    [
        (("h100-sxm", "l40s"), "grouped", "TRITON_ATTN", "64"),
        (("b200-sxm", "h100-sxm"), "grouped", "TRITON_ATTN", "64"),
        (("h100-sxm", "my-gpu"), "grouped", "TRITON_ATTN", "64"),
        (("h200-sxm", "b200-sxm"), "latent", "FLASHMLA", "64"),
        (("a100-80gb-sxm", "h100-sxm"), "latent", "TRITON_MLA", "64"),
        (("h100-sxm", "h200-sxm"), "grouped", None, None),
        (("a100-80gb-sxm", "l40s"), "grouped", None, None),
        (("mi300x", "mi325x"), "grouped", None, None),
    ],
)
def test_replicas_that_hand_on_kv_blocks_keep_them_alike(
    gpus: tuple[str, str], attention: str, kernels: str | None, page: str | None, tmp_path: Path
) -> None:
    """Of another generation of GPUs vLLM refuses KV blocks unless the kernels are named."""
    pair = plan(
        component("first", role="prefill", gpu=gpus[0], attention=attention),
        component("second", role="decode", gpu=gpus[1], attention=attention),
        component("whole", gpu="t4", model="other", attention=attention),
    )
    runtimes = set(RUNTIMES) - ({"dynamo"} if "mi300x" in gpus else set())
    for runtime in sorted(runtimes):
        fleets = read(runtime, emit(pair, runtime, tmp_path / runtime))
        split = [fleet for fleet in fleets if fleet.role != "both"]
        (whole,) = (fleet for fleet in fleets if fleet.role == "both")
        flag, value = "--attention-backend", kernels
        if runtime == "sglang":
            flag, value = "--page-size", page
        assert [fleet.value(flag) for fleet in split] == [value, value]
        assert whole.value(flag) is None


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_makers_hand_on_no_kv_blocks_to_each_other(runtime: str, tmp_path: Path) -> None:
    pair = plan(
        component("first", role="prefill"), component("second", role="decode", gpu="mi300x")
    )
    with pytest.raises(UnsupportedError, match=r"component (first|second): .*(makers|NVIDIA)"):
        emit(pair, runtime, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("role", ["prefill", "decode"])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_stages_hand_on_no_kv_blocks_in_vllm(role: Role, runtime: str, tmp_path: Path) -> None:
    """vLLM would end at its start; SGLang takes them."""
    other: Role = "decode" if role == "prefill" else "prefill"
    staged = component("staged", role=role, layout={"tp": 2, "pp": 2})
    pair = plan(staged, component("other", role=other))
    if runtime == "sglang":
        assert len(read(runtime, emit(pair, runtime, tmp_path))) == 2
        return
    with pytest.raises(UnsupportedError, match=r"component staged: .*max_pp 1.*sglang"):
        emit(pair, runtime, tmp_path)
    assert not list(tmp_path.iterdir())


def test_releases_are_named_after_their_model(tmp_path: Path) -> None:
    pair = (component("prefill", role="prefill"), component("decode", role="decode"))
    other = component("small", model="small", huggingface="org/small")
    emit(plan(*pair, other), "llm-d", tmp_path / "one")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["llama-3-1-70b.yaml", "plan.json", "small.yaml"]
    emit(plan(*pair, component("whole")), "llm-d", tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "two").iterdir())
    assert names == [
        "llama-3-1-70b-prefill-decode.yaml",
        "llama-3-1-70b-whole.yaml",
        "plan.json",
    ]


@pytest.mark.parametrize(
    ("changes", "runtime", "message"),
    [
        ({"layout": {"tp": 4, "dp": 2, "ep": 2}}, "vllm", "not over 2 groups"),
        ({"layout": {"tp": 4, "dp": 3}, "nodes_per_replica": 2}, "lws", "3 copies on 2 nodes"),
        ({"layout": {"tp": 4}, "nodes_per_replica": 3}, "vllm", "evenly over 3 nodes"),
        ({"layout": {"tp": 16}, "nodes_per_replica": 2}, "kserve", "emit for lws"),
        ({"precision": {"kv": "int4"}}, "sglang", "no KV cache of int4"),
        ({"precision": {"kv": "fp32"}}, "vllm", "no KV cache of fp32"),
        ({"gpu": "mi300x"}, "dynamo", "GPUs of NVIDIA"),
        ({"gpu": "ascend-910b"}, "lws", "publishes no image"),
        ({"huggingface": "/models/llama"}, "kserve", "do not know the path"),
        (
            {"places": [[{"node": "a", "gpus": 1}, {"node": "b", "gpus": 3}]]},
            "lws",
            "its places have others",
        ),
    ],
)
def test_what_a_runtime_cannot_do_is_refused_with_the_component(
    changes: dict[str, Any], runtime: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        emit(plan(component(**changes)), runtime, tmp_path)
    assert "llama-agg" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_plans_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    twice = plan(component(), component())
    with pytest.raises(InputError, match=r"components\[1\]\.name"):
        emit(twice, "vllm", tmp_path)
    with pytest.raises(InputError, match=r"gpus: found 13, expected the sum of its components, 12"):
        emit(plan(component()).model_copy(update={"gpus": 13}), "vllm", tmp_path)
    with pytest.raises(InputError, match=r"token_budget: found 64, expected at least max_seq"):
        emit(plan(component(token_budget=64)), "vllm", tmp_path)
    with pytest.raises(InputError, match=r"huggingface: found nothing"):
        emit(plan(component(huggingface=None)), "vllm", tmp_path)
    with pytest.raises(InputError, match=r"model: found '-x', expected a name that no command"):
        emit(plan(component(model="-x")), "vllm", tmp_path)
    with pytest.raises(InputError, match=r"components: found none"):
        emit(plan(), "vllm", tmp_path)
    with pytest.raises(InputError, match=r"runtime: found 'tgi', expected one of: vllm"):
        emit(plan(component()), "tgi", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_component_may_be_called_frontend(tmp_path: Path) -> None:
    (fleet,) = read("dynamo", emit(plan(component("frontend")), "dynamo", tmp_path))
    assert fleet.total == 12


def test_places_of_equal_pods_are_taken(tmp_path: Path) -> None:
    share = NodeShare(node="a", gpus=4)
    placed = component(replicas=1, places=[[share.model_dump()]])
    assert emit(plan(placed), "lws", tmp_path)


def test_a_folder_of_another_plan_is_not_added_to(tmp_path: Path) -> None:
    emit(plan(component("old")), "vllm", tmp_path)
    with pytest.raises(InputError, match=r"found old\.sh, expected a folder without files"):
        emit(plan(component("new")), "vllm", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.sh", "plan.json"]
    emit(plan(component("old", replicas=5)), "vllm", tmp_path)
    assert "# replicas: 5" in (tmp_path / "old.sh").read_text()


def test_nothing_is_written_when_a_file_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(InputError, match="a folder that can be written"):
        emit(plan(component()), "lws", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a folder that can be written"):
        emit(plan(component()), "lws", tmp_path / "file" / "below")


@pytest.mark.skipif(sys.platform == "win32", reason="runs a shell")
def test_scripts_run_and_quote_what_they_pass_on(tmp_path: Path) -> None:
    odd = component("odd", model="it's $HOME/`x`", layout={"tp": 8, "pp": 2}, nodes_per_replica=2)
    paths = emit(plan(odd), "vllm", tmp_path / "out")
    fake = tmp_path / "vllm"
    fake.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    fake.chmod(0o755)
    calls = []
    for rank in ("0", "1"):
        variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NODE_RANK": rank}
        variables["LEADER_ADDRESS"] = "10.0.0.1"
        run = subprocess.run(
            ["sh", str(paths[0]), "--seed", "1"],
            env=variables,
            capture_output=True,
            check=True,
            text=True,
        )
        calls.append(json.loads(run.stdout))
    first, second = calls
    assert first[first.index("--served-model-name") + 1] == "it's $HOME/`x`"
    assert first[first.index("--master-addr") + 1] == "10.0.0.1"
    assert first[-2:] == ["--seed", "1"]
    assert second[second.index("--node-rank") + 1] == "1"
    assert [word for word in second if word not in first] == ["1", "--headless"][1:]
    missing = subprocess.run(
        ["sh", str(paths[0])], env={"PATH": "/bin"}, capture_output=True, check=False
    )
    assert b"NODE_RANK" in missing.stderr


def _run(script: Path, program: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script with a program that prints its words and variables in the engine's place."""
    fake = script.parent / program
    fake.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "print(json.dumps([sys.argv, dict(os.environ)]))\n"
    )
    fake.chmod(0o755)
    return subprocess.run(
        ["sh", str(script)],
        env={"PATH": f"{script.parent}:/usr/bin:/bin"} | variables,
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="runs a shell")
def test_replicas_that_hand_on_kv_blocks_find_each_other(tmp_path: Path) -> None:
    """Without its address a vLLM replica offers KV blocks to its own node alone."""
    pair = plan(component("first", role="prefill"), component("second", role="decode"))
    emit(pair, "vllm", tmp_path / "vllm")
    emit(pair, "sglang", tmp_path / "sglang")
    for name in ("first", "second"):
        script = tmp_path / "vllm" / f"{name}.sh"
        missing = _run(script, "vllm", {})
        assert missing.returncode != 0
        assert "VLLM_NIXL_SIDE_CHANNEL_HOST: address of this node" in missing.stderr
        run = _run(script, "vllm", {"VLLM_NIXL_SIDE_CHANNEL_HOST": "10.0.0.7", "PORT": "8001"})
        words, variables = json.loads(run.stdout)
        assert words[words.index("--port") + 1] == "8001"
        assert variables["VLLM_NIXL_SIDE_CHANNEL_HOST"] == "10.0.0.7"
    bootstrap = "--disaggregation-bootstrap-port"
    for name, port in (("first", "9001"), ("second", None)):
        run = _run(tmp_path / "sglang" / f"{name}.sh", "python3", {"BOOTSTRAP_PORT": "9001"})
        words, _ = json.loads(run.stdout)
        assert words[words.index("--disaggregation-transfer-backend") + 1] == "nixl"
        assert (words[words.index(bootstrap) + 1] if bootstrap in words else None) == port
        assert words[words.index("--port") + 1] == "8000"


def test_the_plan_has_a_schema() -> None:
    schema = json_schema("serving-plan")
    assert schema["properties"]["kind"]["const"] == "serving-plan"
    assert {"name", "components", "gpus"} <= set(schema["required"])


def test_flag_lists_are_those_of_the_pinned_versions() -> None:
    assert (engine("vllm").version, engine("sglang").version) == ("0.33.0", "0.5.23")
    assert "--enable-dp-attention" not in engine("sglang").flags
    assert len(engine("vllm").flags) > 300
    assert len(engine("sglang").flags) > 500
