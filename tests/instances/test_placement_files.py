"""Files of clusters: virtual machines on NUMA nodes and pods on GPU nodes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances import choosing, formats
from scheduling.instances.files import read, write
from scheduling.instances.placement.vms import Host, Machine, rescheduling
from scheduling.models.placement.problem import PlacementProblem
from tests.instances.samples import SAMPLES as OTHERS
from tests.instances.test_fuzz import JUNK, TOKEN, outcome

MAPPING = """{"name": "tiny", "fragment_unit_cpu": 16, "max_moves": 2,
"pms": [
["h1", 44, 1000, 44, 1000],
["h2", 40, 900, 44, 1000]],
"vms": [
["a", 0, 0, 8, 32],
["b", 1, 2, 16, 64]]}
"""
HOSTS = """host,rack,cpu,mem_mb,numa0_cpu,numa0_mem_mb,numa1_cpu,numa1_mem_mb
h1,7,88,2000,44,1000,44,1000
h2,7,84,1900,40,900,44,1000
"""
VMS = """vm,flavor,host,numa0_cpu,numa0_mem_mb,numa1_cpu,numa1_mem_mb,allow_migration
a,large,h1,0,0,8,32,1
b,huge,h2,16,64,16,64,0
"""
NODES = """sn,cpu_milli,memory_mib,gpu,model
n1,96000,1000,2,T4
n2,32000,2000,0,
"""
TIMES = "creation_time,deletion_time,scheduled_time"
PODS = f"""name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,{TIMES}
p1,8000,10,0,0,,BE,Running,30,90,31
p2,4000,10,1,460,T4|P100,LS,Running,10,90,
p3,4000,10,2,1000,,Guaranteed,Pending,20,90,
"""
SAMPLES = {
    "vmr2l": MAPPING,
    "bytedance": HOSTS + "\n" + VMS,
    "openb": NODES + "\n" + PODS,
}


def problem_of(name: str, text: str, source: str = "some.file") -> PlacementProblem:
    found = formats.by_name(name).read(text, source)
    assert isinstance(found, PlacementProblem)
    return found


def test_mappings_say_what_they_say() -> None:
    found = problem_of("vmr2l", MAPPING)
    assert found.name == "tiny"
    assert found.max_moves == 2
    assert found.goals == ("fragments", "moves")
    assert found.fragment is not None
    assert (found.fragment.resource, found.fragment.unit, found.fragment.kind) == (
        "cpu",
        16,
        "numa",
    )
    first, second = found.nodes[1].parts
    assert first.capacity == {"cpu": 40, "memory": 900}
    assert second.capacity == {"cpu": 44, "memory": 1000}
    a, b = found.items
    assert (a.node, [use.part for use in a.parts], a.shares[0].count) == ("h1", ["0"], 1)
    assert (b.node, [use.part for use in b.parts], b.shares[0].count) == ("h2", ["0", "1"], 2)
    assert b.shares[0].options == ({"cpu": 16, "memory": 64},)
    assert problem_of("vmr2l:7", MAPPING).max_moves == 7


def test_tables_of_virtual_machines_say_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "c_hosts.csv").write_text(HOSTS)
    (tmp_path / "c_vms.csv").write_text(VMS)
    for name in ("c_hosts.csv", "c_vms.csv", "c_vms.csv#c_hosts.csv"):
        found = read(tmp_path / name)
        assert isinstance(found, PlacementProblem)
        a, b = found.items
        assert (a.labels, a.pinned, [use.part for use in a.parts]) == (
            {"flavor": "large"},
            False,
            ["1"],
        )
        assert (b.pinned, [use.part for use in b.parts]) == (True, ["0", "1"])
        assert found.nodes[0].labels == {"rack": "7"}
        assert found.max_moves is None
    limited = read(tmp_path / "c_vms.csv", "bytedance:3")
    assert isinstance(limited, PlacementProblem)
    assert limited.max_moves == 3


@pytest.mark.parametrize("value", ["x", "NaN", "1e30", "-1"])
def test_every_amount_of_a_host_is_a_whole_number(value: str) -> None:
    columns = "host,rack,cpu,numa0_free_cpu,mem_mb,numa0_cpu,numa0_mem_mb,numa1_cpu,numa1_mem_mb"
    amounts = ["h1", "7", "88", "", "2000", "44", "1000", "44", "1000"]
    for place in range(2, len(amounts)):
        row = [value if number == place else text for number, text in enumerate(amounts)]
        text = "\n".join([columns, ",".join(row), "", VMS.splitlines()[0]])
        column = columns.split(",")[place]
        with pytest.raises(InputError, match=f"line 2, {column}: found '{value}'"):
            problem_of("bytedance", text)
    problem_of("bytedance", "\n".join([columns, ",".join(amounts), "", VMS.splitlines()[0]]))


def test_lists_of_pods_say_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "openb_node_list_all_node.csv").write_text(NODES)
    (tmp_path / "mine.csv").write_text(NODES.replace("n1", "other"))
    (tmp_path / "pods.csv").write_text(PODS)
    found = read(tmp_path / "pods.csv")
    assert isinstance(found, PlacementProblem)
    assert [part.capacity for part in found.nodes[0].parts] == [{"gpu-milli": 1000}] * 2
    assert found.nodes[0].labels == {"gpu-model": "T4"}
    assert not found.nodes[1].parts
    p1, p2, p3 = found.items
    assert not p1.shares
    assert p2.shares[0].options == ({"gpu-milli": 460},)
    assert p2.node_affinity[0].labels[0].values == ("T4", "P100")
    assert (p3.shares[0].count, p3.shares[0].options) == (2, ({"gpu-milli": 1000},))
    assert [item.priority for item in found.items] == [0, 2, 3]
    assert p1.labels["creation_time"] == "30"
    other = read(tmp_path / "pods.csv#mine.csv")
    assert isinstance(other, PlacementProblem)
    assert other.nodes[0].id == "other"
    # 500 of 2000 thousandths: p2 came first, p3 would exceed them, p1 asks for none.
    quarter = read(tmp_path / "pods.csv", "openb:25")
    assert isinstance(quarter, PlacementProblem)
    assert [item.id for item in quarter.items] == ["p2"]


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_detected_and_written_back(name: str, tmp_path: Path) -> None:
    text = SAMPLES[name]
    source = f"x{formats.by_name(name).suffixes[0]}"
    assert choosing.detect(text, source).name == name
    assert choosing.detect(text, "x").name == name
    found = problem_of(name, text, source)
    path = tmp_path / source
    write(found, path, name)
    assert read(path) == found
    assert {entry.name for entry in formats.FORMATS if entry.sniff(text)} == {name}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_of_other_formats_are_refused(name: str) -> None:
    for other, text in [*OTHERS.values(), *((k, v) for k, v in SAMPLES.items() if k != name)]:
        assert outcome(name, text) is None, other


HOST = st.builds(
    Host,
    st.uuids().map(str),
    st.tuples(*[st.tuples(st.integers(0, 64), st.integers(0, 10**6))] * 2),
    st.sampled_from([{}, {"rack": "7"}]),
)


@st.composite
def clusters(draw: st.DrawFn) -> PlacementProblem:
    hosts = draw(st.lists(HOST, min_size=1, max_size=4, unique_by=lambda host: host.name))
    names = draw(st.lists(st.text(min_size=1, max_size=5).filter(_sound), max_size=6, unique=True))
    machines = [
        Machine(
            name,
            draw(st.sampled_from(hosts)).name,
            draw(st.sampled_from([(0,), (1,), (0, 1)])),
            (draw(st.integers(1, 64)), draw(st.integers(0, 10**6))),
            draw(st.booleans()),
            draw(st.sampled_from([{}, {"flavor": "large"}])),
        )
        for name in names
    ]
    return rescheduling(hosts, machines)


def _sound(name: str) -> bool:
    return name == name.strip() and len(name.splitlines()) == 1 and name.isprintable()


@given(clusters())
def test_any_cluster_of_virtual_machines_is_written_back(problem: PlacementProblem) -> None:
    text = formats.by_name("bytedance").write(problem)
    assert formats.by_name("bytedance").read(text, None) == problem
    bare = rescheduling(
        [Host(node.id, rooms(node.parts)) for node in problem.nodes],
        [machine(item) for item in problem.items],
        unit=8,
        moves=3,
    )
    assert formats.by_name("vmr2l").read(formats.by_name("vmr2l").write(bare), None) == bare


def rooms(parts: object) -> tuple[tuple[int, int], tuple[int, int]]:
    first, second = ((p.capacity["cpu"], p.capacity["memory"]) for p in parts)  # type: ignore[attr-defined]
    return first, second


def machine(item: object) -> Machine:
    option = item.shares[0].options[0]  # type: ignore[attr-defined]
    takes = tuple(int(use.part) for use in item.parts)  # type: ignore[attr-defined]
    need = (option["cpu"], option["memory"])
    return Machine(item.id, item.node, takes, need)  # type: ignore[attr-defined]


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    name = draw(st.sampled_from(sorted(SAMPLES)))
    text = SAMPLES[name]
    for _ in range(draw(st.integers(1, 3))):
        spots = [match.span() for match in TOKEN.finditer(text)] or [(0, 0)]
        start, end = draw(st.sampled_from(spots))
        at = draw(st.integers(start, end))
        filler = draw(
            st.sampled_from([*JUNK, ",", '"', "\n", "\n\n"]) | st.integers(-9, 99).map(str)
        )
        cut = draw(st.integers(at, len(text)) | st.just(at))
        text = text[:at] + filler + text[cut:]
    return name, text


@given(mutations())
def test_a_mutated_file_is_refused_with_its_place_or_read(case: tuple[str, str]) -> None:
    name, text = case
    found = outcome(name, text)
    assert found is None or isinstance(found, PlacementProblem)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("vmr2l", '["b", 1, 2', '["b", 2, 2', "line 7, vms[1][1]: found 2, expected the index"),
        ("vmr2l", '["b"', '["a"', "line 7, vms[1][0]: found 'a' again"),
        ("vmr2l", '"b", 1, 2', '"b", 1, 3', "line 7, vms[1][2]: found 3"),
        ("vmr2l", '["h2", 40, 900', '["h2", 40', "line 4, pms[1]"),
        ("bytedance", "b,huge,h2", "b,huge,h3", "line 7, host: found 'h3'"),
        ("bytedance", "16,64,16,64", "16,64,8,64", "line 7, numa0_cpu: found (16, 64) and (8, 64)"),
        ("bytedance", "16,64,0", "16,64,2", "line 7, allow_migration: found '2'"),
        ("bytedance", "h2,7,84", "h1,7,84", "line 3, host: found 'h1' again"),
        ("bytedance", "a,large,h1,0", "a,large,h1", "line 6: found 7 entries, expected 8"),
        ("bytedance", "host,rack", "host,host", "line 1: found"),
        ("openb", "460", "46x", "line 7, gpu_milli: found '46x'"),
        ("openb", "460", "0", "line 7, gpu_milli: found 0"),
        ("openb", "T4|P100", "T4|", "line 7, gpu_spec: found 'T4|'"),
        ("openb", "n2,32000", "n2,-1", "line 3, cpu_milli: found '-1'"),
        ("openb", "sn,cpu", "id,cpu", "document: found a table with the columns 'id, cpu_milli"),
    ],
)
def test_faults_name_line_and_field(name: str, old: str, new: str, message: str) -> None:
    text = SAMPLES[name]
    assert old in text
    with pytest.raises(InputError) as error:
        formats.by_name(name).read(text.replace(old, new), "x")
    assert f"x: {message}" in str(error.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pods.csv"
    path.write_text(PODS)
    with pytest.raises(InputError, match=r"no table of nodes.*openb_node_list_gpu_node\.csv or"):
        read(path)
    (tmp_path / "openb_node_list_gpu_node.csv").write_text(VMS)
    with pytest.raises(InputError, match=r"gpu_node\.csv: document: found a table with"):
        read(path)
    with pytest.raises(InputError, match="the nodes in the same text"):
        formats.by_name("openb").read(PODS, None)


def test_problems_that_a_format_cannot_hold_are_refused() -> None:
    labelled = problem_of("bytedance", SAMPLES["bytedance"])
    limited = problem_of("vmr2l", MAPPING)
    pods = problem_of("openb", SAMPLES["openb"])
    for name, problem in [
        ("bytedance", limited),
        ("bytedance", pods),
        ("vmr2l", pods),
        ("openb", limited),
        ("openb", labelled),
        ("vmr2l", labelled),
        ("vmr2l", limited.model_copy(update={"goals": ("moves", "fragments")})),
        ("openb", pods.model_copy(update={"max_moves": 3})),
    ]:
        with pytest.raises(UnsupportedError, match=f"format {name} .*instead"):
            formats.by_name(name).write(problem)


@pytest.mark.shared
def test_published_files(shared_data: Path) -> None:
    for path in sorted((shared_data / "vmr2l" / "instances").iterdir()):
        found = read(path)
        assert isinstance(found, PlacementProblem)
        assert len(found.nodes) == len(json.loads(path.read_text())["pms"])
    tables = read(shared_data / "vm_bytedance_2022" / "cluster_l2_vms.csv")
    mapping = read(shared_data / "vmr2l" / "instances" / "full-large2.json")
    assert isinstance(tables, PlacementProblem)
    assert isinstance(mapping, PlacementProblem)
    assert {i.id: (i.node, i.parts, i.shares) for i in tables.items} == {
        i.id: (i.node, i.parts, i.shares) for i in mapping.items
    }
    folder = shared_data / "gpu_openb_2023"
    pods = read(folder / "openb_pod_list_default.csv")
    assert isinstance(pods, PlacementProblem)
    assert len(pods.items) == 5435
    assert sum(len(node.parts) for node in pods.nodes) == 4238
    every = read(f"{folder}/openb_pod_list_default.csv#openb_node_list_all_node.csv")
    assert isinstance(every, PlacementProblem)
    assert len(every.nodes) == 1024
