"""The family tree as a real git repository, read back by git itself; damage is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from population.lineage import Lineage, LineageError

NOBODY = "0" * 40


def git(path: Path, *arguments: str) -> str:
    command = ["git", "-C", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(params=["train.py", "deep/er/train.py"])
def lineage(request: pytest.FixtureRequest, tmp_path: Path) -> Lineage:
    return Lineage.create(tmp_path / "genomes", request.param, "the root")


def object_file(path: Path, name: str) -> Path:
    sha = git(path, "rev-parse", name)
    file = path / "objects" / sha[:2] / sha[2:]
    file.chmod(0o644)
    return file


def test_parents_become_git_parents(lineage: Lineage, tmp_path: Path) -> None:
    path = tmp_path / "genomes"
    one = lineage.commit(0, "A = 1\n", [], "seed: one")
    two = lineage.commit(1, "A = 2\n", [], "seed: two")
    child = lineage.commit(2, "A = 3\n", [one], "tweak: three\n\nbecause")
    cross = lineage.commit(3, "A = 4\n", [child, two], "crossover: four")

    assert git(path, "rev-list", "--merges", "--all").split() == [cross]
    assert lineage.parents(cross) == (child, two)
    assert git(path, "log", "-1", "--format=%P", cross) == f"{child} {two}"
    root = git(path, "rev-parse", "refs/genomes/root")
    assert git(path, "merge-base", one, two) == root
    assert git(path, "rev-parse", "refs/genomes/3") == cross
    assert git(path, "log", "-1", "--format=%s|%b", child) == "#2 tweak: three|because"
    assert "dangling" not in git(path, "fsck", "--strict", "--full")


def test_many_genomes_are_read_at_once(lineage: Lineage, tmp_path: Path) -> None:
    texts = ["A = 1\n", "", "é\r\n" * 9999, "no end"]
    notes = ["", "why\n\nand how", "", "-"]
    commits = [
        lineage.commit(number, text, [], f"seed: {number}\n\n{note}")
        for number, (text, note) in enumerate(zip(texts, notes, strict=True))
    ]
    found = [*lineage.read_genomes([*commits, NOBODY, commits[0]])]
    assert found[:4] == [*zip(texts, notes, strict=True)]
    assert isinstance(found[4], LineageError)
    assert NOBODY in str(found[4])
    assert found[5] == ("A = 1\n", "")
    object_file(tmp_path / "genomes", commits[1]).unlink()
    lost, whole = lineage.read_genomes(commits[1:3])
    assert isinstance(lost, LineageError)
    assert whole == (texts[2], "")
    assert next(iter(lineage.read_genomes(commits)), None) == found[0], "and the rest is left"


def test_a_family_is_drawn_as_git_draws_it(lineage: Lineage, tmp_path: Path) -> None:
    one = lineage.commit(0, "A = 1\n", [], "seed: one")
    two, three = (lineage.commit(n, f"A = {n}\n", [one], "tweak: x") for n in (1, 2))
    cross = lineage.commit(3, "A = 4\n", [two, three], "crossover: four")
    lines = lineage.draw_graph(cross)
    drawn = git(tmp_path / "genomes", "log", "--graph", "--format=%H", cross).splitlines()
    assert [f"{graph} {name}".split() for graph, name in lines] == [*map(str.split, drawn)]
    assert {name for _, name in lines} > {one, two, three, cross}
    with pytest.raises(LineageError, match=NOBODY):
        lineage.draw_graph(NOBODY)


def test_head_follows_the_best(lineage: Lineage, tmp_path: Path) -> None:
    path = tmp_path / "genomes"
    commit = lineage.commit(0, "A = 1\n", [], "seed")
    lineage.mark_best(commit)
    assert git(path, "rev-parse", "HEAD") == commit
    assert git(path, "symbolic-ref", "--short", "HEAD") == "best"


def test_a_clone_holds_the_genome_where_the_task_has_it(tmp_path: Path) -> None:
    lineage = Lineage.create(tmp_path / "genomes", "src/model/train.py", "the root")
    lineage.mark_best(lineage.commit(0, "A = 1\n", [], "seed"))
    git(tmp_path, "clone", "--quiet", "genomes", "clone")
    assert (tmp_path / "clone/src/model/train.py").read_text() == "A = 1\n"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Lineage:
    return Lineage.create(tmp_path_factory.mktemp("any") / "g", "a/b.py", "root")


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_every_text_comes_back_as_it_was(shelf: Lineage, text: str) -> None:
    assert shelf.source(shelf.commit(0, text, [], "seed")) == text


def test_diff_is_unified_and_empty_between_equals(lineage: Lineage) -> None:
    one = lineage.commit(0, "A = 1\nB = 2\n", [], "seed")
    two = lineage.commit(1, "A = 1\nB = 3\n", [one], "tweak")
    assert "-B = 2\n+B = 3" in lineage.diff(one, two)
    assert lineage.diff(one, one) == ""


def test_a_number_used_again_points_to_the_later_commit(lineage: Lineage, tmp_path: Path) -> None:
    """A process that was killed between commit and record leaves a ref that nobody knows of."""
    lineage.commit(0, "A = 1\n", [], "lost")
    kept = lineage.commit(0, "A = 2\n", [], "kept")
    assert git(tmp_path / "genomes", "rev-parse", "refs/genomes/0") == kept


def test_reopened_it_knows_everything(lineage: Lineage, tmp_path: Path) -> None:
    again = Lineage.create(tmp_path / "other", "x.py", "root")
    commit = again.commit(0, "A = 1\n", [], "seed")
    again.close()
    assert Lineage(tmp_path / "other", "x.py").source(commit) == "A = 1\n"


def test_two_genomes_share_their_youngest_common_ancestor(lineage: Lineage) -> None:
    seed = lineage.commit(0, "A = 0\n", [], "seed")
    middle = lineage.commit(1, "A = 1\n", [seed], "tweak")
    left = lineage.commit(2, "A = 2\n", [middle], "tweak")
    right = lineage.commit(3, "A = 3\n", [middle], "tweak")
    cousin = lineage.commit(4, "A = 4\n", [seed], "tweak")
    cross = lineage.commit(5, "A = 5\n", [left, cousin], "crossover")

    for first, second, shared in (
        (left, right, middle),
        (left, cousin, seed),
        (cross, right, middle),
        (cross, cousin, cousin),
        (left, seed, seed),
        (left, left, left),
    ):
        assert lineage.common_ancestor(first, second) == shared
        assert lineage.common_ancestor(second, first) == shared


def test_what_shares_only_the_root_shares_no_genome(lineage: Lineage, tmp_path: Path) -> None:
    one = lineage.commit(0, "A = 1\n", [], "seed: one")
    two = lineage.commit(1, "A = 2\n", [], "seed: two")
    child = lineage.commit(2, "A = 3\n", [two], "tweak")
    path = tmp_path / "genomes"
    who = ("-c", "user.name=n", "-c", "user.email=e")
    stranger = git(path, *who, "commit-tree", f"{one}^{{tree}}", "-m", "from elsewhere")
    for other in (two, child, stranger):
        assert lineage.common_ancestor(one, other) is None


def test_of_several_common_ancestors_it_is_the_youngest(lineage: Lineage) -> None:
    """Two crossovers of one pair have both parents for nearest ancestors, which git orders by its
    clock: here all within a second."""
    seed = lineage.commit(0, "A = 0\n", [], "seed")
    for number in (0, 8, 98):
        old = lineage.commit(number + 1, f"A = {number}\n", [seed], "tweak")
        young = lineage.commit(number + 2, f"B = {number}\n", [seed], "tweak")
        one = lineage.commit(number + 3, f"C = {number}\n", [old, young], "crossover")
        two = lineage.commit(number + 4, f"D = {number}\n", [young, old], "crossover")
        assert lineage.common_ancestor(one, two) == young
        assert lineage.common_ancestor(two, one) == young


def test_an_ancestor_is_known_over_generations_and_crossovers(lineage: Lineage) -> None:
    one = lineage.commit(0, "A = 0\n", [], "seed")
    two = lineage.commit(1, "A = 1\n", [], "seed")
    child = lineage.commit(2, "A = 2\n", [one], "tweak")
    cross = lineage.commit(3, "A = 3\n", [child, two], "crossover")
    assert all(lineage.is_ancestor(older, cross) for older in (one, two, child, cross))
    assert not lineage.is_ancestor(cross, one)
    assert not lineage.is_ancestor(two, child)


@pytest.mark.parametrize("missing", [NOBODY, "no such thing"])
def test_a_missing_commit_is_named(lineage: Lineage, missing: str) -> None:
    there = lineage.commit(0, "A = 1\n", [], "seed")
    for attempt in (
        lambda: lineage.source(missing),
        lambda: lineage.diff(there, missing),
        lambda: lineage.parents(missing),
        lambda: lineage.mark_best(missing),
        lambda: lineage.common_ancestor(there, missing),
        lambda: lineage.is_ancestor(missing, there),
    ):
        with pytest.raises(LineageError, match=f"{missing}.*git fsck"):
            attempt()
    with pytest.raises(LineageError, match="genome 1 cannot be committed"):
        lineage.commit(1, "A = 2\n", [missing], "tweak")


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
@pytest.mark.parametrize("what", ["commit", "file"])
def test_damage_is_told_with_the_way_out(tmp_path: Path, damage: bytes | None, what: str) -> None:
    path = tmp_path / "genomes"
    lineage = Lineage.create(path, "train.py", "the root")
    one = lineage.commit(0, "A = 1\n", [], "seed")
    two = lineage.commit(1, "A = 2\n", [one], "tweak")
    lineage.close()
    file = object_file(path, two if what == "commit" else f"{two}:train.py")
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    damaged = Lineage(path, "train.py")
    for attempt in (lambda: damaged.source(two), lambda: damaged.diff(one, two)):
        with pytest.raises(LineageError, match="git fsck"):
            attempt()
    assert damaged.source(one) == "A = 1\n", "what is whole can still be read"


def test_what_is_no_repository_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(LineageError, match=r"is no git repository.*backup"):
            Lineage(path, "train.py")


@pytest.mark.parametrize("room", [0, 60])
def test_a_full_disk_at_the_beginning_is_told(tmp_path: Path, room: int) -> None:
    """In a process that may write no more than so many bytes into a file."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from population.lineage import Lineage, LineageError\n"
        "room = int(sys.argv[2]); resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))\n"
        "try: Lineage.create(Path(sys.argv[1]), 'train.py', 'the root')\n"
        "except LineageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "r" / "genomes"), str(room)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    said = f"the repository {tmp_path}/r/genomes cannot be made: "
    assert done.stdout.startswith(said), done.stderr
    assert f"remove {tmp_path}/r, and begin again" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_result_is_a_note_that_the_last_one_replaces(lineage: Lineage, tmp_path: Path) -> None:
    commit = lineage.commit(7, "A = 1\n", [], "tweak: seven")
    lineage.annotate(commit, "score 2.5 (1 run)")
    lineage.annotate(commit, "score 2.25 (2 runs)")
    log = git(tmp_path / "genomes", "log", "-1", "--format=%s%n%N", commit)
    assert log.splitlines() == ["#7 tweak: seven", "score 2.25 (2 runs)"]
    with pytest.raises(LineageError, match=NOBODY) as caught:
        lineage.annotate(NOBODY, "nothing")
    assert "notes add" not in str(caught.value), "git's words, and not the command"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Another repository, whose files are not to be touched."""
    path = tmp_path / "foreign"
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    (path / "file").write_text("x")
    return path


SETTINGS = """
[commit]
    gpgSign = true
