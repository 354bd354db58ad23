"""`python prepare.py` as a user runs it: options, what it reports, interruptions and company."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CPU = ("--scale", "cpu")


def test_the_report_and_what_is_ready_at_once(prepare: Any, source: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    options = prepare.command(data, "--source", source, *CPU)
    done = subprocess.run(**options, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = prepare.read_report(done.stdout)
    assert report["seed"] == "train_cpu.py"
    assert report["env.PREPARE_DATA"] == str(data)
    assert report["masked.1"] == str(source)
    assert re.fullmatch("[0-9a-f]{16}", report["fingerprint.data"])
    assert report["fingerprint.scale"] == "cpu"
    assert set(report) >= {f"fingerprint.{x}" for x in ("torch", "tokenizer", "corpus")}
    assert re.match(r"ready in [\d.]+ s: .*1 file, ", done.stdout.splitlines()[-1])
    written = (data / "meta.json").stat().st_mtime_ns
    for args in ((), ("--source", source), ("--scale", "auto"), CPU, ("--num-shards", "3")):
        again, out = prepare.succeed(data, *args)
        assert again == report
        assert out.splitlines()[-1].startswith("ready: ")
    assert (data / "meta.json").stat().st_mtime_ns == written


def test_data_for_other_constants_stay_and_that_is_said(
    prepare: Any, source: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    report, out = prepare.succeed(data, "--source", source, *CPU)
    assert "NOTICE" not in out
    path = data / "meta.json"
    meta = json.loads(path.read_text())
    path.write_text(json.dumps(meta | {"eval_rows": meta["eval_rows"] // 2}))
    again, out = prepare.succeed(data)
    assert "--force` makes it anew" in out
    assert again["fingerprint.data"] == report["fingerprint.data"]


def test_a_data_folder_that_cannot_be_written_serves(
    prepare: Any, source: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    prepare.succeed(data, "--source", source, *CPU)
    (data / ".lock").unlink()
    (data / ".lock").mkdir()  # root may write anywhere, but nobody can lock a folder
    assert "\nready: " in prepare.succeed(data)[1]


def test_a_copy_of_prepare_keeps_its_data_beside_itself(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "prepare.py"
    copy.parent.mkdir()
    shutil.copy(ROOT / "prepare.py", copy)
    command = [sys.executable, copy, "--source", source, *CPU]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(command, env=env, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (copy.parent / "data" / "meta.json").is_file()


def test_prepare_without_its_package_says_what_to_install(tmp_path: Path) -> None:
    """Blocks the import of corpus, as if prepare.py alone had been copied to another machine."""
    code = (
        "import runpy, sys; sys.modules['corpus'] = None; "
        f"runpy.run_path({str(ROOT / 'prepare.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 1
    assert re.fullmatch(r"prepare\.py: .*corpus.*: run `pip install -e \.` .*\n", done.stderr)


def test_another_source_is_announced_before_it_replaces_the_data(
    prepare: Any, text: Any, documents: list[str], tmp_path: Path
) -> None:
    data, folder = tmp_path / "data", tmp_path / "source"
    text.write_jsonl(folder / "a.jsonl", documents)
    first, out = prepare.succeed(data, "--source", folder, *CPU)
    assert "NOTICE" not in out
    text.write_jsonl(folder / "b.jsonl", documents[:10])
    second, out = prepare.succeed(data, "--source", folder)
    announced, deleted = out.index("NOTICE: this replaces"), out.index("\ndeleted the data")
    assert announced < out.index("learning a vocabulary") < deleted
    assert first["fingerprint.corpus"] in out[announced:].splitlines()[0]
    assert first["referee.folder"].rstrip("/") in out[deleted:]
    forced, out = prepare.succeed(data, "--source", folder, "--force")
    assert "\nready in " in out
    assert "deleted" not in out  # the same text gives the same set
    assert first["fingerprint.data"] != second["fingerprint.data"] == forced["fingerprint.data"]
    assert len(list(data.glob("*/train.bin"))) == 1
    assert {x.name for x in data.iterdir() if x.is_file()} == {"meta.json", ".lock"}


def test_a_failure_ends_with_code_1_and_what_was_prepared_stays(
    prepare: Any, source: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    report, _ = prepare.succeed(data, "--source", source, *CPU)
    missing = tmp_path / "none"
    options = prepare.command(data, "--source", missing)
    done = subprocess.run(**options, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr == f"prepare.py: --source {missing}: there is no such file or folder\n"
    assert prepare.succeed(data)[0] == report


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--num-shards", "0", "must be 1 to 6542, or -1 for all"),
        ("--num-shards", "-2", "must be 1 to 6542, or -1 for all"),
        ("--num-shards", "ten", "invalid"),
        ("--download-workers", "0", "must be at least 1"),
        ("--encoding", "hex", "Python knows no encoding 'hex'"),
        ("--encoding", "utf-9", "Python knows no encoding 'utf-9'"),
    ],
)
def test_bad_options_are_refused(
    prepare: Any, tmp_path: Path, option: str, value: str, words: str
) -> None:
    done = prepare.run(tmp_path, option, value)
    assert done.returncode == 2
    assert f"argument {option}: {words}" in done.stderr
    assert not list(tmp_path.iterdir())


def test_help_names_every_source_and_its_options(prepare: Any, tmp_path: Path) -> None:
    shown = " ".join(prepare.succeed(tmp_path, "--help")[1].split())
    for words in ("climbmix|offline|PATH", ".jsonl", ".zst", "--num-shards", "--text-key"):
        assert words in shown


INTERRUPTIONS = [
    signal.SIGKILL,
    signal.SIGTERM,
    pytest.param(signal.SIGINT, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("blow", INTERRUPTIONS)
def test_an_interrupted_preparation_leaves_the_old_data(
    prepare: Any, text: Any, source: Path, tmp_path: Path, blow: signal.Signals
) -> None:
    data = tmp_path / "data"
    report, _ = prepare.succeed(data, "--source", source, *CPU)
    text.write_jsonl(tmp_path / "more" / "text.jsonl", text.make_documents(6000, seed=1))
    options = prepare.command(data, "--source", tmp_path / "more", *CPU)
    with subprocess.Popen(**options, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"tokenising" in line:
                process.send_signal(blow)
                break
        process.stdout.read()
    assert process.returncode != 0
    assert (data / ".preparing").exists() == (blow == signal.SIGKILL)
    assert prepare.succeed(data)[0] == report
    other, _ = prepare.succeed(data, "--source", tmp_path / "more")
    assert other["fingerprint.data"] != report["fingerprint.data"]
    assert not (data / ".preparing").exists()


def test_of_two_at_once_one_waits_for_the_other(prepare: Any, source: Path, tmp_path: Path) -> None:
    options = prepare.command(tmp_path / "data", "--source", source, *CPU)
    both = [subprocess.Popen(**options, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("learning a vocabulary" in out for out in outs) == 1
    reports = [prepare.read_report(out) for out in outs]
    assert reports[0] == reports[1]


def test_damaged_data_are_mended(prepare: Any, source: Path, tmp_path: Path) -> None:
    report, _ = prepare.succeed(tmp_path, "--source", source, *CPU)
    same = {"meta.json": ("--source", source), "*/train.bin": (), "*/tokenizer.json": ()}
    for name, args in same.items():
        path = next(tmp_path.glob(name))
        path.write_bytes(path.read_bytes()[:-7])
        assert prepare.succeed(tmp_path, *args, *CPU)[0] == report
