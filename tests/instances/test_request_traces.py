"""Traces are read whole, in order, and with every broken row named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.instances.requests.reading import read_requests
from scheduling.instances.requests.writing import write_requests
from scheduling.models.requests.arrivals import PoissonArrivals
from scheduling.models.requests.blocks import Blocks
from scheduling.models.requests.lengths import FixedLength, UniformLength
from scheduling.models.requests.workload import RequestClass, Workload, sample

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 23:59:59.9799600,4808,10
2023-11-17 00:00:01.0319601,3180,8
2023-11-17 00:00:01.0319602,110,27
"""
BURST = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,230,1317,Conversation log
118,GPT-4,417,0,417,Conversation log
119.5,GPT-4,1360,152,1512,API log
"""
MOONCAKE = [
    {"timestamp": 0, "input_length": 1100, "output_length": 6, "hash_ids": [0, 1, 2]},
    {"timestamp": 0, "input_length": 1024, "output_length": 4, "hash_ids": [0, 1]},
    {"timestamp": 27, "input_length": 1600, "output_length": 9, "hash_ids": [0, 1, 2, 3]},
    {"timestamp": 28, "input_length": 700, "output_length": 9, "hash_ids": [7, 1]},
]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_azure_times_are_exact_and_start_at_the_first_request(tmp_path: Path) -> None:
    trace = read_requests(written(tmp_path, "a.csv", AZURE))
    assert trace.format == "azure"
    assert trace.table.arrival_ns.tolist() == [0, 1_052_000_100, 1_052_000_200]
    assert trace.table.prompt_tokens.tolist() == [4808, 3180, 110]
    assert trace.table.output_tokens.tolist() == [10, 8, 27]
    assert (trace.broken, trace.late, trace.notes) == (0, 0, ())


def test_time_zones_count(tmp_path: Path) -> None:
    zoned = AZURE.replace("9600,", "9600+00:00,", 1).replace("9601,", "9601+01:00,", 1)
    mixed = read_requests(written(tmp_path, "a.csv", zoned)).table
    # An hour ahead of universal time is an hour earlier.
    assert mixed.prompt_tokens.tolist() == [3180, 4808, 110]
    every = "\n".join(
        f"{line.split(',')[0]}+00:00,{line.partition(',')[2]}" if row else line
        for row, line in enumerate(AZURE.splitlines())
    )
    same = read_requests(written(tmp_path, "b.csv", every)).table
    assert same.arrival_ns.tolist() == [0, 1_052_000_100, 1_052_000_200]


def test_burstgpt_models_are_classes_and_requests_without_answers_are_left_out(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "b.csv", BURST)
    trace = read_requests(path)
    assert trace.format == "burstgpt"
    assert trace.table.arrival_ns.tolist() == [5 * 10**9, 45 * 10**9, 119_500_000_000]
    assert trace.table.demands == ("ChatGPT", "GPT-4")
    assert trace.table.demand.tolist() == [0, 0, 1]
    assert trace.broken == 1
    assert [str(fault) for fault in trace.faults] == [
        "line 4, response tokens: found '0', expected whole tokens, at least 1"
    ]
    assert "1 of 4 rows are broken" in trace.notes[0]
    with pytest.raises(InputError, match=r"b\.csv: line 4, response tokens"):
        read_requests(path, strict=True)


@pytest.mark.parametrize("packed", [False, True])
def test_mooncake_blocks_tell_what_is_cached(tmp_path: Path, packed: bool) -> None:
    text = "".join(json.dumps(row) + "\n" for row in MOONCAKE)
    if packed:
        path = tmp_path / "m.jsonl.gz"
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path = written(tmp_path, "m.jsonl", text)
    trace = read_requests(path)
    assert trace.format == "mooncake"
    assert trace.table.arrival_ns.tolist() == [0, 0, 27_000_000, 28_000_000]
    # The second prompt is in the cache to its last token, of which one is always computed.
    assert trace.table.cached_tokens.tolist() == [0, 1023, 1536, 0]
    assert trace.blocks is not None
    assert trace.blocks.of(2).tolist() == [0, 1, 2, 3]


@given(st.lists(st.lists(st.integers(0, 4), max_size=5), min_size=1, max_size=12))
def test_cached_tokens_are_those_of_a_set_that_never_forgets(prompts: list[list[int]]) -> None:
    starts = np.cumsum([0, *map(len, prompts)])
    flat = np.array([number for prompt in prompts for number in prompt], dtype=np.int64)
    tokens = np.array([16 * len(prompt) + 3 for prompt in prompts], dtype=np.int64)
    seen: set[int] = set()
    expected = []
    for prompt in prompts:
        held = 0
        while held < len(prompt) and prompt[held] in seen:
            held += 1
        expected.append(16 * held)
        seen.update(prompt)
    blocks = Blocks(16, flat, starts)
    assert blocks.cached_tokens(tokens).tolist() == expected
    order = np.arange(len(prompts))[::-1].copy()
    turned = blocks.taken(order)
    assert [turned.of(row).tolist() for row in range(len(prompts))] == prompts[::-1]


def test_rows_out_of_order_are_sorted_and_counted(tmp_path: Path) -> None:
    text = "arrival_s,prompt_tokens,output_tokens,class\n3,30,1,b\n1,10,1,a\n2,20,1,b\n4,40,1,a\n"
    path = written(tmp_path, "t.csv", text)
    trace = read_requests(path)
    assert trace.table.prompt_tokens.tolist() == [10, 20, 30, 40]
    assert [trace.table.demands[row] for row in trace.table.demand] == ["a", "b", "b", "a"]
    assert trace.late == 2
    with pytest.raises(InputError, match=r"line 3: found an arrival before"):
        read_requests(path, strict=True)


def test_every_kind_of_broken_row_is_named_with_its_line(tmp_path: Path) -> None:
    rows = ["1,5,5", "2,-5,5", "3,5,0", "-4,5,5", "5,five,5", "6,5", "nan,5,5", "7,5.5,5"]
    rows += ["8,7.0,5", "", "9,5,99999999999999999999", "1e400,5,5", "10,,5", "11,8,8"]
    text = "arrival_s,input_length,output_length\n" + "\n".join(rows) + "\n"
    trace = read_requests(written(tmp_path, "t.csv", text))
    assert trace.table.prompt_tokens.tolist() == [5, 7, 8]
    places = [fault.place for fault in trace.faults]
    assert places == [
        "line 3, input_length",
        "line 4, output_length",
        "line 5, arrival_s",
        "line 6, input_length",
        "line 7",
        "line 8, arrival_s",
        "line 9, input_length",
        "line 12, output_length",
        "line 13, arrival_s",
        "line 14, input_length",
    ]
    assert trace.broken == len(places)


def test_broken_lines_of_json_are_named_with_their_line(tmp_path: Path) -> None:
    good = {"arrival_ms": 1.5, "prompt_tokens": 9, "output_tokens": 2, "cached_tokens": 8}
    lines = [json.dumps(good), "{", "[1]", json.dumps(good | {"cached_tokens": 9}), "", "null"]
    lines += [json.dumps(good | {"prompt_tokens": True}), json.dumps({"arrival_ms": 2})]
    trace = read_requests(written(tmp_path, "t.jsonl", "\n".join(lines)))
    assert trace.format == "requests-jsonl"
    assert trace.table.arrival_ns.tolist() == [1_500_000]
    assert [fault.place.split(",")[0] for fault in trace.faults] == [
        "line 2",
        "line 3",
        "line 4",
        "line 6",
        "line 7",
        "line 8",
    ]
    assert trace.faults[-1].found == "nothing"


def test_broken_blocks_are_faults(tmp_path: Path) -> None:
    rows = [*MOONCAKE, MOONCAKE[0] | {"hash_ids": ["a"]}, MOONCAKE[0] | {"hash_ids": 3}]
    path = written(tmp_path, "m.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    trace = read_requests(path)
    assert [fault.place for fault in trace.faults] == ["line 5, hash_ids", "line 6, hash_ids"]


def test_many_faults_are_counted_and_the_first_kept(tmp_path: Path) -> None:
    body = "".join(f"{row},{row % 2},1\n" for row in range(20_000))
    trace = read_requests(written(tmp_path, "t.csv", f"arrival_ns,isl,osl\n{body}"))
    assert (len(trace.table), trace.broken, len(trace.faults)) == (10_000, 10_000, 100)
    assert trace.faults[0].place == "line 2, isl"


def test_lengths_without_arrivals_say_so(tmp_path: Path) -> None:
    text = "num_prefill_tokens,num_decode_tokens\n1402,711\n2497,918\n"
    trace = read_requests(written(tmp_path, "l.csv", text))
    assert trace.format == "lengths-csv"
    assert not trace.timed
    assert trace.table.arrival_ns.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "", "line 1: found an empty file"),
        ("t.csv", "a,b\n1,2\n", "expected columns of a trace: azure, burstgpt"),
        ("t.csv", "arrival_s,isl,osl\n", "found no row"),
        ("t.csv", "arrival_s,isl,osl\nx,y,z\n", "line 2, arrival_s"),
        ("t.csv", 'arrival_s,isl,osl\n1,2,"3' + "\n" * 200_000, "field larger"),
        ("t.csv", "timestamp,isl,osl\n12.5,2,3\n", "a date and a time"),
        ("t.csv", "timestamp,isl,osl\n1700000000,2,3\n", "timestamp_s"),
        ("t.csv", "timestamp,isl,osl\n1700000000000,2,3\n", "timestamp_ms"),
        ("t.csv", "timestamp,isl,osl\n2023,2,3\n2024,2,3\n", "a date and a time"),
        ("t.csv", "timestamp,isl,osl\n9999-01-01 00:00:00,2,3\n", "a date and a time"),
        ("t.jsonl", "{\n", "columns of a trace"),
    ],
)
def test_files_that_are_no_trace_are_refused(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_requests(written(tmp_path, name, text))


def test_missing_packed_and_misnamed_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_requests(tmp_path / "none.csv")
    with pytest.raises(InputError, match="not a gzipped file"):
        read_requests(written(tmp_path, "t.csv.gz", AZURE))
    path = written(tmp_path, "a.csv", AZURE)
    with pytest.raises(InputError, match=r"format: found 'vidur', expected one of: azure"):
        read_requests(path, "vidur")
    with pytest.raises(InputError, match="columns of a trace: burstgpt"):
        read_requests(path, "burstgpt")


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "found an empty file, expected the columns of a trace"),
        (AZURE.encode("utf-16"), "found a zero byte, expected text"),
        (gzip.compress(AZURE.encode()), "found a zero byte, expected text"),
        (
            b'{"timestamp": 1, "input_le',
            'found \'{"timestamp": 1, "input_le\', expected a JSON object',
        ),
    ],
)
def test_files_that_are_no_text_are_named(tmp_path: Path, data: bytes, found: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_requests(path)
    assert str(caught.value).startswith(f"{path}: line 1: {found}")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_written_tables_read_back_the_same(tmp_path: Path, suffix: str) -> None:
    chat = RequestClass(
        name='chat, "short"',
        arrivals=PoissonArrivals(rate=5.0),
        prompt=UniformLength(low=10, high=90),
        output=FixedLength(tokens=7),
        prefix_share=0.5,
    )
    code = chat.model_copy(update={"name": "code"})
    table = sample(Workload(classes=(chat, code)), requests=200, seed=2)
    path = tmp_path / f"t.{suffix}"
    write_requests(table, path)
    back = read_requests(path, strict=True).table
    for name in ("arrival_ns", "prompt_tokens", "output_tokens", "cached_tokens"):
        np.testing.assert_array_equal(getattr(back, name), getattr(table, name))
    assert [back.demands[row] for row in back.demand] == [
        table.demands[row] for row in table.demand
    ]
    with pytest.raises(InputError, match=r"one of: \.csv, \.jsonl"):
        write_requests(table, tmp_path / "t.txt")


@given(
    st.sampled_from(
        [
            "TIMESTAMP,ContextTokens,GeneratedTokens",
            "arrival_s,isl,osl,class,cached_tokens",
            "Timestamp,Model,Request tokens,Response tokens",
            "timestamp,isl,osl",
            '{"timestamp": 1, "input_length": 5, "output_length": 5, "hash_ids": [1]}',
        ]
    ),
    st.lists(
        st.text('0159.,-+eE:TZ" {}[]naif\r\x00\u0661é')
        | st.sampled_from(["1,2,3", "2023-11-16 18:17:03,5,5", "1e308,5,5", "5,5,5,a,2", '"'])
        | st.sampled_from(['{"timestamp": 1e999}', "[" * 3000, '{"timestamp": NaN}', "9" * 400]),
        max_size=8,
    ),
    st.booleans(),
)
def test_whatever_a_file_holds_it_is_a_trace_or_refused(
    header: str, lines: list[str], strict: bool
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace"
        path.write_bytes("\n".join([header, *lines]).encode())
        try:
            trace = read_requests(path, strict=strict)
        except InputError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - either outcome is right
        else:
            assert len(trace.table) >= 1
            assert not (strict and (trace.broken or trace.late))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "format_name", "rows", "share"),
    [
        ("llm_azure_2023/azure2023_code.csv", "azure", 5879, 0.0),
        ("llm_azure_2023/azure2023_conv.csv", "azure", 12910, 0.0),
        ("llm_mooncake/conversation_trace.jsonl.gz", "mooncake", 7689, 0.357),
        ("llm_mooncake/synthetic_trace.jsonl", "mooncake", 2600, 0.438),
        ("llm_lengths/sharegpt_8k_llama2.csv", "lengths-csv", 20560, 0.0),
        ("vidur_golden/requests-conv400.csv", "requests-csv", 400, 0.0),
        ("llm_servegen#deepseek-r1:0-600", "servegen", None, 0.0),
    ],
)
def test_public_traces_are_read_without_a_fault(
    shared_data: Path, name: str, format_name: str, rows: int | None, share: float
) -> None:
    trace = read_requests(shared_data / name, strict=True)
    assert trace.format == format_name
    assert rows is None or len(trace.table) == rows
    found = trace.table.cached_tokens.sum() / trace.table.prompt_tokens.sum()
    assert found == pytest.approx(share, abs=0.001)


@pytest.mark.parametrize(
    "header",
    [
        "TIMESTAMP,ContextTokens,GeneratedTokens,User",
        "timestamp,input_tokens,output_tokens,user_id",
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_users_reach_the_table_and_the_files_written_from_it(
    tmp_path: Path, header: str, ending: str
) -> None:
    path = tmp_path / "trace.csv"
    rows = ["00:02,10,3,ann", "00:01,20,4,bob", "00:03,30,5,", "00:04,-1,5,eve", "00:05,40,6,ann"]
    path.write_text("\n".join([header, *(f"2023-11-16 18:{row}" for row in rows)]) + "\n")
    table = read_requests(path).table
    assert table.user is not None
    names = [None if row < 0 else table.users[row] for row in table.user.tolist()]
    assert names == ["bob", "ann", None, "ann"]
    assert table.rows(slice(1, 3)).user.tolist() == table.user[1:3].tolist()  # type: ignore[union-attr]
    write_requests(table, tmp_path / f"again{ending}")
    again = read_requests(tmp_path / f"again{ending}").table
    assert again.user is not None
    assert [None if row < 0 else again.users[row] for row in again.user.tolist()] == names


def test_a_column_of_users_without_entries_tells_of_none(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("arrival_s,prompt_tokens,output_tokens,user\n0,10,3,\n1,10,3,\n")
    table = read_requests(path).table
    assert (table.user, table.users) == (None, ())
