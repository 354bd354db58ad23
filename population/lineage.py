"""The family tree of a run: every genome tried is a commit, its git parents its genetic parents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

import git
from git.objects.fun import tree_to_stream
from gitdb import IStream
from gitdb.exc import ODBError

from population.errors import UserError
from population.isolated_git import AUTHOR, IsolatedRepo

FILE_MODE = 0o100644
# What GitPython raises for a repository that is damaged, unwritable or lacks what was asked for.
BROKEN = (git.GitError, ODBError, OSError, ValueError, KeyError)


class LineageError(UserError):
    """The run's git repository cannot be read or written; the message says what to do."""


class StoredGenome(NamedTuple):
    """A genome as its commit holds it.

    Attributes:
        source: Text of the genome.
        notes: Commit's message below its first line; may be empty.
    """

    source: str
    notes: str


class Lineage:
    """The git repository of a run, without a work tree; `git log --graph --glob=genomes` shows it.

    `refs/genomes/ID` names the commit of individual ID, `refs/heads/best` (HEAD) the best so far.
    All seeds descend from one root commit, so that any two genomes have a common ancestor.

    Args:
        path: Path of the repository's folder.
        genome_path: Path of the genome within each commit's tree, such as "main.py".

    Raises:
        LineageError: There is no repository.
    """

    def __init__(self, path: Path, genome_path: str) -> None:
        try:
            self._repo = IsolatedRepo(path)
        except (git.InvalidGitRepositoryError, git.NoSuchPathError) as error:
            raise LineageError(
                f"{path} is no git repository: the run's genomes are gone; "
                "restore the folder from a backup, or start a new run"
            ) from error
        self._genome_path = PurePosixPath(genome_path)

    @classmethod
    def create(cls, path: Path, genome_path: str, message: str) -> Lineage:
        """Make a new repository with an empty root commit.

        Args:
            path: Path of the repository's folder, which does not exist yet.
            genome_path: Path of the genome within each commit's tree, such as "main.py".
            message: Message of the root commit.

        Raises:
            LineageError: Git refused, for example because the disk is full.
        """
        try:
            options: dict[str, Any] = {"bare": True, "initial_branch": "best", "template": ""}
            IsolatedRepo.init(path, expand_vars=False, allow_unsafe_options=True, **options)
            repo = IsolatedRepo(path)
            root = git.Commit.create_from_tree(
                repo, _store_tree(repo, {}), message, [], author=AUTHOR, committer=AUTHOR
            )
            git.Reference.create(repo, "refs/genomes/root", root)
            git.Reference.create(repo, "refs/heads/best", root)
        except BROKEN as error:
            raise LineageError(
                f"the repository {path} cannot be made: {_reason(error)}; free the disk or make "
                f"its folder writable, remove {path.parent}, and begin again"
            ) from error
        return cls(path, genome_path)

    def commit(self, number: int, source: str, parents: Sequence[str], message: str) -> str:
        """Store a genome.

        Args:
            number: Id of the individual; `refs/genomes/NUMBER` will point to the commit.
            source: Text of the genome.
            parents: Commit hashes of its parents; none makes it a child of the root commit.
            message: Commit message: a line of description, then what else is worth keeping. The
                number comes to stand before it.

        Returns:
            The commit's hash, 40 hex digits.

        Raises:
            LineageError: Git refused, for example because the disk is full.
        """
        repo = self._repo
        try:
            tree = _store_tree(repo, {self._genome_path.parts: source.encode()})
            commits = [self._commit(name) for name in parents or ["refs/genomes/root"]]
            commit = git.Commit.create_from_tree(
                repo, tree, f"#{number} {message}", commits, author=AUTHOR, committer=AUTHOR
            )
            git.Reference.create(repo, f"refs/genomes/{number}", commit, force=True)
        except BROKEN as error:
            raise LineageError(
                f"genome {number} cannot be committed to {repo.git_dir}: {_reason(error)}; "
                "free the disk or repair the repository (git fsck), then resume the run"
            ) from error
        return commit.hexsha

    def annotate(self, commit: str, text: str) -> None:
        """Attach a text to a commit as its git note, which `git log` shows, in place of an earlier.

        Raises:
            LineageError: Git refused, for example because the disk is full.
        """
        try:
            self._commit(commit)  # git would note it of what is not there, too
            self._repo.git.notes("add", "--force", "--message", text, commit)
        except BROKEN as error:
            raise LineageError(
                f"the result of {commit} cannot be noted in {self._repo.git_dir}: "
                f"{_reason(error)}; free the disk or repair the repository (git fsck), then resume "
                "the run"
            ) from error

    def source(self, commit: str) -> str:
        """The genome's text at a commit.

        Raises:
            LineageError: The commit or the file is missing.
        """
        try:
            blob = self._commit(commit).tree / str(self._genome_path)
            return str(blob.data_stream.read().decode())
        except BROKEN as error:
            raise self._lacking(commit) from error

    def notes(self, commit: str) -> str:
        """A commit's message below its first line; may be empty.

        Raises:
            LineageError: The commit is missing.
        """
        try:
            return str(self._commit(commit).message).partition("\n")[2].strip()
        except BROKEN as error:
            raise self._lacking(commit) from error

    def read_genomes(self, commits: Sequence[str]) -> Iterator[StoredGenome | LineageError]:
        """Read many genomes through one process, which is many times as fast as one by one.

        Args:
            commits: Hashes of the commits.

        Yields:
            The genome of each commit in their order; the error where it is missing.
        """
        with TemporaryFile() as names:
            wanted = [
                f"{commit}{part}" for commit in commits for part in ("", f":{self._genome_path}")
            ]
            names.write("".join(f"{name}\n" for name in wanted).encode())
            names.seek(0)
            process = self._repo.git.cat_file("--batch", istream=names, as_process=True)
            try:
                for commit in commits:
                    message, source = _read_object(process.stdout), _read_object(process.stdout)
                    if message is None or source is None:
                        yield self._lacking(commit)
                        continue
                    text = message.partition("\n\n")[2]
                    yield StoredGenome(source, text.partition("\n")[2].strip())
            finally:
                process.stdout.close()
                process.stderr.close()
                process.proc.wait()

    def diff(self, older: str, newer: str) -> str:
        """The unified diff of the genome between two commits; empty if they are equal.

        Raises:
            LineageError: A commit or its file is missing.
        """
        try:
            return str(
                self._repo.git.diff(
                    "--no-ext-diff", "--no-textconv", older, newer, "--", str(self._genome_path)
                )
            )
        except BROKEN as error:
            raise self._lacking(f"{older} or {newer}") from error

    def mark_best(self, commit: str) -> None:
        """Make HEAD, the branch `best`, point to a commit.

        Raises:
            LineageError: The commit is missing, or git refused.
        """
        try:
            git.Reference.create(self._repo, "refs/heads/best", self._commit(commit), force=True)
        except BROKEN as error:
            raise self._lacking(commit) from error

    def unlock(self) -> None:
        """Remove the locks of a program that was killed while it wrote; nobody else may write."""
        for lock in (Path(self._repo.git_dir) / "refs").rglob("*.lock"):
            lock.unlink(missing_ok=True)

    def parents(self, commit: str) -> tuple[str, ...]:
        """The hashes of a commit's git parents.

        Raises:
            LineageError: The commit is missing.
        """
        try:
            return tuple(parent.hexsha for parent in self._commit(commit).parents)
        except BROKEN as error:
            raise self._lacking(commit) from error

    def common_ancestor(self, first: str, second: str) -> str | None:
        """The hash of the youngest commit that two commits descend from.

        A commit descends from itself here, too. Where crossovers leave several such commits, none
        an ancestor of another, it is the one whose individual has the highest id.

        Returns:
            None if they share no genome: only the empty root commit, or nothing at all.

        Raises:
            LineageError: A commit is missing.
        """
        try:
            commits = [self._commit(name) for name in (first, second)]
            bases = self._repo.merge_base(*commits, all=True)
            shared = [base.hexsha for base in bases if base is not None and base.parents]
            return max(shared, key=self._number) if len(shared) > 1 else next(iter(shared), None)
        except BROKEN as error:
            raise self._lacking(f"{first} or {second}") from error

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether a commit descends from another one, or is that one.

        Raises:
            LineageError: A commit is missing.
        """
        try:
            commits = [self._commit(name) for name in (older, newer)]
            return bool(self._repo.is_ancestor(*commits))
        except BROKEN as error:
            raise self._lacking(f"{older} or {newer}") from error

    def draw_graph(self, commit: str) -> list[tuple[str, str]]:
        """Draw a commit and all its ancestors as `git log --graph` does.

        Returns:
            The lines: what git draws, and the hash of the commit that the line is of; empty
            between two commits.

        Raises:
            LineageError: The commit is missing.
        """
        try:
            lines = self._repo.git.log("--graph", "--format=:%H", self._commit(commit).hexsha)
        except BROKEN as error:
            raise self._lacking(commit) from error
        parts = (line.partition(":") for line in str(lines).splitlines())
        return [(drawn.rstrip(), name) for drawn, _, name in parts]

    def _number(self, commit: str) -> int:
        """The highest id of the individuals whose commit it is, -1 if no ref says so."""
        command = self._repo.git.for_each_ref
        names = command("refs/genomes", points_at=commit, format="%(refname:lstrip=2)").split()
        return max((int(name) for name in names if name.isdecimal()), default=-1)

    def _commit(self, name: str) -> git.Commit:
        commit = self._repo.commit(name)
        self._repo.odb.info(commit.binsha)  # GitPython takes any 40 digits for a commit
        return commit

    def _lacking(self, commit: str) -> LineageError:
        return LineageError(
            f"{self._repo.git_dir} does not hold {self._genome_path} at commit {commit}; "
            "check the repository with git fsck, or begin a new run from another genome "
            "(--seed-genome RUN:ID)"
        )

    def close(self) -> None:
        """End git's helper processes."""
        self._repo.close()


