"""The tokens of a text, as language models count them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from evolve.models.litellm_loader import load_litellm

if TYPE_CHECKING:
    import tiktoken


def count_tokens(text: str) -> int:
    """Count the tokens of a text, by a tokenizer from which those of models differ a little."""
    return len(_load_encoding().encode(text, disallowed_special=()))


@lru_cache(1)
def _load_encoding() -> tiktoken.Encoding:
    load_litellm()
    # litellm brings the vocabulary along, and this says where: nothing is downloaded
    import tiktoken
    from litellm.litellm_core_utils import default_encoding  # noqa: F401

    return tiktoken.get_encoding("cl100k_base")
