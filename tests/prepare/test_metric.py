"""The metric: bits per byte, by whatever batches it is computed."""

import math

import numpy as np
import pytest
import torch

from tests.prepare.preparing import Bigram


def scored_rows(prepare):
    meta = prepare.load_prepared()
    return meta.rows("val")[: meta.eval_rows]


@torch.no_grad()
def brute_force(prepare, model):
    """Row by row and token by token, in float64, from the text's own bytes."""
    enc = prepare.Tokenizer.from_directory().enc
    ordinary = enc.n_vocab - len(prepare.SPECIAL_TOKENS)
    nats, size = 0.0, 0
    for row in scored_rows(prepare).astype(np.int64):
        table = model.table[torch.from_numpy(row[:-1]), :ordinary]
        logs = torch.log_softmax(table.double(), dim=-1)
        for position, target in enumerate(row[1:].tolist()):
            if target < ordinary:
                nats -= logs[position, target].item()
                size += len(enc.decode_single_token_bytes(target))
    return nats / size / math.log(2)


def test_bpb_is_the_same_at_any_batch_size_and_by_brute_force(prepare, tokenizer):
    model = Bigram(tokenizer.get_vocab_size())
    rows = len(scored_rows(prepare))
    assert rows == 1024
    results = {}
    for batch_size in (1, 100, 1024, 1100):
        model.shapes.clear()
        results[batch_size] = prepare.evaluate_bpb(model, tokenizer, batch_size)
        assert model.shapes == {(batch_size, prepare.MAX_SEQ_LEN)}
    assert max(results.values()) - min(results.values()) < 1e-6
    assert results[1] == pytest.approx(brute_force(prepare, model), abs=1e-6)


@pytest.mark.parametrize("special", [-math.inf, 0.0, 9.0])
def test_special_tokens_do_not_count(prepare, tokenizer, special):
    bos = tokenizer.get_bos_token_id()
    vocabulary = tokenizer.get_vocab_size()

    def uniform(x):  # a plain function, in another precision
        logits = torch.zeros(*x.shape, vocabulary, dtype=torch.bfloat16)
        logits[..., bos:] = special
        return logits

    targets = scored_rows(prepare)[:, 1:].astype(np.int64)
    assert (targets == bos).any()
    size = prepare.get_token_bytes()[torch.from_numpy(targets)]
    wanted = math.log2(bos) * (size > 0).sum().item() / size.sum().item()
    assert prepare.evaluate_bpb(uniform, tokenizer, 64) == pytest.approx(wanted, rel=1e-6)


def test_a_model_without_logits_is_refused(prepare, tokenizer):
    with pytest.raises(ValueError, match=r"must give \(B, T, 512\) logits"):
        prepare.evaluate_bpb(lambda x: torch.zeros(*x.shape, 1000), tokenizer, 8)
    with pytest.raises(ValueError, match="batch_size"):
        prepare.evaluate_bpb(Bigram(512), tokenizer, 0)
