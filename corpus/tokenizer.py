"""Training of the tokenizer that prepare.Tokenizer loads."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

from prepare import SPECIAL_TOKENS, DataError

SPLIT_PATTERN = (  # GPT-4's (cl100k_base of tiktoken), but at most two digits, as in autoresearch
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)


def train_tokenizer(texts: Iterator[str], vocab_size: int, folder: Path) -> None:
    """Learn a byte-pair encoding from texts and write it to tokenizer.json.

    Args:
        texts: Texts to learn from.
        vocab_size: Number of tokens, special ones included.
        folder: Folder for the file.

    Raises:
        DataError: The texts have too few different words.
    """
    import rustbpe

    bpe = rustbpe.Tokenizer()
    bpe.train_from_iterator(texts, vocab_size - len(SPECIAL_TOKENS), pattern=SPLIT_PATTERN)
    ranks = sorted(bpe.get_mergeable_ranks(), key=lambda x: x[1])
    if len(ranks) < vocab_size - len(SPECIAL_TOKENS):
        raise DataError(f"the text is too uniform for a vocabulary of {vocab_size}: add other text")
    tokens = [base64.b64encode(bytes(token)).decode() for token, _ in ranks]
    stored = json.dumps({"pattern": SPLIT_PATTERN, "tokens": tokens}, indent=0)
    (folder / "tokenizer.json").write_text(stored, encoding="utf-8")
