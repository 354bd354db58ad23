"""What a run is told by its environment, and what it says when data are not there."""

import json
import shutil
import time

import pytest

from tests.prepare.preparing import Bigram, load, run, take


def test_the_environment_sets_seed_and_budget(data):
    told = load(data, TRAINER_SEED="12", TRAINER_BUDGET="2.5")
    assert (told.SEED, told.TIME_BUDGET) == (12, 2.5)
    plain = load(data, TRAINER_BUDGET="60.0")
    assert (plain.SEED, plain.TIME_BUDGET) == (0, 60)
    with pytest.raises(ValueError, match="soon"):
        load(data, TRAINER_BUDGET="soon")


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def spoil_meta(folder, **changes):
    meta = json.loads((folder / "meta.json").read_text()) | changes
    (folder / "meta.json").write_text(json.dumps(meta))


DAMAGE = {
    "nothing there": shutil.rmtree,
    "meta is cut": lambda x: cut(x / "meta.json"),
    "meta of another version": lambda x: spoil_meta(x, format=999),
    "meta with a wrong type": lambda x: spoil_meta(x, eval_rows="many"),
    "meta is a list": lambda x: (x / "meta.json").write_text("[]"),
    "no tokenizer": lambda x: next(x.glob("*/tokenizer.json")).unlink(),
    "tokenizer is cut": lambda x: cut(next(x.glob("*/tokenizer.json"))),
    "rows are cut": lambda x: cut(next(x.glob("*/val.bin"))),
    "no rows": lambda x: next(x.glob("*/val.bin")).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_data_names_the_way_out(data, tmp_path, damage):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    damage(folder)
    module = load(folder)

    def use():
        module.evaluate_bpb(Bigram(512), module.Tokenizer.from_directory(), 8)

    with pytest.raises(RuntimeError, match=r"run `python prepare\.py( --force)?`") as caught:
        use()
    assert "\n" not in str(caught.value)


def test_training_needs_no_validation_rows(data, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    DAMAGE["no rows"](folder)
    assert len(take(load(folder), 3, 8, 128, "train")) == 3


def test_importing_is_light(data):
    code = (
        "import sys, prepare; prepare.Tokenizer; heavy = {'pyarrow', 'huggingface_hub', 'rustbpe', "
        "'tiktoken', 'rich', 'corpus'} & set(sys.modules); assert not heavy, heavy; "
        "held_out = {'pydoc_data', 'idlelib', 'tkinter', 'turtledemo'} & set(sys.modules); "
        "assert not held_out"
    )
    done = run(["-c", code], data)
    assert done.returncode == 0, done.stderr


def test_by_hand_the_clock_is_wall_clock(data):
    prepare = load(data)
    assert prepare.elapsed() == 0.0
    before = time.monotonic()
    prepare.start_clock()
    time.sleep(0.05)
    assert 0.05 <= prepare.elapsed() <= time.monotonic() - before