[tag]
    gpgSign = true
[gpg]
    program = false
[i18n]
    commitEncoding = utf-16
[core]
    hooksPath = {hooks}
    autocrlf = true
[init]
    defaultObjectFormat = sha256
    templateDir = {template}
[notes]
    displayRef = refs/notes/none
"""


@pytest.mark.parametrize(
    "variables",
    [
        {"GIT_DIR": "{foreign}/.git"},
        {"GIT_DIR": "{foreign}/.git", "GIT_WORK_TREE": "{foreign}"},
        {"GIT_INDEX_FILE": "{foreign}/.git/index", "GIT_PREFIX": "x/"},
        {"GIT_OBJECT_DIRECTORY": "{foreign}/.git/objects"},
        {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "core.bare", "GIT_CONFIG_VALUE_0": "false"},
        {"GIT_CONFIG_PARAMETERS": "'core.bare=false'"},
        {"GIT_DEFAULT_HASH": "sha256"},
        {"GIT_NAMESPACE": "other", "GIT_CEILING_DIRECTORIES": "/"},
        {"GIT_AUTHOR_NAME": "", "GIT_COMMITTER_EMAIL": "", "EMAIL": ""},
        {"GIT_TEMPLATE_DIR": "{template}"},
        {"GIT_CONFIG_GLOBAL": "{settings}"},
        {"GIT_CONFIG_SYSTEM": "{settings}"},
        {"HOME": "{home}"},
        {"GIT_NOTES_REF": "refs/notes/other"},
        {"LC_ALL": "C", "LANG": "C"},
    ],
    ids=lambda variables: ",".join(variables),
)
def test_nothing_of_the_users_git_is_heeded(
    variables: dict[str, str], tmp_path: Path, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks, template, home = (tmp_path / name for name in ("hooks", "template", "home"))
    for folder in (hooks, template / "hooks", home):
        folder.mkdir(parents=True)
    for hook in (hooks / "reference-transaction", template / "hooks" / "post-commit"):
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'hooked'}\nexit 1\n")
        hook.chmod(0o755)
    settings = home / ".gitconfig"
    settings.write_text(SETTINGS.format(hooks=hooks, template=template))
    places = {"foreign": foreign, "settings": settings, "template": template, "home": home}
    before = {path: path.read_bytes() for path in foreign.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value.format(**places))
        lineage = Lineage.create(tmp_path / "genomes", "train.py", "the root")
        one = lineage.commit(0, "A = 'ü'\n", [], "seed: ü")
        two = lineage.commit(1, "A = 2\n", [one], "tweak: two")
        lineage.annotate(two, "score 2.5")
        lineage.mark_best(two)
        again = Lineage(tmp_path / "genomes", "train.py")
        assert again.source(one) == "A = 'ü'\n"
        assert again.parents(two) == (one,)
        assert again.common_ancestor(one, two) == one
        assert "-A = 'ü'" in again.diff(one, two)
    path = tmp_path / "genomes"
    assert git(path, "log", "-1", "--format=%an %s%n%N", "best").split("\n") == [
        "evolve #1 tweak: two",
        "score 2.5",
    ]
    assert git(path, "log", "-1", "--format=%s %G?", one) == "#0 seed: ü N"
    assert len(one) == 40
    git(path, "fsck", "--strict", "--full")
    assert {path: path.read_bytes() for path in foreign.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "hooked").exists()
    assert not any((path / "hooks").glob("post-commit"))


def test_without_git_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "evolve", "list"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("evolve: git is missing, which keeps the genomes; install it (")
    assert len(done.stderr.splitlines()) == 1
