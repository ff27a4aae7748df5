"""Plans as shell scripts, run with a kubectl that only writes down what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scheduling.kubernetes.commands import shell_script
from scheduling.kubernetes.evictions import Eviction, actions, bare_pods
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.steps import Step

FAKE = """\
#!/bin/sh
echo "$*" >> "$LOG"
if [ "$1" = create ]; then cat >> "$LOG"; echo >> "$LOG"; fi
if [ "$1" = get ]; then printf %s "$CLOSED"; fi
case "$*" in *eviction*)
  if [ -s "$REFUSALS" ]; then sed -i 1d "$REFUSALS"; exit 1; fi;;
esac
"""

STEPS = [
    Step(action="evict", item="shop/a", origin="n1", reason="cycle"),
    Step(action="move", item="shop/b", origin="n2", destination="n3", reason="detour"),
    Step(action="start", item="shop/it's", destination="n1"),
    Step(action="start", item="shop/a", destination="n2"),
    Step(action="move", item="shop/b", origin="n3", destination="n1"),
    Step(action="evict", item="shop/c", origin="n1"),
]


def test_actions_disturb_every_pod_once_and_in_order() -> None:
    found = list(actions(STEPS))
    assert found == [
        Eviction("shop/a", "n1", "n2", waits=True, reason="cycle"),
        Eviction("shop/b", "n2", "n1", waits=True, reason="detour"),
        STEPS[2],
        Eviction("shop/c", "n1", None, waits=False, reason=""),
    ]


def run(
    folder: Path, refusals: int, steps: list[Step] = STEPS, *, closed: bool = False
) -> tuple[int, list[str]]:
    """Run the script of the steps; return its exit code and what kubectl wrote down."""
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("no shell here")
    for name, text in (("kubectl", FAKE), ("sleep", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "refusals").write_text("no\n" * refusals)
    own = {"PATH": f"{folder}:{os.environ['PATH']}"}
    own |= {"LOG": str(folder / "log"), "REFUSALS": str(folder / "refusals")}
    own |= {"CLOSED": "true" if closed else ""}
    done = subprocess.run(
        [shell], input=shell_script(steps), text=True, env={**os.environ, **own}, check=False
    )
    return done.returncode, (folder / "log").read_text().splitlines()


@pytest.mark.parametrize("refusals", [0, 2])
def test_the_script_evicts_waits_and_binds(tmp_path: Path, refusals: int) -> None:
    code, lines = run(tmp_path, refusals)
    assert code == 0
    calls = [line for line in lines if not line.startswith("{")]
    pods = "/api/v1/namespaces/shop/pods"
    wait = "wait --for=delete pod/{} --namespace shop --timeout=600s"
    assert calls == [
        *[f"create --raw {pods}/a/eviction -f -"] * (refusals + 1),
        wait.format("a"),
        f"create --raw {pods}/b/eviction -f -",
        wait.format("b"),
        f"create --raw {pods}/it's/binding -f -",
        f"create --raw {pods}/c/eviction -f -",
        wait.format("c"),
    ]
    assert sum('"policy/v1", "kind": "Eviction"' in line for line in lines) == 3 + refusals
    assert not any(call.startswith("delete") for call in calls)


def test_the_script_ends_where_an_eviction_is_refused_for_good(tmp_path: Path) -> None:
    code, lines = run(tmp_path, 1000)
    assert code == 1
    assert not any("binding" in line for line in lines)


ROOM = [
    Step(action="move", item="shop/a", origin="n1", destination="n2"),
    Step(action="start", item="shop/big", destination="n1"),
]


def test_nodes_where_room_is_made_are_cordoned_meanwhile(tmp_path: Path) -> None:
    code, lines = run(tmp_path, 0, ROOM)
    calls = [line.split(" -")[0] for line in lines if not line.startswith("{")]
    assert code == 0
    assert calls[:2] == ["get node n1", "cordon n1"]
    assert calls[-1] == "uncordon n1"


def test_nodes_that_are_cordoned_stay_so(tmp_path: Path) -> None:
    _, lines = run(tmp_path, 0, ROOM, closed=True)
    assert not any("cordon" in line for line in lines)


def test_nodes_are_uncordoned_where_the_script_fails(tmp_path: Path) -> None:
    code, lines = run(tmp_path, 100, ROOM)
    assert code == 1
    assert lines[-1] == "uncordon n1"


def test_pods_that_nobody_makes_again_are_named() -> None:
    items = [{"id": "shop/a", "node": "n1"}, {"id": "shop/b", "node": "n1", "owner": "rs"}]
    nodes: list[dict[str, Any]] = [{"id": name, "capacity": {}} for name in ("n1", "n2")]
    problem = PlacementProblem.model_validate({"nodes": nodes, "items": items})
    steps = [Step(action="move", item=item["id"], origin="n1", destination="n2") for item in items]
    assert bare_pods(problem, steps) == ("shop/a",)
    script = shell_script(steps, bare_pods(problem, steps))
    (line,) = [line for line in script.splitlines() if "by hand" in line]
    assert line.startswith("# evict shop/a off n1; its successor is planned on n2; ")
