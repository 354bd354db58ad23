"""The dataloader: batches, their order, and what it refuses."""

import numpy as np
import pytest
import torch

from tests.prepare.preparing import load, take


def same(a, b):
    return all(
        torch.equal(x, u) and torch.equal(y, v) for (x, y, _), (u, v, _) in zip(a, b, strict=True)
    )


def test_batches_are_long_and_shifted_by_one(prepare):
    for x, y, epoch in take(prepare, 5, 8, prepare.MAX_SEQ_LEN, "train"):
        assert x.shape == y.shape == (8, prepare.MAX_SEQ_LEN)
        assert x.dtype == y.dtype == torch.long
        assert x.is_contiguous()
        assert y.is_contiguous()
        assert torch.equal(x[:, 1:], y[:, :-1])
        assert epoch == 1


def test_a_batch_is_never_overwritten(prepare, tokenizer):
    loader = prepare.make_dataloader(tokenizer, 4, 128, "train")
    batches = [next(loader) for _ in range(6)]
    assert same(batches, take(prepare, 6, 4, 128, "train"))
    assert not torch.equal(batches[0][0], batches[2][0])


def test_the_seed_decides_the_order(data, prepare):
    first = take(prepare, 4, 8, 128, "train")
    assert same(first, take(prepare, 4, 8, 128, "train"))
    assert same(first, take(load(data, TRAINER_SEED="0"), 4, 8, 128, "train"))
    for seed in ("1", "-1"):
        other = load(data, TRAINER_SEED=seed)
        assert int(seed) == other.SEED
        assert not same(first, take(other, 4, 8, 128, "train"))
        assert same(take(prepare, 4, 8, 128, "val"), take(other, 4, 8, 128, "val"))
    assert not same(
        take(load(data, TRAINER_SEED="1"), 4, 8, 128, "train"),
        take(load(data, TRAINER_SEED="-1"), 4, 8, 128, "train"),
    )


@pytest.mark.parametrize("part", [1, 2, 5])
def test_an_epoch_shows_every_row_once(prepare, part):
    width = prepare.MAX_SEQ_LEN // part
    rows = np.asarray(prepare.load_prepared().rows("train"))
    n = len(rows) * part
    batches = take(prepare, 2 * n // 16 + 1, 16, width, "train")
    x = torch.cat([x for x, _, _ in batches]).numpy()
    y = torch.cat([y for _, y, _ in batches]).numpy()
    seen = np.concatenate((x, y[:, -1:]), axis=1)
    wanted = np.concatenate([rows[:, i * width : (i + 1) * width + 1] for i in range(part)])
    ordered = np.sort([row.tobytes() for row in wanted.astype(np.int64)])
    for epoch in (0, 1):
        once = seen[epoch * n : (epoch + 1) * n]
        assert (np.sort([row.tobytes() for row in once]) == ordered).all()
    assert not np.array_equal(seen[:n], seen[n : 2 * n])
    assert [e for _, _, e in batches] == [1 + (16 * i + 15) // n for i in range(len(batches))]


def test_validation_comes_in_file_order(prepare):
    rows = np.asarray(prepare.load_prepared().rows("val")).astype(np.int64)
    (x, y, epoch), (again, _, later) = take(prepare, 2, len(rows), 128, "val")
    assert np.array_equal(x.numpy(), rows[:, :-1])
    assert np.array_equal(y.numpy(), rows[:, 1:])
    assert torch.equal(x, again)
    assert (epoch, later) == (1, 2)


def test_a_batch_may_be_larger_than_the_split(prepare):
    n = len(prepare.load_prepared().rows("val"))
    ((x, _, epoch),) = take(prepare, 1, 2 * n + 3, 128, "val")
    assert torch.equal(x[:n], x[n : 2 * n])
    assert torch.equal(x[:3], x[2 * n :])
    assert epoch == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((8, 129, "train"), "T <= MAX_SEQ_LEN"),
        ((8, 128, "test"), '"train" or "val"'),
        ((0, 128, "train"), "at least 1"),
        ((8, 0, "train"), "at least 1"),
    ],
)
def test_bad_arguments_are_refused_at_once(prepare, tokenizer, args, words):
    with pytest.raises(ValueError, match=words):
        prepare.make_dataloader(tokenizer, *args)
