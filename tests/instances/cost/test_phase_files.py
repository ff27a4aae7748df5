"""Files of measured phases: units, corrupt cells, copied rows, and the published ones."""

from __future__ import annotations

import csv
import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from scheduling.errors import InputError
from scheduling.instances.cost.phases import read_distserve, read_splitwise
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.protocol import Batch, Provenance

HEADER = "model,hardware,prompt_size,batch_size,token_size,prompt_time,token_time,tensor_parallel\n"
CELLS = {(128, 1): (80, 54), (512, 1): (195, 55), (2048, 1): (690, 55), (512, 8): (1600, 62)}


def table(hardware: str = "a100-80gb", prompt: float = 1.0, token: float = 1.0) -> str:
    return "".join(
        f"llama2-70b,{hardware},{size},{batch},128,{a * prompt},{b * token},2\n"
        for (size, batch), (a, b) in CELLS.items()
    )


def written(folder: Path, text: str) -> Path:
    file = folder / "perf_model.csv"
    file.write_text(text)
    return file


def test_times_come_back_in_seconds(tmp_path: Path) -> None:
    profile = read_splitwise(written(tmp_path, HEADER + table()))
    cost = profile.cost("llama2-70b", "a100-80gb", 2)
    assert cost.seconds(Batch.prefill(512)) == 0.195
    assert profile.left_out == ()
    with pytest.raises(InputError, match="tp4, expected one of: llama2-70b on a100-80gb, tp2"):
        profile.cost("llama2-70b", "a100-80gb", 4)


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_times_in_other_units_are_refused(tmp_path: Path, factor: float) -> None:
    for text in (table(prompt=factor), table(token=factor)):
        with pytest.raises(InputError, match=r"perf_model\.csv: line \d.*4 of 4.*milliseconds"):
            read_splitwise(written(tmp_path, HEADER + text))


def test_a_corrupt_cell_is_left_out_and_named(tmp_path: Path) -> None:
    corrupt = "llama2-70b,a100-80gb,512,64,128,794,67,2\n"
    profile = read_splitwise(written(tmp_path, HEADER + table() + corrupt))
    (fault,) = profile.left_out
    assert str(fault).startswith("line 6, prompt_time: found 794 ms")
    assert profile.cost("llama2-70b", "a100-80gb", 2).prompt.knots[-1] == 4096


def test_rows_that_nobody_measured_are_left_out(tmp_path: Path) -> None:
    text = HEADER + table("h100-80gb", 0.5, 0.7) + table("h100-80gb-pcap", 0.65, 0.7)
    profile = read_splitwise(written(tmp_path, text))
    (fault,) = profile.left_out
    assert (fault.place, fault.found) == ("h100-80gb-pcap", "a copy of h100-80gb")
    assert {hardware for _, hardware, _ in profile.tables} == {"h100-80gb"}


def test_bad_columns_and_values_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1, token_time: found nothing"):
        read_splitwise(written(tmp_path, HEADER.replace("token_time,", "") + "x\n"))
    bad = "llama2-70b,a100-80gb,12.5,-1,128,nan,oops,2\n"
    with pytest.raises(InputError) as caught:
        read_splitwise(written(tmp_path, HEADER + bad))
    assert [fault.place for fault in caught.value.faults] == [
        "line 2, prompt_size",
        "line 2, batch_size",
        "line 2, prompt_time",
        "line 2, token_time",
    ]
    with pytest.raises(InputError, match="GPU: found 'x100'"):
        read_splitwise(written(tmp_path, HEADER + table("x100")))
    with pytest.raises(InputError, match="line 2: found nothing"):
        read_splitwise(written(tmp_path, HEADER))


def coefficients(**changed: Any) -> dict[str, Any]:
    entry = {
        "prefill": [18.1, 0.102, 7.1e-6],
        "decoding_smallbs": [19.9, 0.00063, 0.0385],
        "decoding_largebs": [7.17, 0.00058, 0.158],
        "decoding_large_small_bs_threshold": 95,
    }
    return {"1": {**entry, **changed}}


