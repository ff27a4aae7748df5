"""Plans as shell scripts, run with a kubectl that only writes down what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scheduling.kubernetes.commands import shell_script
from scheduling.kubernetes.evictions import Eviction, actions
from scheduling.models.placement.steps import Step

FAKE = """\
#!/bin/sh
echo "$*" >> "$LOG"
if [ "$1" = create ]; then cat >> "$LOG"; echo >> "$LOG"; fi
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


def run(folder: Path, refusals: int) -> tuple[int, list[str]]:
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
    done = subprocess.run(
        [shell], input=shell_script(STEPS), text=True, env={**os.environ, **own}, check=False
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
