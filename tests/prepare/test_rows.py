"""Rows and tokens: what a genome reads is the text, packed and split."""

import re
from collections import Counter

import numpy as np
import pytest
import torch

from tests.prepare.preparing import DOCUMENTS, make_documents


def test_rows_are_full_and_begin_with_bos(prepare, tokenizer):
    meta = prepare.load_prepared()
    for split in ("train", "val"):
        rows = meta.rows(split)
        assert rows.shape[1] == prepare.MAX_SEQ_LEN + 1
        assert (rows[:, 0] == tokenizer.get_bos_token_id()).all()
        assert rows.max() < tokenizer.get_vocab_size()
        reserved = tokenizer.get_vocab_size() - len(prepare.SPECIAL_TOKENS) + 1
        assert (rows < reserved).all()  # no padding: BOS is the only special token there is


def test_no_document_is_on_both_sides(prepare, tokenizer):
    def numbers(split):
        bos = tokenizer.decode([tokenizer.get_bos_token_id()])
        text = "".join(
            tokenizer.decode(row.tolist()) for row in prepare.load_prepared().rows(split)
        )
        return Counter(re.findall(re.escape(bos) + r"#(\d+)# ", text))

    train, val = numbers("train"), numbers("val")
    assert not train.keys() & val.keys()
    assert len(train) + len(val) > 0.97 * DOCUMENTS  # the rest was cropped early
    assert 0.03 < len(val) / DOCUMENTS < 0.3
    assert max(val.values()) == 2  # a document that comes twice is twice on one side


def test_token_bytes_are_raw_bytes(prepare, tokenizer):
    sizes = prepare.get_token_bytes()
    assert sizes.dtype == torch.int32
    special = len(prepare.SPECIAL_TOKENS)
    assert sizes[-special:].tolist() == [0] * special
    broken = 0
    for token in range(tokenizer.get_vocab_size() - special):
        raw = tokenizer.enc.decode_single_token_bytes(token)
        assert sizes[token] == len(raw)
        broken += len(tokenizer.decode([token]).encode()) != len(raw)
    assert broken >= 128  # tokens that are not whole UTF-8 decode to something longer
    text = "naïve 你好 🙂 <|reserved_0|> 12345"
    assert sizes[tokenizer.encode(text)].sum() == len(text.encode())


def test_tokenizer_round_trips(tokenizer):
    texts = ["", "hello  world\n\n\tx", "#12# 你好🙂é", "<|reserved_0|> is plain text here"]
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts
    assert tokenizer.encode(texts) == [tokenizer.encode(text) for text in texts]
    bos = tokenizer.get_bos_token_id()
    assert tokenizer.encode("a", prepend=bos) == [bos, *tokenizer.encode("a")]
    assert tokenizer.encode(["a"], prepend="<|reserved_0|>") == [[bos, *tokenizer.encode("a")]]
    with pytest.raises(ValueError, match="list of str"):
        tokenizer.encode(3)


def test_rows_hold_what_the_tokenizer_gives(prepare, tokenizer):
    texts = {f"#{n}#": text for text in make_documents(DOCUMENTS) for n in [text.split("#")[1]]}
    bos = tokenizer.get_bos_token_id()
    found = 0
    for row in prepare.load_prepared().rows("val")[:50]:
        first = row[1:][: np.flatnonzero(np.append(row[1:], bos) == bos)[0]].tolist()
        name = re.match(r"#\d+#", tokenizer.decode(first))
        if name:
            assert tokenizer.encode(texts[name[0]])[: len(first)] == first
            found += 1
    assert found > 5
