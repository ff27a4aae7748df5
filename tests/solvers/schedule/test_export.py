from __future__ import annotations

from pathlib import Path

import highspy
import pytest
from ortools.sat.python import cp_model

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.export import FORMATS, export_model


def small_shop() -> ScheduleProblem:
    model = sch.ScheduleModel("small")
    machines = [model.add_machine("m1"), model.add_machine("m2")]
    for number in range(3):
        job = model.add_job(chain=True)
        model.add_task(job, duration=2 + number, machine=machines[0], name=f"a{number}")
        task = model.add_task(job, name=f"b{number}")
        for machine in machines:
            model.add_mode(task, duration=3, machine=machine)
    return model.build()


def optimum() -> int:
    solution = sch.solve(small_shop(), "cp-sat", work_limit=5.0, workers=1)
    assert solution.objective is not None
    return int(solution.objective)


def test_text_model_is_complete_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "model.pbtxt"
    export_model(small_shop(), path)
    text = path.read_text()
    assert '"start a0"' in text
    assert '"mode 1 of b2"' in text
    model = cp_model.CpModel()
    assert model.proto.parse_text_format(text)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    assert solver.objective_value == optimum()


def test_binary_model_is_smaller(tmp_path: Path) -> None:
    export_model(small_shop(), tmp_path / "model.pb")
    export_model(small_shop(), tmp_path / "model.pbtxt")
    sizes = [(tmp_path / f"model{suffix}").stat().st_size for suffix in (".pb", ".pbtxt")]
    assert 0 < sizes[0] < sizes[1]


def test_mps_has_the_same_optimum(tmp_path: Path) -> None:
    path = tmp_path / "model.mps"
    export_model(small_shop(), path)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    assert round(highs.getInfo().objective_function_value) == optimum()


def test_unknown_suffix_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.pbtxt, \.pb, \.mps"):
        export_model(small_shop(), tmp_path / "model.lp")


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_folder_is_named(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="a folder that exists"):
        export_model(small_shop(), tmp_path / "missing" / f"model{suffix}")


@pytest.mark.parametrize("suffix", [".pb", ".mps"])
def test_a_folder_in_the_way_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.mkdir()
    with pytest.raises(InputError, match="can be written"):
        export_model(small_shop(), path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_schedule_means_no_model(tmp_path: Path, suffix: str) -> None:
    model = sch.ScheduleModel()
    model.add_task(model.add_job(), duration=3, deadline=2)
    with pytest.raises(UnsupportedError, match="no schedule"):
        export_model(model.build(), tmp_path / f"model{suffix}")


@pytest.mark.parametrize("suffix", [".pb", ".mps"])
def test_too_large_numbers_are_refused(tmp_path: Path, suffix: str) -> None:
    model = sch.ScheduleModel()
    crew = model.add_renewable(1)
    for _ in range(2):
        model.add_task(model.add_job(weight=10**6), duration=10**12, demands={crew: 1})
    model.minimize("total_completion")
    with pytest.raises(UnsupportedError, match="coarser unit"):
        export_model(model.build(), tmp_path / f"model{suffix}")