def test_coefficients_are_milliseconds(tmp_path: Path) -> None:
    file = tmp_path / "fit.json"
    model, card = llm("opt-13b"), gpu("a100-80gb")
    file.write_text(json.dumps(coefficients()))
    cost = read_distserve(file, model, card)[1]
    assert cost.seconds(Batch.prefill(1000)) == pytest.approx(0.0181 + 0.102 + 0.0071)
    seconds = coefficients(prefill=[0.0181, 0.000102, 7.1e-9])
    file.write_text(json.dumps(seconds))
    with pytest.raises(InputError, match=r"1\.prefill: found 0\.13 ms"):
        read_distserve(file, model, card)
    file.write_text(json.dumps(coefficients(prefill=[1, 2], decoding_smallbs=None)))
    with pytest.raises(InputError) as caught:
        read_distserve(file, model, card)
    assert [fault.place for fault in caught.value.faults] == ["1.prefill", "1.decoding_smallbs"]
    file.write_text(json.dumps({"two": {}, **coefficients(decoding_large_small_bs_threshold=True)}))
    with pytest.raises(InputError) as caught:
        read_distserve(file, model, card)
    assert len(caught.value.faults) == 2
    file.write_text("[]")
    with pytest.raises(InputError, match="an object by degree"):
        read_distserve(file, model, card)


@pytest.mark.shared
def test_the_published_profiles_read_without_their_traps(shared_data: Path) -> None:
    folder = shared_data / "gpu-profiles"
    profile = read_splitwise(folder / "splitwise" / "perf_model_llama2-70b_a100_h100.csv")
    assert len(profile.tables) == 6
    assert [fault.found for fault in profile.left_out] == ["794 ms", "361 ms"]
    cost = profile.cost("llama2-70b", "h100-80gb", 8)
    assert cost.provenance(Batch.prefill(2048)) is Provenance.MEASURED
    # Splitwise measures 128 ms of prompt and 31 ms a token for these.
    assert cost.seconds(Batch.prefill(2048)) == pytest.approx(0.13, rel=0.1)
    assert cost.seconds(Batch.decode(8, 8 * 576)) == pytest.approx(0.032, rel=0.1)
    for engine in ("distserve", "vllm"):
        name = f"coefficients_a100-80gb_{engine}_opt-13b.json"
        fits = read_distserve(folder / "distserve" / name, llm("opt-13b"), gpu("a100-80gb"))
        assert sorted(fits) == [1, 2, 4]


@pytest.mark.shared
def test_tables_meet_what_they_were_fitted_to(shared_data: Path) -> None:
    file = shared_data / "gpu-profiles" / "splitwise" / "perf_model_llama2-70b_a100_h100.csv"
    profile = read_splitwise(file)
    cells: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    keys = ("model", "hardware", "tensor_parallel", "batch_size", "prompt_size", "token_size")
    with file.open() as opened:
        for row in csv.DictReader(opened):
            times = float(row["prompt_time"]) / 1000, float(row["token_time"]) / 1000
            cells.setdefault(tuple(row[key] for key in keys), []).append(times)
    errors: list[tuple[float, float]] = []
    for (model, hardware, *sizes), measured in cells.items():
        tp, sequences, prompt, tokens = map(int, sizes)
        if (tp, sequences) == (2, 64):
            continue  # the corrupt cell
        cost = profile.cost(model, hardware, tp)
        whole = Batch(new_tokens=sequences * prompt, prefills=sequences)
        decode = Batch.decode(sequences, sequences * (prompt + tokens // 2))
        filling, step = (statistics.median(column) for column in zip(*measured, strict=True))
        errors.append(
            (abs(cost.seconds(whole) / filling - 1), abs(cost.seconds(decode) / step - 1))
        )
    # Splitwise reports a mean error below 3 % for its own interpolation.
    assert len(errors) == 112
    for column in zip(*errors, strict=True):
        assert statistics.mean(column) < 0.03
