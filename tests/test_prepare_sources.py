"""`python prepare.py` as a user runs it: sources, options, faults, and what it reports."""

import hashlib
import importlib.util
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[1]
CPU = ("--scale", "cpu")


def make_documents(count, seed=0):
    draw = random.Random(seed)
    words = ["".join(draw.choices("etaoinshrdlucm", k=draw.randint(2, 9))) for _ in range(2000)]
    for _ in range(count):
        yield " ".join(words[int(2000 * draw.random() ** 2)] for _ in range(draw.randint(30, 250)))


def command(data, *args, **environment):
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    env |= {"PREPARE_DATA": str(data), "PYTHONUNBUFFERED": "1"} | environment
    return {"args": [sys.executable, str(ROOT / "prepare.py"), *map(str, args)], "env": env}


def load(data, **environment):
    """A fresh copy of the module with the given data folder: its main() without a new process."""
    spec = importlib.util.spec_from_file_location("prepare_under_test", ROOT / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREPARE_DATA", str(data))
        for name, value in environment.items():
            patch.setenv(name, value)
        spec.loader.exec_module(module)
    return module


def ok(data, *args, **environment):
    """What a successful run reports after its last rule, and all that it printed."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        for name, value in environment.items():
            patch.setenv(name, value)
        load(data).main([str(x) for x in args])
    return read_report(out.getvalue()), out.getvalue()


def read_report(out):
    return dict(re.findall(r"^([\w.]+): (.+)$", out.rpartition("---\n")[2], re.M))


def fails(data, *args, **environment):
    """The one sentence of a run that fails."""
    with pytest.raises(RuntimeError) as caught:
        ok(data, *args, **environment)
    assert "\n" not in str(caught.value)
    assert not (data / ".preparing").exists()
    return str(caught.value)


def write_jsonl(path, documents):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps({"text": x}) for x in documents), encoding="utf-8")


def write_parquet(path, documents):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": list(documents)}), path, row_group_size=100)


@pytest.fixture(scope="module")
def documents():
    return list(make_documents(1600))


@pytest.fixture(scope="module")
def source(documents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    write_jsonl(folder / "text.jsonl", documents)
    return folder


# --- sources


def test_the_report_and_what_is_ready_at_once(source, tmp_path):
    data = tmp_path / "data"
    options = command(data, "--source", source, *CPU)
    done = subprocess.run(**options, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = read_report(done.stdout)
    assert report["seed"] == "train_cpu.py"
    assert report["env.PREPARE_DATA"] == str(data)
    assert re.fullmatch("[0-9a-f]{16}", report["fingerprint.data"])
    assert report["fingerprint.scale"] == "cpu"
    assert set(report) >= {f"fingerprint.{x}" for x in ("torch", "tokenizer", "corpus")}
    written = (data / "meta.json").stat().st_mtime_ns
    for args in ((), ("--source", source), ("--scale", "auto"), CPU, ("--num-shards", "3")):
        again, out = ok(data, *args)
        assert again == report
        assert out.startswith("ready: ")
    assert (data / "meta.json").stat().st_mtime_ns == written


def test_a_data_folder_that_cannot_be_written_serves(source, tmp_path):
    data = tmp_path / "data"
    ok(data, "--source", source, *CPU)
    (data / ".lock").unlink()
    (data / ".lock").mkdir()  # root may write anywhere, but nobody can lock a folder
    assert ok(data)[1].startswith("ready: ")


def test_parquet_and_jsonl_give_the_same_rows(documents, source, tmp_path):
    write_parquet(tmp_path / "source" / "a.parquet", documents[:700])
    write_parquet(tmp_path / "source" / "b" / "c.parquet", [*documents[700:], "", "  \n", None])
    reports = [
        ok(tmp_path / name, "--source", path, *CPU)[0]
        for name, path in (("one", source), ("two", tmp_path / "source"))
    ]
    assert reports[0]["fingerprint.data"] == reports[1]["fingerprint.data"]
    assert reports[0]["fingerprint.corpus"] != reports[1]["fingerprint.corpus"]


def test_text_files_are_documents_and_long_ones_are_split(documents, tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "long.txt").write_text("\n\n".join(documents[:1200]))
    (folder / "one line.md").write_text(" ".join(documents[1200:1400]))
    for number, text in enumerate(documents[1400:]):
        (folder / f"{number}.rst").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\xff\xfe")
    (folder / "ignored.py").write_text("x = 1\n" * 100_000)
    _, out = ok(tmp_path / "data", "--source", folder, *CPU)
    found = re.findall(r"(?:train|val): ([\d,]+) documents, ([\d.]+) MB", out)
    count = sum(int(n.replace(",", "")) for n, _ in found)
    size = sum(float(x) for _, x in found) * 1e6
    wanted = sum(map(len, documents)) + 1400
    assert 200 + wanted * 0.8 / 16_384 < count < 200 + wanted / 12_000
    assert abs(size - wanted) < 1.2e5


def test_a_changed_source_is_prepared_anew_and_only_one_set_stays(documents, tmp_path):
    data, folder = tmp_path / "data", tmp_path / "source"
    write_jsonl(folder / "a.jsonl", documents)
    first, _ = ok(data, "--source", folder, *CPU)
    write_jsonl(folder / "b.jsonl", documents[:10])
    second, _ = ok(data, "--source", folder)
    forced, out = ok(data, "--source", folder, "--force")
    assert not out.startswith("ready: ")
    assert first["fingerprint.data"] != second["fingerprint.data"] == forced["fingerprint.data"]
    assert len(list(data.glob("*/train.bin"))) == 1
    assert {x.name for x in data.iterdir() if x.is_file()} == {"meta.json", ".lock"}


def bad_jsonl(folder):
    (folder / "a.jsonl").write_text('{"text": "fine"}\n{"txt": "no"}\n')


def other_column(folder):
    pq.write_table(pa.table({"body": ["x"]}), folder / "a.parquet")


def number_column(folder):
    pq.write_table(pa.table({"text": [1, 2]}), folder / "a.parquet")


FAULTS = {
    "missing": (lambda x: x.rmdir(), "no such file or folder"),
    "no text file": (lambda x: (x / "a.pdf").touch(), "no file of .txt, .md"),
    "blank": (lambda x: (x / "a.txt").write_text(" \n"), "no text in its 1 files"),
    "little": (lambda x: write_jsonl(x / "a.jsonl", make_documents(300)), "MB would do"),
    "one word": (lambda x: (x / "a.txt").write_text("a " * 600_000), "too uniform"),
    "bad line": (bad_jsonl, "a.jsonl, line 2: "),
    "binary": (lambda x: (x / "a.parquet").write_bytes(b"PAR1" * 9), "not a readable parquet"),
    "other column": (other_column, 'no column "text"'),
    "numbers": (number_column, 'no column "text"'),
}


@pytest.mark.parametrize(("spoil", "words"), FAULTS.values(), ids=FAULTS)
def test_a_source_that_cannot_serve_is_one_clear_sentence(tmp_path, spoil, words):
    folder = tmp_path / "source"
    folder.mkdir()
    spoil(folder)
    message = fails(tmp_path / "data", "--source", folder, *CPU)
    assert words in message
    assert not (tmp_path / "data" / "meta.json").exists()


def test_a_failure_ends_with_code_1_and_what_was_prepared_stays(source, tmp_path):
    data = tmp_path / "data"
    report, _ = ok(data, "--source", source, *CPU)
    options = command(data, "--source", tmp_path / "none")
    done = subprocess.run(**options, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    missing = tmp_path / "none"
    assert done.stderr == f"prepare.py: --source {missing}: there is no such file or folder\n"
    assert ok(data)[0] == report


@pytest.mark.parametrize(
    "args", [("--num-shards", "0"), ("--num-shards", "-2"), ("--download-workers", "0")]
)
def test_bad_options_are_refused(tmp_path, capsys, args):
    with pytest.raises(SystemExit) as caught:
        ok(tmp_path, *args)
    assert caught.value.code == 2
    assert f"{args[0]} must be" in capsys.readouterr().err


def test_half_characters_in_json_are_replaced(documents, tmp_path):
    lines = [json.dumps({"text": x + " \ud800 end"}) for x in documents]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    ok(tmp_path / "data", "--source", tmp_path / "a.jsonl", *CPU)


# --- interruption and company


INTERRUPTIONS = [
    signal.SIGKILL,
    signal.SIGTERM,
    pytest.param(signal.SIGINT, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("blow", INTERRUPTIONS)
def test_an_interrupted_preparation_leaves_the_old_data(documents, source, tmp_path, blow):
    data = tmp_path / "data"
    report, _ = ok(data, "--source", source, *CPU)
    write_jsonl(tmp_path / "more" / "text.jsonl", make_documents(6000, seed=1))
    options = command(data, "--source", tmp_path / "more", *CPU)
    with subprocess.Popen(**options, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for line in process.stdout:
            if b"tokenising" in line:
                process.send_signal(blow)
                break
        process.stdout.read()
    assert process.returncode != 0
    assert (data / ".preparing").exists() == (blow == signal.SIGKILL)
    assert ok(data)[0] == report
    other, _ = ok(data, "--source", tmp_path / "more")
    assert other["fingerprint.data"] != report["fingerprint.data"]
    assert not (data / ".preparing").exists()


def test_of_two_at_once_one_waits_for_the_other(source, tmp_path):
    options = command(tmp_path / "data", "--source", source, *CPU)
    both = [subprocess.Popen(**options, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outs = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("learning a vocabulary" in out for out in outs) == 1
    assert len({out.rpartition("---\n")[2] for out in outs}) == 1


def test_damaged_data_is_mended(source, tmp_path):
    report, _ = ok(tmp_path, "--source", source, *CPU)
    for name in ("meta.json", "*/train.bin", "*/tokenizer.json"):
        path = next(tmp_path.glob(name))
        path.write_bytes(path.read_bytes()[:-7])
        assert ok(tmp_path, "--source", source, *CPU)[0] == report


# --- offline


def test_the_offline_corpus_takes_the_place_of_climbmix_without_a_network(tmp_path):
    data = tmp_path / "data"
    nowhere = {"PREPARE_CLIMBMIX_URL": "http://127.0.0.1:9/x"}
    report, out = ok(data, "--scale", "gpu", **nowhere)
    assert "NOTICE: http://127.0.0.1:9/x cannot be reached" in out
    assert report["seed"] == "train.py"
    assert report["fingerprint.corpus"].startswith("offline: python 3.")
    assert ok(data, "--source", "offline")[1].startswith("ready: ")
    module = load(data)
    enc = module.Tokenizer.from_directory().enc
    text = {x: enc.decode(module.prepared().rows(x).ravel().tolist()) for x in ("train", "val")}
    flat = {split: " ".join(x.split()) for split, x in text.items()}
    assert len(flat["train"]) > 5_000_000
    held_out = "Compound statements contain (groups of) other statements; they affect"
    assert held_out in flat["val"]
    assert held_out not in flat["train"]
    assert "affine linear transformation to the incoming data" in flat["train"]
    assert "affine linear transformation to the incoming data" not in flat["val"]


# --- climbmix


SHARDS = ["shard_00000.parquet", "shard_00001.parquet", "shard_00002.parquet"]
VALIDATION = "shard_06542.parquet"


class Hub(BaseHTTPRequestHandler):
    """Serves server.files with ranges; server.faults maps a name to faults, one for each GET."""

    def do_HEAD(self):
        self.reply(body=False)

    def do_GET(self):
        self.reply(body=True)

    def reply(self, body):
        name = self.path.rpartition("/")[2]
        server = self.server
        content = server.files.get(name)
        waiting = server.faults.get(name, [])
        fault = waiting.pop(0) if body and waiting else ""
        if self.path.startswith("/hub/"):  # as the hub does: says what it is, and points elsewhere
            self.send_response(302)
            self.send_header("Location", f"/files/{name}")
            if content and not server.plain:
                self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
                self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("Content-Length", "0")
            self.end_headers()
            if fault:
                waiting.insert(0, fault)
            return
        start = int(re.sub(r"\D", "", self.headers.get("Range", "0")))
        if body:
            server.requests.append((name, start))
        if content is None or fault.isdigit():
            self.send_response(int(fault or 404))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if fault == "ignores the range":
            start = 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", span)
        part = content[start:]
        if fault == "spoils a byte":
            part = part[:5] + bytes([part[5] ^ 1]) + part[6:]
        if fault == "is short":
            part = part[:-100]
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if not body:
            return
        if fault == "drops":
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            self.connection.close()
            return
        if fault == "stalls":
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            server.stalled.set()
            server.released.wait(30)
            return
        self.wfile.write(part)

    def log_message(self, *args):
        pass


@contextmanager
def hub(files, faults=None, plain=False):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.daemon_threads = True
        server.files, server.faults, server.plain = files, faults or {}, plain
        server.requests = []
        server.stalled, server.released = threading.Event(), threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/hub"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def shards(documents, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    sides = {VALIDATION: documents[:500], SHARDS[0]: documents[450:1000]}
    sides |= {SHARDS[1]: documents[1000:], SHARDS[2]: list(make_documents(400, seed=2))}
    for name, texts in sides.items():
        write_parquet(folder / name, texts)
    return {name: (folder / name).read_bytes() for name in sides}


def climbmix(server, data, *args, shards=2):
    options = ("--source", "climbmix", "--num-shards", shards, *CPU, *args)
    return ok(data, *options, PREPARE_CLIMBMIX_URL=server.url)


def test_climbmix_is_fetched_once(shards, tmp_path):
    data = tmp_path / "data"
    with hub(shards) as server:
        first, out = climbmix(server, data)
        assert sorted(server.requests) == [(x, 0) for x in (*SHARDS[:2], VALIDATION)]
        assert "train: 1,100 documents" in out  # 50 of shard 0 are in the validation shard too
        assert "val: 500 documents" in out
        assert climbmix(server, data, shards=1)[1].startswith("ready: ")
        server.requests.clear()
        more, _ = climbmix(server, data, shards=3)
        assert server.requests == [(SHARDS[2], 0)]
        assert more["fingerprint.data"] != first["fingerprint.data"]
    # what is here needs no network, and the folder of shards outlives a set
    again, _ = climbmix(server, data, "--force", shards=2)
    assert again["fingerprint.data"] == first["fingerprint.data"]


def test_faults_of_the_network_are_ridden_out(shards, tmp_path):
    faults = {
        SHARDS[0]: ["drops", "drops", "ignores the range"],
        SHARDS[1]: ["503", "drops", "429"],
        VALIDATION: ["spoils a byte", "is short"],
    }
    with hub(shards) as server:
        calm, _ = climbmix(server, tmp_path / "calm")
    with hub(shards, faults) as server:
        rough, _ = climbmix(server, tmp_path / "rough")
        starts = {name: [at for x, at in server.requests if x == name] for name in shards}
    assert rough["fingerprint.data"] == calm["fingerprint.data"]
    half = len(shards[SHARDS[0]]) // 2
    assert starts[SHARDS[0]][0] == 0
    assert 0 < starts[SHARDS[0]][1] <= half < starts[SHARDS[0]][2]
    assert starts[SHARDS[1]][:2] == [0, 0]
    assert 0 < starts[SHARDS[1]][2] == starts[SHARDS[1]][3]
    size = len(shards[VALIDATION])
    assert starts[VALIDATION] == [0, 0, size - 100]
    for name in (*SHARDS[:2], VALIDATION):
        assert (tmp_path / "rough" / "climbmix" / name).read_bytes() == shards[name]
    assert not list((tmp_path / "rough" / "climbmix").glob("*.part"))


def test_a_server_without_checksums_is_checked_by_the_file_itself(shards, tmp_path):
    faults = {VALIDATION: ["drops"], SHARDS[0]: ["drops", "ignores the range"]}
    with hub(shards, faults, plain=True) as server:
        climbmix(server, tmp_path, shards=1)
    assert (tmp_path / "climbmix" / VALIDATION).read_bytes() == shards[VALIDATION]
    page = {SHARDS[1]: b"<html>a login page</html>" * 9}
    module, stop = load(tmp_path), threading.Event()
    target = tmp_path / "climbmix" / SHARDS[1]
    with hub(page, plain=True) as server:
        url = f"{server.url}/{SHARDS[1]}"
        with pytest.raises(RuntimeError, match=r"damaged.* --source offline"):
            module.fetch_file(url, target, lambda n: None, stop, pause=0.01)
        assert len(server.requests) == 5
    assert not list(target.parent.glob(f"{SHARDS[1]}*"))


def test_a_killed_download_goes_on_where_it_was(shards, tmp_path):
    with hub(shards, {SHARDS[0]: ["stalls"]}) as server:
        args = ("--source", "climbmix", "--num-shards", "1", *CPU)
        options = command(tmp_path, *args, PREPARE_CLIMBMIX_URL=server.url)
        with subprocess.Popen(**options, stdout=subprocess.PIPE) as process:
            assert server.stalled.wait(60)
            part = tmp_path / "climbmix" / f"{SHARDS[0]}.part"
            while not (part.exists() and (tmp_path / "climbmix" / VALIDATION).exists()):
                assert process.poll() is None
            process.kill()
        had = part.stat().st_size
        server.requests.clear()
        climbmix(server, tmp_path, shards=1)
        starts = Counter(server.requests)
    assert starts[SHARDS[0], had] == 1
    assert (tmp_path / "climbmix" / SHARDS[0]).read_bytes() == shards[SHARDS[0]]


def test_shards_that_a_person_put_there_need_no_network(shards, tmp_path):
    (tmp_path / "climbmix").mkdir()
    for name in (SHARDS[0], VALIDATION):
        (tmp_path / "climbmix" / name).write_bytes(shards[name])
    args = ("--source", "climbmix", "--num-shards", "1", *CPU)
    report, _ = ok(tmp_path, *args, PREPARE_CLIMBMIX_URL="http://127.0.0.1:9/x")
    assert report["fingerprint.corpus"] == "climbmix: 1 shards, validation shard_06542"


def test_a_damaged_shard_is_fetched_again(shards, tmp_path):
    with hub(shards) as server:
        first, _ = climbmix(server, tmp_path)
        path = tmp_path / "climbmix" / SHARDS[1]
        path.write_bytes(path.read_bytes()[:-50] + bytes(50))
        server.requests.clear()
        again, _ = climbmix(server, tmp_path, "--force")
    assert server.requests == [(SHARDS[1], 0)]
    assert again == first


@pytest.mark.parametrize(("faults", "words"), [({}, "404"), ({SHARDS[0]: ["403"] * 9}, "403")])
def test_what_the_server_refuses_is_an_error_with_the_way_out(shards, tmp_path, faults, words):
    files = shards if faults else {VALIDATION: shards[VALIDATION]}
    with hub(files, faults) as server:
        args = ("--source", "climbmix", "--num-shards", "1", *CPU)
        message = fails(tmp_path, *args, PREPARE_CLIMBMIX_URL=server.url)
    assert words in message
    assert "--source PATH" in message
    assert len([x for x in server.requests if x[0] == SHARDS[0]]) == 1  # not asked again


def test_climbmix_that_was_asked_for_is_never_replaced(tmp_path):
    args = ("--source", "climbmix", *CPU)
    message = fails(tmp_path, *args, PREPARE_CLIMBMIX_URL="http://127.0.0.1:9/x")
    assert "http://127.0.0.1:9/x cannot be reached" in message
    assert "--source offline" in message
