"""What the page unpacks: lines shared by many texts, changes between sources, marks of colours."""

from __future__ import annotations

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import ModelCall
from population import CurvePoint
from views.report.genome_records import IN_CHUNK, compare_lines, pack_genomes
from views.report.highlighting import Highlighter
from views.report.texts import LineStream, pack_json, pack_text

SOURCE = Path(__file__).parents[3].joinpath("train_cpu.py").read_text(encoding="utf-8")
LINES = st.lists(st.sampled_from(["", "a", "b" * 30, "c" * 30, "d = 1"]))


def unpack(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode()


@given(st.lists(LINES, max_size=8))
def test_every_text_comes_back(texts: list[list[str]]) -> None:
    stream = LineStream()
    spans = [stream.add("\n".join(lines)) for lines in texts]
    assert [stream.read(one) for one in spans] == ["\n".join(lines) for lines in texts]


def test_what_texts_share_is_stored_once() -> None:
    stream = LineStream()
    stream.add(SOURCE)
    before = len(stream.lines)
    for number in range(100):
        stream.add(SOURCE.replace("DEPTH = 2 ", f"DEPTH = {number} "))
    assert len(stream.lines) < before + 3 * 100


def test_a_text_that_cannot_be_written_is_packed_all_the_same() -> None:
    assert unpack(pack_text("half \ud800")) == "half ?"
    assert unpack(pack_json({"a": [1.5, None]})) == '{"a":[1.5,null]}'
    with pytest.raises(ValueError, match="JSON"):
        pack_json(float("nan"))


@given(LINES, LINES)
def test_the_hunks_make_the_newer_text_of_the_older_one(older: list[str], newer: list[str]) -> None:
    made, place = [], 0
    for start, end, k, n in compare_lines(older, newer):
        made += older[place:start] + newer[k:n]
        assert (start, end) != (k, n) or older[start:end] != newer[k:n]
        place = end
    assert made + older[place:] == newer


def test_a_change_of_one_line_is_one_hunk() -> None:
    lines = SOURCE.split("\n")
    changed = [*lines[:50], "new", *lines[51:]]
    assert compare_lines(lines, changed) == [(50, 51, 50, 51)]
    assert compare_lines(lines, lines) == []


def test_marks_say_what_the_tokens_are() -> None:
    marks = Highlighter("train.py").mark('def add(a):  # sum\n    return a + 1.5\nNAME = "x"\n\n')
    assert marks == ["k3-1f3-6c5", "-4k6-5n3", "-7s3", "", ""]


def test_marks_of_parts_are_those_of_the_whole() -> None:
    """Statements are looked at one by one, so a string over many of their beginnings must hold."""
    text = 'X = """\ndef no_function():\n    pass\n"""\n\n\nclass A:\n    pass\n'
    marks = Highlighter("train.py").mark(text)
    assert marks[1:3] == ["s18", "s8"]
    assert marks[6].startswith("k5-1f1")


@pytest.mark.parametrize("name", ["train.py", "text.md", "odd.nobodyknows", "Makefile"])
@given(text=st.text(alphabet=st.sampled_from("ab =\"'#(\n\t'é\u202e"), max_size=60))
def test_marks_fit_their_lines(name: str, text: str) -> None:
    lines, marks = text.split("\n"), Highlighter(name).mark(text)
    assert len(marks) == len(lines)
    for line, mark in zip(lines, marks, strict=True):
        assert sum(map(int, re.findall(r"\d+", mark))) <= len(line)


def test_a_record_has_everything_of_a_genome(make_run: Any, call: Any) -> None:
    run = make_run("records")
    run.add(SOURCE)
    run.run(0, 2.0)
    failed = ModelCall("m", "no JSON", error="Timeout")
    run.add(SOURCE + "\n# end", 0, calls=[call("ask", "answer"), failed], notes="why")
    run.run(1, 1.5, curve=[CurvePoint(0.5, None, 3.25)], log="one\ntwo\n")
    run.run(1, reason="it fell")
    run.folder.log("1-1").write_text("three")
    done: list[tuple[int, int]] = []
    packed = pack_genomes(run.view(), lambda *told: done.append(told))
    assert done == [(1, 2), (2, 2)]
    texts = unpack(packed.texts).split("\n")

    def read(spans: list[tuple[int, int]]) -> str:
        return "\n".join(line for start, count in spans for line in texts[start : start + count])

    (chunk,) = map(json.loads, map(unpack, packed.records))
    record = chunk[1]
    first, second = record["runs"]
    assert (first["fitness"], first["curve"]) == (1.5, [[0.5, None, 3.25]])
    assert (second["outcome"], second["reason"]) == ("crash", "it fell")
    asked, lost = record["calls"]
    assert [[role, read(spans)] for role, spans in asked["prompt"]] == [["user", "ask"]]
    assert (read(asked["reply"]), asked["cost"]) == ("answer", 0.5)
    assert (read(lost["prompt"][0][1]), lost["error"]) == ("no JSON", "Timeout")
    logs = [(name, read(spans)) for name, spans in record["logs"]]
    assert logs == [("1.log", "one\ntwo"), ("1-1.log", "three")]
    assert read(record["notes"]) == "why"
    added = len(SOURCE.split("\n"))
    assert record["changes"] == {"0": [[added, added, added, added + 1]]}
    assert len(unpack(packed.marks).split("\n")) == len(unpack(packed.sources).split("\n"))


def test_records_lie_in_chunks(make_run: Any) -> None:
    run = make_run("many")
    for number in range(IN_CHUNK + 1):
        run.add(f"X = {number}\n", *([0] if number else []))
    packed = pack_genomes(run.view(), lambda *told: None)
    assert [len(json.loads(unpack(chunk))) for chunk in packed.records] == [IN_CHUNK, 1]


def test_a_genome_that_is_gone_has_a_record_that_says_so(make_run: Any) -> None:
    run = make_run("lost")
    for number in range(3):
        run.add(f"X = {number}\n", *([0] if number else []))
    lost = run.commits[1]
    (run.folder.genomes / "objects" / lost[:2] / lost[2:]).unlink()
    packed = pack_genomes(run.view(), lambda *told: None)
    first, second, third = json.loads(unpack(packed.records[0]))
    assert lost in second["missing"]
    assert ("missing" in first, "missing" in third) == (False, False)
    assert third["changes"] == {"0": [[0, 1, 0, 1]]}
