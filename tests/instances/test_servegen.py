"""Traces of ServeGen: clients with rates and lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scheduling.errors import InputError
from scheduling.instances.requests.reading import read_requests


def servegen_folder(folder: Path) -> Path:
    rates = ["model,client,window_start_s,rate_rps,iat_cv,pattern,p1,p2"]
    rates += [f"m,7,{600 * w},4.0,1.0,Gamma,1.0,0.25" for w in range(4)]
    rates += ["m,11,600,2.0,2.0,Weibull,0.5,0.25", "other,1,0,9.0,1.0,Gamma,1.0,0.1"]
    lengths = ["model,client,window_start_s,field,mean,q0,q50,q100"]
    lengths += ["m,7,0,input_tokens,15,10,15,20", "m,7,0,output_tokens,3,1,3,5"]
    lengths += ["m,11,0,text_tokens,15,100,150,200", "m,11,0,output_tokens,3,1,3,5"]
    (folder / "client_rates.csv").write_text("\n".join(rates), encoding="utf-8")
    (folder / "client_lengths.csv").write_text("\n".join(lengths), encoding="utf-8")
    return folder


def test_servegen_clients_send_at_their_rates(tmp_path: Path) -> None:
    trace = read_requests(f"{servegen_folder(tmp_path)}#m")
    table = trace.table
    assert trace.format == "servegen"
    assert table.demands == ("client 7", "client 11")
    first, second = table.demand == 0, table.demand == 1
    assert first.sum() == pytest.approx(4 * 2400, rel=0.1)
    assert second.sum() == pytest.approx(2 * 600, rel=0.3)
    seconds = table.arrival_ns / 1e9
    assert 600 <= seconds[second].min() <= seconds[second].max() < 1200
    assert table.prompt_tokens[first].max() <= 20 < 100 <= table.prompt_tokens[second].min()
    part = read_requests(f"{tmp_path}#m:500-700").table
    assert 0 <= part.arrival_ns.min() <= part.arrival_ns.max() < 200 * 10**9
    again = read_requests(f"{tmp_path}#m:500-700").table
    np.testing.assert_array_equal(part.arrival_ns, again.arrival_ns)


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("rates", "model,", "", "client_rates.csv: line 1: found no column model"),
        ("rates", "1.0,0.25", "1.0,1e-300", "client_rates.csv: line 2"),
        ("rates", "Weibull,0.5", "Weibull,1e-9", "client_rates.csv: line 6"),
        ("lengths", "model,", "", "client_lengths.csv: line 1: found no column model"),
        ("lengths", "field", "", "client_lengths.csv: line 1: found no column field"),
        ("lengths", "15,20", "15,1e300", "client_lengths.csv: line 2: found 1e+300 tokens"),
    ],
)
def test_broken_tables_of_servegen_are_named(
    tmp_path: Path, file: str, old: str, new: str, found: str
) -> None:
    path = servegen_folder(tmp_path) / f"client_{file}.csv"
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_requests(f"{tmp_path}#m")
    assert found in str(caught.value)


def test_servegen_says_what_it_wants(tmp_path: Path) -> None:
    servegen_folder(tmp_path)
    with pytest.raises(InputError, match="#MODEL or #MODEL:START-END of one of: m, other"):
        read_requests(tmp_path)
    with pytest.raises(InputError, match="an end behind the start"):
        read_requests(f"{tmp_path}#m:700-500")
    found = r"client_rates\.csv: model m: found none in 9000-9600, expected seconds within 0-2400"
    with pytest.raises(InputError, match=found):
        read_requests(f"{tmp_path}#m:9000-9600")
    table = (tmp_path / "client_rates.csv").read_text()
    (tmp_path / "client_rates.csv").write_text(table.replace("1.0,0.25", "1.0,1e9", 1))
    with pytest.raises(InputError, match="requests: found none drawn, expected a request at least"):
        read_requests(f"{tmp_path}#m:0-600")
    lengths = tmp_path / "client_lengths.csv"
    lengths.write_text(lengths.read_text().replace("m,7", "m,8"))
    found = r"client_lengths\.csv: model m: found none of client '7' \(client_rates\.csv, line 2\)"
    with pytest.raises(InputError, match=found):
        read_requests(f"{tmp_path}#m:0-600")
    with pytest.raises(InputError, match="a folder with client_rates"):
        read_requests(tmp_path / "none", "servegen")
    rates = tmp_path / "client_rates.csv"
    rates.write_text(rates.read_text().replace("9.0", "-9.0"))
    with pytest.raises(InputError, match=r"client_rates\.csv: line 7"):
        read_requests(f"{tmp_path}#m")


def test_clients_of_servegen_without_lengths_are_left_out_and_named(tmp_path: Path) -> None:
    path = servegen_folder(tmp_path) / "client_lengths.csv"
    path.write_text(path.read_text().replace("m,7,0", "m,7,1200"))
    trace = read_requests(f"{tmp_path}#m")
    assert (trace.rows, trace.broken, len(trace.faults)) == (5, 2, 2)
    expected = "expected lengths input_tokens or text_tokens, and output_tokens, of its clients"
    (note,) = trace.notes
    assert note == (
        f"{tmp_path}#m: 2 of 5 rows are broken and left out, first model m: "
        f"found none of client '7' (client_rates.csv, line 2) by second 0, {expected}"
    )
    assert trace.table.arrival_ns[trace.table.demand == 0].min() >= 1200 * 10**9
    path.write_text(path.read_text().replace("m,7,1200", "m,8,0"))
    assert read_requests(f"{tmp_path}#m").table.demands == ("client 11",)
    with pytest.raises(InputError) as caught:
        read_requests(f"{tmp_path}#m", strict=True)
    assert caught.value.source == str(path)
    assert [fault.found for fault in caught.value.faults] == [
        f"none of client '7' (client_rates.csv, line {2 + row}) by second {600 * row}"
        for row in range(4)
    ]
