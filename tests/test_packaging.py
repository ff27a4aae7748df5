"""What leaves the repository: one top-level name, its data files, one version, a light import."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINKS = ("solvers", "models", "instances")
ENGINES = ("ortools", "highspy", "pyomo", "numba", "pandas", "matplotlib")


def declared_version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared: str = tomllib.load(file)["project"]["version"]
    return declared


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel from a copy of the sources, without network, and list what is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "scheduling", source / "scheduling", ignore=shutil.ignore_patterns("__pycache__")
    )
    for link in LINKS:
        (source / link).symlink_to(Path("scheduling") / link)
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
    command += ["--no-index", "--quiet", "--wheel-dir", str(folder), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_wheel_brings_exactly_one_importable_name(wheel_names: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_names}
    assert tops == {"scheduling", f"scheduling-{declared_version()}.dist-info"}


def test_wheel_holds_every_file_of_the_package(wheel_names: list[str]) -> None:
    files = [path for path in (ROOT / "scheduling").rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts
    }
    assert "scheduling/py.typed" in wanted
    assert wanted - set(wheel_names) == set()


def requirements() -> dict[str, str]:
    """Return the lowest version of each package that the project and its extras ask for."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["k8s"], *extras["profiles"]]
    found = (re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)(,<[\d.]+)?", text) for text in asked)
    return {match[1].lower(): match[2] for match in found if match is not None}


def test_lowest_versions_are_those_that_the_project_asks_for() -> None:
    lines = (ROOT / "requirements/minimum.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    asked = requirements()
    assert set(pinned) == set(asked)
    for name, version_ in asked.items():
        assert (pinned[name] + ".").startswith(version_ + "."), name


def test_container_installs_known_bytes_of_versions_in_range() -> None:
    text = (ROOT / "requirements/container.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    pinned = {}
    for block in blocks:
        match = re.match(r"([\w.-]+)==([\d.]+) \\\n", block)
        assert match is not None, block
        assert "--hash=sha256:" in block
        pinned[match[1]] = tuple(int(part) for part in match[2].split("."))
    for name, lowest in requirements().items():
        if name != "pyarrow":
            assert pinned[name] >= tuple(int(part) for part in lowest.split(".")), name
    assert pinned["highspy"] < (1, 14)


def test_container_runs_as_nobody_with_pinned_parts() -> None:
    text = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in bases)
    last = text.rpartition("FROM ")[2]
    assert re.search(r"^USER \d{4,}:\d{4,}$", last, flags=re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "--require-hashes" in text
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE)
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in kept, name
    assert f":{declared_version()} ." in text


@pytest.mark.parametrize("link", LINKS)
def test_root_links_are_relative_and_lead_into_the_package(link: str) -> None:
    path = ROOT / link
    if not path.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert path.readlink() == Path("scheduling") / link
    assert path.is_dir()


def test_changelog_and_citation_name_the_declared_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, flags=re.MULTILINE)
    assert released[0] == declared_version()
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {declared_version()}\n" in citation


def test_installed_package_reports_the_declared_version() -> None:
    try:
        installed = version("scheduling")
    except PackageNotFoundError:
        pytest.skip("the package is not installed here")
    assert installed == declared_version()


def test_import_loads_no_engine() -> None:
    script = (
        "import sys, scheduling\n"
        f"print(*sorted(set(sys.modules) & set({ENGINES!r})))\n"
        "dir(scheduling)\n"
        f"print(*sorted(set(sys.modules) & set({ENGINES!r})))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []


def test_help_loads_no_engine() -> None:
    script = (
        "import runpy, sys\n"
        "sys.argv = ['scheduling', '--help']\n"
        "try:\n"
        "    runpy.run_module('scheduling', run_name='__main__')\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print(*sorted(set(sys.modules) & set({ENGINES!r})), file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.returncode == 0, ran.stderr
    assert "solve" in ran.stdout
    assert ran.stderr.split() == []


@pytest.mark.parametrize("first", ["highspy", "ortools.sat.python.cp_model"])
def test_both_engines_load_into_one_process(first: str) -> None:
    second = {"highspy": "ortools.sat.python.cp_model"}.get(first, "highspy")
    script = f"import {first}, {second}, highspy\nhighspy.Highs().version()"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
