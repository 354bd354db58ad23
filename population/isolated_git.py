"""Repositories that depend on nothing of the user's git: no setting, no variable, no hook."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import git
from gitdb import IStream, LooseObjectDB

AUTHOR = git.Actor("evolve", "evolve@localhost")
# The user's own settings and variables (a hook that starts a run sets some) concern other
# repositories. A colleague's run may be looked at: asking git for objects runs nothing of theirs.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_DEFAULT_HASH": "sha1",
    **{f"GIT_{role}_NAME": AUTHOR.name or "" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": AUTHOR.email or "" for role in ("AUTHOR", "COMMITTER")},
}


class _Git(git.Git):
    """A git that knows nothing of the user's, and that the terminal's Ctrl-C does not reach.

    One process stays to read objects.
    """

    def __init__(self, working_dir: Any = None) -> None:
        super().__init__(working_dir)
        self.update_environment(**ENVIRONMENT)

    def execute(self, command: str | Sequence[Any], **options: Any) -> Any:  # type: ignore[override]
        names = [name for name in os.environ if name.startswith("GIT_") and name not in ENVIRONMENT]
        without = [word for name in names for word in ("-u", name)]
        words = [command] if isinstance(command, str) else list(command)
        if without:
            words = ["env", *without, *words]
        return super().execute(words, start_new_session=True, **options)


class _Objects(git.GitCmdObjectDB):
    """Reads through git, and writes without it a file that is renamed once it is whole.

    A `git hash-object` whose parent is killed would store what it has got until then.
    """

    def store(self, istream: IStream) -> IStream:
        return LooseObjectDB.store(self, istream)


class IsolatedRepo(git.Repo):
    """A repository that git handles apart from the user's settings and environment."""

    GitCommandWrapperType = _Git
    config_level = ("repository",)  # type: ignore[assignment]

    def __init__(self, path: Any, **options: Any) -> None:
        super().__init__(path, **options, expand_vars=False)
        self._common_dir = ""  # what GitPython made of the user's GIT_ variables
        self.git = _Git(self.git_dir)
        self.odb = _Objects(os.path.join(self.git_dir, "objects"), self.git)