def _read_object(stream: IO[bytes]) -> str | None:
    """Read the next object that `git cat-file --batch` prints; None if it lacks it or has ended."""
    *_, size = stream.readline().split() or [b""]
    if not size.isdigit():
        return None
    data = stream.read(int(size) + 1)[:-1]
    try:
        return data.decode()
    except UnicodeDecodeError:  # it is damaged: no genome is stored like that
        return None


def _reason(error: Exception) -> str:
    """An error in one line: of git's own message the last, which says what went wrong."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, git.CommandError):  # whose text begins with the whole command
        said = str(error.stderr).partition(":")[2].strip().strip("'").strip()
        return said.splitlines()[-1] if said else f"git ended with exit code {error.status}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip("'") if lines else type(error).__name__


def _store_tree(repo: git.Repo, files: dict[tuple[str, ...], bytes]) -> git.Tree:
    """Write files, given by the parts of their paths, as a git tree and return it."""
    entries: list[tuple[bytes, int, str]] = []
    folders: dict[str, dict[tuple[str, ...], bytes]] = {}
    for (name, *rest), data in files.items():
        if rest:
            folders.setdefault(name, {})[tuple(rest)] = data
        else:
            entries.append((_store(repo, "blob", data), FILE_MODE, name))
    for name, content in folders.items():
        entries.append((_store_tree(repo, content).binsha, git.Tree.tree_id << 12, name))
    # git sorts a folder as if its name ended in a slash
    entries.sort(key=lambda entry: entry[2] + ("/" if entry[1] != FILE_MODE else ""))
    raw = BytesIO()
    tree_to_stream(entries, raw.write)
    return git.Tree(repo, _store(repo, "tree", raw.getvalue()))


def _store(repo: git.Repo, kind: str, data: bytes) -> bytes:
    return bytes(repo.odb.store(IStream(kind, len(data), BytesIO(data))).binsha)
