"""Files that describe GPUs and models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.errors import InputError
from scheduling.instances.cost.descriptions import read_gpu, read_llm
from scheduling.models.cost.catalogue import gpu, llm

CARD = """\
kind: gpu
name: mine
memory_bytes: 80000000000
bandwidth: 3.0e12
flops: {bf16: 9.0e14}
link_bandwidth: 4.5e11
host_bandwidth: 6.4e10
network_bandwidth: 5.0e10
watts: 700
idle_watts: 70
sources: [our own measurements]
"""


def test_descriptions_come_back_from_yaml_and_json(tmp_path: Path) -> None:
    file = tmp_path / "gpu.yaml"
    file.write_text(CARD)
    card = read_gpu(file)
    assert card.flop_rate("bf16") == 9e14
    assert card.price_per_hour is None
    for name, document in (("h100-sxm", gpu("h100-sxm")), ("deepseek-v3", llm("deepseek-v3"))):
        written = tmp_path / f"{name}.json"
        written.write_text(document.model_dump_json(exclude_defaults=False))
        reader = read_gpu if name == "h100-sxm" else read_llm
        assert reader(written) == document


def test_a_folder_with_a_configuration_is_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "tiny-model"
    folder.mkdir()
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "vocab_size": 100,
    }
    (folder / "config.json").write_text(json.dumps(config))
    assert read_llm(folder).name == "tiny-model"
    (folder / "config.json").write_text(json.dumps({**config, "_name_or_path": "me/tiny"}))
    read = read_llm(folder / "config.json")
    assert (read.name, read.huggingface) == ("tiny", "me/tiny")


def test_faults_name_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "gpu.yaml"
    file.write_text(CARD.replace("watts: 700", "watts: -700"))
    with pytest.raises(InputError, match=r"gpu\.yaml: line 9, watts: found -700"):
        read_gpu(file)
    file.write_text(CARD.replace("kind: gpu", "kind: llm"))
    with pytest.raises(InputError, match=r"line 1, kind: found 'llm', expected 'gpu'"):
        read_gpu(file)
    file.write_text("- 1\n- 2\n")
    with pytest.raises(InputError, match="a mapping"):
        read_llm(file)
    file.write_text(CARD.replace("kind: gpu\n", ""))
    with pytest.raises(InputError, match="kind: found nothing"):
        read_gpu(file)
    config = tmp_path / "config.json"
    config.write_text('{\n"model_type": "llama",\n"hidden_size": -1\n}')
    with pytest.raises(InputError, match=r"line 3, hidden_size: found -1"):
        read_llm(config)
