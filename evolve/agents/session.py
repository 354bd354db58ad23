"""One session of an agent: from its files to what it left, in the sandbox with the network open."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evolve.agents.assignment import AgentReply, Assignment
from evolve.agents.programs import Program
from evolve.agents.reports import Report, read_report
from evolve.agents.workspace import Workspace
from trainer.process import Ended, build_environment, run
from trainer.sandbox import Limits, Sandbox
from trainer.secrets import Secrets

NOTICE = 10.0  # seconds between SIGTERM and SIGKILL
COPYING = 15.0  # seconds in which a sandbox copies a folder back after that
LIMITS = Limits(memory=4 << 30, processes=512, file_size=256 << 20, disk=1 << 30)
TOKEN = re.compile(r"(?=[\w.~+=-]*\d)[\w.~+=-]{32,}")  # a secret in a file with a login, likely
NOT_ENTERED = 126  # exit code of a sandbox that could not be entered


@dataclass(frozen=True)
class Session:
    """A session that has ended. Nothing in it holds a secret, and none of its processes runs.

    Attributes:
        reply: What the agent has left.
        report: What it reports of itself.
        ended: How its program ended.
        output: All that it printed, or the head and the tail of it.
    """

    reply: AgentReply
    report: Report
    ended: Ended
    output: str

    @property
    def crashed(self) -> bool:
        """Whether its program ended in a way that a program should not."""
        return not self.ended.timed_out and self.ended.code != 0


def hold_session(
    program: Program,
    assignment: Assignment,
    *,
    sandbox: Sandbox,
    seconds: float,
    stop: threading.Event,
    notice: float = NOTICE,
    environ: Mapping[str, str] = os.environ,
) -> Session:
    """Let an agent work on its assignment, to its end or to its limit.

    It sees its folder, its program and the system, and may write to its folder and its own home.

    Args:
        program: How the agent is started.
        assignment: Files of the session, without any secret.
        sandbox: Sandbox that it runs in.
        seconds: Wall-clock seconds after which it is asked to end, and killed soon after.
        stop: Event that ends it at once.
        notice: Seconds between being asked to end and being killed.
        environ: The user's environment.

    Raises:
        SupervisorError, OSError: This machine failed, not the agent.
    """
    home = Path(environ.get("HOME", "/nonexistent"))
    workspace = Workspace(assignment, program.login, home)
    try:
        secrets = find_secrets(environ, program, workspace.read_logins())
        ended = _run(
            program,
            assignment,
            workspace,
            environ,
            sandbox=sandbox,
            limit=seconds,
            stop=stop,
            notice=notice,
        )
        output = secrets.hide(workspace.transcript.read_text(encoding="utf-8", errors="replace"))
        reply = _hide(workspace.take_back(), secrets)
    finally:
        workspace.remove()
    failed = not ended.timed_out and ended.code != 0
    report = read_report(output, failed=failed)
    return Session(replace(reply, said=report.said), report, ended, output)


def find_secrets(environ: Mapping[str, str], program: Program, logins: Iterable[str]) -> Secrets:
    """The secrets that an agent may know, or find: the user's, and those of its login."""
    tokens = {token for text in logins for token in TOKEN.findall(text)}
    named = {f"login_key_{place}": token for place, token in enumerate(sorted(tokens))}
    return Secrets({**environ, **program.environment, **named})


def _run(
    program: Program,
    assignment: Assignment,
    workspace: Workspace,
    environ: Mapping[str, str],
    *,
    sandbox: Sandbox,
    limit: float,
    stop: threading.Event,
    notice: float,
) -> Ended:
    command = program.write_command(workspace.folder, assignment.genome)
    # the folder that is kept is the one above, with the agent's home in it
    inside = ["/usr/bin/env", "-C", str(workspace.folder), *command]
    wrapped = sandbox.wrap(
        inside,
        folder=workspace.box,
        limits=LIMITS,
        readable=program.readable,
        network=True,
        notice=notice,
    )
    environment = build_environment(workspace.box, environ, own_tmp=sandbox.has_own_tmp)
    path = os.pathsep.join([str(Path(command[0]).parent), environment["PATH"]])
    return run(
        wrapped,
        folder=workspace.box,
        env={
            **environment,
            "PATH": path,
            "HOME": str(workspace.home),
            "NO_COLOR": "1",
            **program.environment,
        },
        log=workspace.transcript,
        limit=limit,
        stop=stop,
        stdin=workspace.brief,
        notice=notice + (COPYING if sandbox.protects else 0.0),
    )


def _hide(reply: AgentReply, secrets: Secrets) -> AgentReply:
    """The reply without any secret."""
    return replace(
        reply,
        source=None if reply.source is None else secrets.hide_in_code(reply.source),
        notes=secrets.hide(reply.notes),
        dropped=tuple(secrets.hide(path) for path in reply.dropped),
        reason=secrets.hide(reply.reason),
    )
