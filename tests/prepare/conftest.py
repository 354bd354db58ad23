"""Data that prepare.py has made, for all tests of it."""

import json

import pytest

from tests.prepare.preparing import DOCUMENTS, ROOT, load, make_documents, run


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    source = folder / "text.jsonl"
    lines = (json.dumps({"text": text}) for text in make_documents(DOCUMENTS))
    source.write_text("\n".join(lines), encoding="utf-8")
    done = run([ROOT / "prepare.py", "--source", source, "--scale", "cpu"], folder / "data")
    assert done.returncode == 0, done.stderr
    return folder / "data"


@pytest.fixture(scope="session")
def prepare(data):
    return load(data)


@pytest.fixture(scope="session")
def tokenizer(prepare):
    return prepare.Tokenizer.from_directory()
