"""Descriptions of language models from the ``config.json`` of a Hugging Face repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduling.errors import Fault, InputError
from scheduling.models.cost.llm import Experts, GroupedAttention, LatentAttention, Llm
from scheduling.models.cost.precision import Dtype

_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HIDDEN = ("hidden_size", "n_embd", "n_embed", "d_model")
_HEADS = ("num_attention_heads", "n_head", "n_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv")
_FFN = ("intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner")
_EXPERTS = ("n_routed_experts", "num_local_experts", "num_experts")
_ACTIVE = ("num_experts_per_tok", "experts_per_token", "num_experts_per_token")
_MOST = 2**31
"""Largest number that a field may hold."""

_MOST_LAYERS = 10_000

_LENGTHS = ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len")

_PLAIN = frozenset(
    [
        "opt",
        "bloom",
        "falcon",
        "gpt2",
        "gptj",
        "gpt_neox",
        "gpt_bigcode",
        "mpt",
        "phi",
        "starcoder2",
    ]
)
"""Types whose feed-forward part is two products, four times as wide as the model by default."""

_TIED = frozenset(
    [
        "opt",
        "bloom",
        "gpt2",
        "gpt_bigcode",
        "mpt",
        "cohere",
        "cohere2",
        "gemma",
        "gemma2",
        "gemma3",
        "gemma3_text",
    ]
)
"""Types that share one embedding table where the file does not say otherwise."""

_ALTERNATING = {"gpt_oss": 2, "gemma2": 2, "gemma3": 6, "gemma3_text": 6}
"""Types of which each layer but one in so many has a window, where the file does not list them."""

_UNKNOWN = {
    "linear_num_value_heads": "layers of linear attention",
    "ssm_state_size": "state-space layers",
    "state_size": "state-space layers",
    "attn_layer_period": "state-space layers",
    "interleave_moe_layer_step": "experts of Llama 4",
}
"""Fields of models that :class:`~scheduling.models.cost.llm.Llm` cannot describe."""

_FLOATS: dict[str, Dtype] = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
_METHODS: dict[str, Dtype] = {
    "fp8": "fp8",
    "fp8_pb_wo": "fp8",
    "w4a8_awq": "int4",
    "w4a16_awq": "int4",
    "w8a8_sq_per_channel": "int8",
    "fbgemm_fp8": "fp8",
    "mxfp4": "fp4",
    "nvfp4": "fp4",
    "modelopt_fp4": "fp4",
}
_BITS: dict[tuple[str, int], Dtype] = {
    ("int", 4): "int4",
    ("int", 8): "int8",
    ("float", 4): "fp4",
    ("float", 8): "fp8",
}


def from_config(config: Mapping[str, Any], name: str, huggingface: str | None = None) -> Llm:
    """Read a model's description from the content of its ``config.json``.

    Dense, grouped-query and latent attention, mixtures of experts with shared experts and plain
    layers, sliding windows and ``quantization_config`` are understood; of multimodal models the
    language model (``text_config``) is read.

    Parameters
    ----------
    config
        The parsed file.
    name
        Name of the description.
    huggingface
        Repository that the file is from, for the runtimes.

    Raises
    ------
    InputError
        When a field is missing, is no such number, or says something that a description cannot
        hold; every fault names the field.
    """
    if not isinstance(config, Mapping):
        raise InputError.single("config.json", type(config).__name__, "an object with fields")
    return _Reader(config, name, huggingface).read()


@dataclass
class _Reader:
    """Reads one configuration and gathers what is wrong with it."""

    outer: Mapping[str, Any]
    name: str
    huggingface: str | None
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        inner = self.outer.get("text_config")
        self.nested = isinstance(inner, Mapping)
        self.config: Mapping[str, Any] = inner if isinstance(inner, Mapping) else self.outer
        self.type = str(self.config.get("model_type", self.outer.get("model_type", "")))

    def read(self) -> Llm:
        """Return the description, or raise all faults."""
        self._refuse_unknown()
        layers, hidden = self._layers(), self.size(*_HIDDEN)
        vocabulary = self.size("vocab_size")
        ffn, experts = self._feed_forward(layers, hidden)
        attention = self._attention(layers, hidden)
        native = self._native()
        if self.faults:
            raise InputError(self.faults)
        return Llm(
            name=self.name,
            layers=layers,
            hidden=hidden,
            ffn=ffn,
            gated=self.type not in _PLAIN,
            vocabulary=vocabulary,
            tied=self._tied(),
            attention=attention,
            experts=experts,
            max_tokens=self.optional(*_LENGTHS),
            native=native,
            huggingface=self.huggingface,
        )

    def place(self, key: str) -> str:
        """Return the path of a field for people."""
        return f"text_config.{key}" if self.nested else key

    def optional(self, *keys: str) -> int | None:
        """Return the first of these fields that is there, a whole number above zero."""
        for key in keys:
            value = self.config.get(key)
            if value is None:
                continue
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
                return value
            found, expected = repr(value)[:80], f"a whole number from 1 to {_MOST}"
            self.faults.append(Fault(self.place(key), found, expected))
            return 1
        return None

    def size(self, *keys: str) -> int:
        """Return the first of these fields that is there; a missing one is a fault."""
        value = self.optional(*keys)
        if value is None:
            expected = "a whole number above 0"
            if len(keys) > 1:
                expected += f" here, or under {', '.join(keys[1:])}"
            self.faults.append(Fault(self.place(keys[0]), "nothing", expected))
            return 1
        return value

    def count(self, key: str) -> int:
        """Return a field that may be missing or zero."""
        return 0 if self.config.get(key) in (None, 0) else self.size(key)

    def _layers(self) -> int:
        layers = self.size(*_LAYERS)
        if layers > _MOST_LAYERS:
            self.faults.append(Fault(self.place(_LAYERS[0]), str(layers), "a number of layers"))
            return 1
        return layers

    def _refuse_unknown(self) -> None:
        for key, what in _UNKNOWN.items():
            if self.config.get(key) is not None:
                expected = f"a model without {what}: descriptions cannot hold them"
                self.faults.append(Fault(self.place(key), repr(self.config[key]), expected))
        if self.outer.get("is_encoder_decoder"):
            self.faults.append(Fault("is_encoder_decoder", "True", "a decoder-only model"))

    def _attention(self, layers: int, hidden: int) -> GroupedAttention | LatentAttention:
        heads = self.size(*_HEADS)
        if self.config.get("kv_lora_rank") is not None:
            return LatentAttention(
                heads=heads,
                kv_rank=self.size("kv_lora_rank"),
                rope_dim=self.size("qk_rope_head_dim"),
                nope_dim=self.size("qk_nope_head_dim"),
                value_dim=self.size("v_head_dim"),
                query_rank=self.optional("q_lora_rank"),
            )
        kv_heads = self.optional(*_KV_HEADS) or heads
        falcon = self.type == "falcon" and not self.config.get("new_decoder_architecture")
        if self.config.get("multi_query") and (falcon or self.type == "gpt_bigcode"):
            kv_heads = 1
        head_dim = self.optional("head_dim")
        if head_dim is None:
            head_dim = max(hidden // heads, 1)
            if hidden % heads and not self.faults:
                expected = f"a width of heads, as {hidden} is no multiple of {heads} heads"
                self.faults.append(Fault(self.place("head_dim"), "nothing", expected))
        if heads % kv_heads:
            expected = f"a divisor of {heads} attention heads"
            self.faults.append(Fault(self.place(_KV_HEADS[0]), str(kv_heads), expected))
            kv_heads = heads
        window, windowed = self._window(layers)
        return GroupedAttention(
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            window=window,
            windowed_layers=windowed,
        )

    def _window(self, layers: int) -> tuple[int | None, int]:
        """Return the window and how many layers have it."""
        kinds = self.config.get("layer_types")
        if isinstance(kinds, list):
            odd = sorted({str(kind) for kind in kinds} - {"full_attention", "sliding_attention"})
            if odd or len(kinds) != layers:
                found = ", ".join(odd) or f"{len(kinds)} entries"
                expected = f"full_attention or sliding_attention for each of {layers} layers"
                self.faults.append(Fault(self.place("layer_types"), found, expected))
        window = self.optional("sliding_window")
        if window is None or self.config.get("use_sliding_window") is False:
            return None, 0
        if isinstance(kinds, list):
            windowed = min(kinds.count("sliding_attention"), layers)
        elif self.config.get("use_sliding_window"):
            windowed = max(layers - self.count("max_window_layers"), 0)
        else:
            every = self.optional("sliding_window_pattern") or _ALTERNATING.get(self.type)
            windowed = layers if every is None else layers - layers // every
        return (window, windowed) if windowed else (None, 0)

    def _feed_forward(self, layers: int, hidden: int) -> tuple[int, Experts | None]:
        """Return the width of plain parts, and the experts."""
        count = self.optional(*_EXPERTS)
        if count is None or count == 1:
            plain = self.optional(*_FFN)
            if plain is None and self.type in _PLAIN:
                plain = 4 * hidden
            return plain or self.size(*_FFN), None
        width = self.optional("moe_intermediate_size") or self.size(*_FFN)
        shared = self.count("n_shared_experts") * width
        for key in ("shared_expert_intermediate_size", "shared_intermediate_size"):
            shared += self.count(key)
        active = self.size(*_ACTIVE)
        if active > count:
            self.faults.append(Fault(self.place(_ACTIVE[0]), str(active), f"at most {count}"))
            active = count
        experts = Experts(
            count=count,
            active=active,
            ffn=width,
            shared_ffn=shared,
            dense_layers=self._dense_layers(layers),
        )
        return self.optional(*_FFN) or width, experts

    def _dense_layers(self, layers: int) -> int:
        """Count the layers without experts."""
        step = self.optional("decoder_sparse_step") or 1
        plain = {layer for layer in range(layers) if (layer + 1) % step}
        frequency = self.config.get("moe_layer_freq", 1)
        if isinstance(frequency, list):
            plain.update(layer for layer, mixed in enumerate(frequency[:layers]) if not mixed)
        elif isinstance(frequency, int) and frequency > 1:
            plain.update(layer for layer in range(layers) if layer % frequency)
        plain.update(range(min(self.count("first_k_dense_replace"), layers)))
        only = self.config.get("mlp_only_layers")
        for layer in only if isinstance(only, list) else ():
            if isinstance(layer, int) and 0 <= layer < layers:
                plain.add(layer)
        return len(plain)

    def _tied(self) -> bool:
        for config in (self.config, self.outer):
            tied = config.get("tie_word_embeddings")
            if isinstance(tied, bool):
                return tied
        if self.type == "falcon":
            return not self.config.get("new_decoder_architecture", False)
        return self.type in _TIED

    def _native(self) -> Dtype:
        """Return the type of the weights, quantised or not."""
        for config in (self.outer, self.config):
            quantised = config.get("quantization_config")
            if isinstance(quantised, Mapping):
                return self._quantised(quantised)
            if config.get("quant_method") is not None:
                return self._quantised(config)
        given = [
            config[key]
            for config in (self.config, self.outer)
            for key in ("dtype", "torch_dtype")
            if config.get(key) is not None
        ]
        kind = str(given[0]).removeprefix("torch.") if given else "bfloat16"
        if kind not in _FLOATS:
            self.faults.append(Fault("torch_dtype", kind, f"one of: {', '.join(_FLOATS)}"))
        return _FLOATS.get(kind, "bf16")

    def _quantised(self, quantised: Mapping[str, Any]) -> Dtype:
        method = str(quantised.get("quant_method", "")).lower()
        algorithm = str(quantised.get("quant_algo", "")).lower()
        for key in (method, algorithm):
            if key in _METHODS:
                return _METHODS[key]
        known: Dtype | None = None
        if method in {"awq", "gptq"}:
            known = _BITS.get(("int", _number(quantised.get("bits", 4))))
        elif method == "bitsandbytes":
            known = "int4" if quantised.get("load_in_4bit") else "int8"
        elif method in {"compressed-tensors", "modelopt"}:
            known = _of_groups(quantised)
        elif method == "quark":
            known = _of_quark(quantised)
        if known is None:
            found = f"{method or algorithm or 'no method'}"
            expected = "fp8, mxfp4, awq, gptq, bitsandbytes, or bits and type of compressed-tensors"
            self.faults.append(Fault("quantization_config.quant_method", found, expected))
            return "bf16"
        return known


def _of_groups(quantised: Mapping[str, Any]) -> Dtype | None:
    """Return the type of the weights of the first group of modules that states one."""
    groups = quantised.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping):
            bits = _number(weights.get("num_bits"))
            return _BITS.get((str(weights.get("type", "int")), bits))
    return None


def _of_quark(quantised: Mapping[str, Any]) -> Dtype | None:
    """Return the type of the weights as AMD Quark states it, such as ``fp8_e4m3``."""
    whole = quantised.get("global_quant_config")
    weight = whole.get("weight") if isinstance(whole, Mapping) else None
    stated = weight.get("dtype") if isinstance(weight, Mapping) else None
    return next((dtype for dtype in _BITS.values() if str(stated).startswith(dtype)), None)


def _number(value: Any) -> int:
    """Return a number of bits, 0 for what is none."""
    return value if isinstance(value, int) else 0
