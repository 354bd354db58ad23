"""climbmix, from a local server that speaks as the Hugging Face hub does."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SHARDS = ["shard_00000.parquet", "shard_00001.parquet", "shard_00002.parquet"]
VALIDATION = "shard_06542.parquet"


@pytest.fixture(scope="module")
def hub(load: Callable[[Path, str], ModuleType]) -> ModuleType:
    """hub.py"""
    return load(Path(__file__).with_name("hub.py"), "hub")


@pytest.fixture(scope="module")
def shards(text: Any, documents: list[str], tmp_path_factory: Any) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("shards")
    parts = {VALIDATION: documents[:500], SHARDS[0]: documents[450:1000]}
    parts |= {SHARDS[1]: documents[1000:], SHARDS[2]: list(text.make_documents(400, seed=2))}
    for name, texts in parts.items():
        text.write_parquet(folder / name, texts)
    return {name: (folder / name).read_bytes() for name in parts}


def options(shards: int = 2) -> tuple[str, ...]:
    return ("--source", "climbmix", "--num-shards", str(shards), "--scale", "cpu")


def variables(server: Any) -> dict[str, str]:
    """The server as a mirror of the hub; longer than it stalls, nothing is given up."""
    return {"HF_ENDPOINT": server.url, "HF_HUB_DOWNLOAD_TIMEOUT": "90"}


def test_climbmix_is_downloaded_once(
    prepare: Any, hub: Any, shards: dict[str, bytes], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with hub.serve(shards) as server:
        first, out = prepare.succeed(data, *options(), **variables(server))
        assert sorted(server.requests) == [(x, 0) for x in (*SHARDS[:2], VALIDATION)]
        assert f"downloading 3 shards of about 90 MB from {server.url} ..." in out
        assert "train: 1,100 documents" in out  # 50 of shard 0 are in the validation shard too
        assert "val: 500 documents" in out
        assert "\nready: " in prepare.succeed(data, *options(1), **variables(server))[1]
        server.requests.clear()
        more, _ = prepare.succeed(data, "--num-shards", "3", **variables(server))
        assert server.requests == [(SHARDS[2], 0)]
        assert more["fingerprint.corpus"] == "climbmix: 3 shards, validation shard_06542"
        assert more["fingerprint.data"] != first["fingerprint.data"]
    # what is here needs no network, and the folder of shards outlives a set
    again, _ = prepare.succeed(data, *options(), "--force", **variables(server))
    assert again["fingerprint.data"] == first["fingerprint.data"]
    assert {x.name for x in (data / "climbmix").iterdir()} == set(shards)


def test_faults_of_the_network_are_ridden_out(
    prepare: Any, hub: Any, shards: dict[str, bytes], documents: list[str], tmp_path: Path
) -> None:
    noise = pa.array([os.urandom(25_000) for _ in documents[:1000]])  # 25 MB, since what arrived
    table = pa.table({"text": documents[:1000], "noise": noise})  # is kept in blocks of 10 MB
    pq.write_table(table, tmp_path / "large.parquet")
    shards = shards | {SHARDS[0]: (tmp_path / "large.parquet").read_bytes()}
    faults = {
        SHARDS[0]: ["drops", "drops", "ignores the range"],
        SHARDS[1]: ["503", "drops", "429"],
        VALIDATION: ["spoils a byte", "is short"],
    }
    with hub.serve(shards, faults) as server:
        report, _ = prepare.succeed(tmp_path, *options(), **variables(server))
        starts = {name: [at for x, at in server.requests if x == name] for name in shards}
    assert report["fingerprint.corpus"] == "climbmix: 2 shards, validation shard_06542"
    first, *others = starts[SHARDS[0]]
    assert first == 0
    assert len(others) == 2
    assert min(others) > 5_000_000  # taken up where it broke
    assert len(starts[SHARDS[1]]) == 4
    assert starts[VALIDATION] == [0, 0, 0]
    for name in (*SHARDS[:2], VALIDATION):
        assert (tmp_path / "climbmix" / name).read_bytes() == shards[name]


def test_a_server_without_checksums_is_checked_by_the_file_itself(
    prepare: Any, hub: Any, shards: dict[str, bytes], tmp_path: Path
) -> None:
    page = shards | {SHARDS[0]: b"<html>a login page</html>" * 9}
    with hub.serve(page, plain=True) as server:
        message = prepare.fail(tmp_path, *options(1), **variables(server))
        assert f"{SHARDS[0]} cannot be downloaded (OSError: what arrived is damaged)" in message
        assert "--source offline" in message
        assert server.requests.count((SHARDS[0], 0)) == 3
    assert not (tmp_path / "climbmix" / SHARDS[0]).exists()
    with hub.serve(shards, {SHARDS[0]: ["drops"]}, plain=True) as server:
        prepare.succeed(tmp_path, *options(1), **variables(server))
    assert (tmp_path / "climbmix" / SHARDS[0]).read_bytes() == shards[SHARDS[0]]


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_download_ends_at_once_and_goes_on_later(
    prepare: Any, hub: Any, shards: dict[str, bytes], tmp_path: Path, blow: signal.Signals
) -> None:
    with hub.serve(shards, {SHARDS[0]: ["stalls"]}) as server:
        command = prepare.command(tmp_path, *options(1), **variables(server))
        with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert server.stalled.wait(120)
            while not (tmp_path / "climbmix" / VALIDATION).exists():
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(blow)
            _, errors = process.communicate(timeout=25)  # the server would stall for longer
        if blow == signal.SIGINT:
            assert errors == b"prepare.py: interrupted; run it again to continue\n"
            assert process.returncode == 1
        server.requests.clear()
        prepare.succeed(tmp_path, *options(1), **variables(server))
        assert server.requests == [(SHARDS[0], 0)]
    assert (tmp_path / "climbmix" / SHARDS[0]).read_bytes() == shards[SHARDS[0]]
    assert {x.name for x in (tmp_path / "climbmix").iterdir()} == {SHARDS[0], VALIDATION}


def test_shards_that_a_person_put_there_need_no_network(
    prepare: Any, shards: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "climbmix").mkdir()
    for name in (SHARDS[0], VALIDATION):
        (tmp_path / "climbmix" / name).write_bytes(shards[name])
    report, _ = prepare.succeed(tmp_path, *options(1), HF_ENDPOINT="http://127.0.0.1:9")
    assert report["fingerprint.corpus"] == "climbmix: 1 shard, validation shard_06542"


def test_a_damaged_shard_is_downloaded_again(
    prepare: Any, hub: Any, shards: dict[str, bytes], tmp_path: Path
) -> None:
    with hub.serve(shards) as server:
        first, _ = prepare.succeed(tmp_path, *options(), **variables(server))
        path = tmp_path / "climbmix" / SHARDS[1]
        path.write_bytes(path.read_bytes()[:-50] + bytes(50))
        server.requests.clear()
        again, _ = prepare.succeed(tmp_path, *options(), "--force", **variables(server))
    assert server.requests == [(SHARDS[1], 0)]
    assert again == first


def test_a_shard_that_is_damaged_further_on_is_named(
    prepare: Any, text: Any, shards: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "climbmix" / SHARDS[0]
    text.write_parquet(path, text.make_documents(2500))
    (path.parent / VALIDATION).write_bytes(shards[VALIDATION])
    content = path.read_bytes()
    at = len(content) * 4 // 5
    path.write_bytes(content[:at] + bytes(3000) + content[at + 3000 :])
    message = prepare.fail(tmp_path, *options(1))
    assert f"{path} is damaged (" in message
    assert "delete it, and run it again" in message


@pytest.mark.parametrize(("faults", "words"), [({}, "404"), ({SHARDS[0]: ["403"] * 9}, "403")])
def test_what_the_server_refuses_is_an_error_with_the_way_out(
    prepare: Any,
    hub: Any,
    shards: dict[str, bytes],
    tmp_path: Path,
    faults: dict[str, list[str]],
    words: str,
) -> None:
    files = shards if faults else {VALIDATION: shards[VALIDATION]}
    with hub.serve(files, faults) as server:
        message = prepare.fail(tmp_path, *options(1), **variables(server))
    assert f"{SHARDS[0]} cannot be downloaded (HTTP status {words})" in message
    assert "--source PATH" in message
    refused = [x for x in server.requests if x[0] == SHARDS[0]]
    assert len(refused) == len(faults)  # not asked again


def test_climbmix_that_was_asked_for_is_never_replaced(prepare: Any, tmp_path: Path) -> None:
    message = prepare.fail(tmp_path, *options(), HF_ENDPOINT="http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached" in message
    assert "--source offline" in message
