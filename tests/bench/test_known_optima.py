"""Public instances whose optimum is known: the format means what the published value says."""

from __future__ import annotations

from pathlib import Path

import pytest

from scheduling.bench.suites import cases
from scheduling.instances.files import read
from scheduling.models.base import Status
from scheduling.solvers.driver import solve

OPTIMA = {
    "variants/osp/1.txt": [193],
    "variants/osp/61.txt": [1168],
    "variants/nw-pfsp/12.txt": [2166],
    "bjsp/ft06": [63],
    "jsp_operators/ft06:4": [56],
    "jsp_operators/ft06:5": [55],
    "rcpsp_cpr/BL/ConsProd_bl2002.rcp": [16],
    "rcpsp_cpr/BL/ConsProd_bl2009.rcp": [14],
    "dag/topcuoglu10.json": [73],
    "dag/rnd10p3_ccr1.0_1.json": [157],
    "dag/stg50_rand0000.stg": [131, 66, 55],
}


@pytest.mark.shared
@pytest.mark.parametrize("suite", OPTIMA)
def test_the_optimum_is_the_published_one(
    suite: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULING_DATA", str(shared_data))
    found = cases(suite)
    assert [case.upper for case in found] == OPTIMA[suite]
    for case in found:
        answer = solve(read(case.path, case.format), "cp-sat", work_limit=60, workers=1)
        assert answer.status == Status.OPTIMAL, case.name
        assert answer.objective == case.upper, case.name
