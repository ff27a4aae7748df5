"""Descriptions of large language models: shapes, parameters and bytes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Document, Frozen, Many, Name
from scheduling.models.cost.precision import BYTES, Dtype

Size = Annotated[int, Field(ge=1, le=2**31)]


class GroupedAttention(Frozen):
    """Multi-head attention; grouped-query where ``kv_heads < heads``, multi-query at one."""

    kind: Literal["grouped"] = "grouped"
    heads: Size
    kv_heads: Size
    head_dim: Size
    window: Size | None = Field(default=None, description="Tokens that a windowed layer sees.")
    windowed_layers: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Layers that see only the window."
    )

    def parameters(self, hidden: int) -> int:
        """Count the weights of one layer's query, key, value and output products."""
        return hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)

    def kv_values(self) -> int:
        """Count the values that one token adds to the cache of one layer."""
        return 2 * self.kv_heads * self.head_dim


class LatentAttention(Frozen):
    """Multi-head latent attention (DeepSeek-V2): the cache holds one latent for all heads."""

    kind: Literal["latent"] = "latent"
    heads: Size
    kv_rank: Size = Field(description="Width of the latent that the cache holds.")
    rope_dim: Size = Field(description="Width of the key that carries positions, for all heads.")
    nope_dim: Size = Field(description="Width of a head's key without positions.")
    value_dim: Size = Field(description="Width of a head's value.")
    query_rank: Size | None = Field(default=None, description="Width of the queries' latent.")

    def parameters(self, hidden: int) -> int:
        """Count the weights of one layer's products, both latents included."""
        query_width = self.heads * (self.nope_dim + self.rope_dim)
        if self.query_rank is None:
            queries = hidden * query_width
        else:
            queries = self.query_rank * (hidden + query_width)
        down = hidden * (self.kv_rank + self.rope_dim)
        up = self.kv_rank * self.heads * (self.nope_dim + self.value_dim)
        return queries + down + up + self.heads * self.value_dim * hidden

    def kv_values(self) -> int:
        """Count the values that one token adds to the cache of one layer."""
        return self.kv_rank + self.rope_dim


class Experts(Frozen):
    """The feed-forward part of a mixture of experts."""

    count: Size = Field(description="Experts of a layer that tokens are routed to.")
    active: Size = Field(description="Experts that each token is routed to.")
    ffn: Size = Field(description="Inner width of one expert.")
    shared_ffn: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Inner width, in sum, of the experts that every token passes."
    )
    dense_layers: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Layers with a plain feed-forward part instead."
    )


class Llm(Document):
    """A decoder-only language model, as its configuration describes it.

    Norms and biases are left out of every count; they are below one part in a thousand.

    Raises
    ------
    InputError
        For counts that contradict each other.
    """

    kind: Literal["llm"] = "llm"
    name: Name
    layers: Size
    hidden: Size
    ffn: Size = Field(description="Inner width of a plain feed-forward part.")
    gated: bool = Field(default=True, description="Three products a feed-forward part, not two.")
    vocabulary: Size
    tied: bool = Field(default=False, description="One table for input and output embeddings.")
    attention: Annotated[GroupedAttention | LatentAttention, Field(discriminator="kind")]
    experts: Experts | None = None
    max_tokens: Size | None = Field(default=None, description="Longest sequence it was made for.")
    native: Dtype = Field(default="bf16", description="Type that its weights are published in.")
    huggingface: Name | None = Field(default=None, description="Name there, for the runtimes.")
    aliases: Many[Name] = Field(default=(), description="Other names of the catalogue's entry.")
    sources: Many[Name] = ()

    def _faults(self) -> list[Fault]:
        faults = []
        attention, experts = self.attention, self.experts
        if isinstance(attention, GroupedAttention):
            if attention.heads % attention.kv_heads:
                found = f"{attention.kv_heads} for {attention.heads} heads"
                faults.append(Fault("attention.kv_heads", found, "a divisor of heads"))
            if attention.windowed_layers > self.layers:
                found = str(attention.windowed_layers)
                faults.append(Fault("attention.windowed_layers", found, f"at most {self.layers}"))
            if attention.windowed_layers and attention.window is None:
                faults.append(Fault("attention.window", "nothing", "the window of those layers"))
        if experts is not None:
            if experts.active > experts.count:
                found = f"{experts.active} of {experts.count}"
                faults.append(Fault("experts.active", found, "at most experts.count"))
            if experts.dense_layers > self.layers:
                found = str(experts.dense_layers)
                faults.append(Fault("experts.dense_layers", found, f"at most {self.layers}"))
        return faults

    @property
    def expert_layers(self) -> int:
        """Layers whose feed-forward part is a mixture of experts."""
        return 0 if self.experts is None else self.layers - self.experts.dense_layers

    def _ffn_parameters(self, width: int) -> int:
        return (3 if self.gated else 2) * self.hidden * width

    @property
    def embedding_parameters(self) -> int:
        """Weights of the embedding tables."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def attention_parameters(self) -> int:
        """Weights of attention in one layer."""
        return self.attention.parameters(self.hidden)

    @property
    def expert_parameters(self) -> int:
        """Weights of one routed expert of one layer; 0 without experts."""
        return 0 if self.experts is None else self._ffn_parameters(self.experts.ffn)

    @property
    def shared_parameters(self) -> int:
        """Weights that every token passes in all layers: attention, plain parts, routers."""
        total = self.layers * self.attention_parameters
        total += (self.layers - self.expert_layers) * self._ffn_parameters(self.ffn)
        if self.experts is not None:
            routed = self._ffn_parameters(self.experts.shared_ffn)
            total += self.expert_layers * (routed + self.hidden * self.experts.count)
        return total

    @property
    def parameters(self) -> int:
        """Weights in all."""
        routed = 0 if self.experts is None else self.experts.count * self.expert_parameters
        return self.embedding_parameters + self.shared_parameters + self.expert_layers * routed

    @property
    def active_parameters(self) -> int:
        """Weights that one token meets, embedding tables included."""
        routed = 0 if self.experts is None else self.experts.active * self.expert_parameters
        return self.embedding_parameters + self.shared_parameters + self.expert_layers * routed

    def kv_bytes_per_token(self, dtype: Dtype) -> float:
        """Bytes that one token adds to the KV cache of all layers, windows apart."""
        return self.layers * self.attention.kv_values() * BYTES[dtype]
