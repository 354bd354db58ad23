"""The coding agents of a run: who may begin a session now, and what becomes of it.

Each agent has one session at a time, so that none waits for another. A rate limit, or a session
that ends without a word, is a limit as a model's server has it; a failure rests the agent for a
while. Both are counted by the same limiter as for models.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archive.rows import ModelCall
from evolve.agents.assignment import Assignment
from evolve.agents.configuration import ConfiguredAgent
from evolve.agents.reports import Obstacle
from evolve.agents.session import NOT_ENTERED, NOTICE, Session, hold_session
from evolve.models.cost_budget import CostBudget
from evolve.models.errors import BudgetSpentError, ModelError
from evolve.models.rate_limits import RateLimiter
from population.formatting import format_duration
from trainer.log import shorten, strip_unseen
from trainer.process import SupervisorError
from trainer.sandbox import Sandbox
from trainer.secrets import Secrets

LONGEST_ERROR = 500  # characters of an error in the record
PATIENCE = 30.0  # seconds until sessions that were told to end are given up
FAILURES = (Obstacle.RATE_LIMIT, Obstacle.LOGIN, Obstacle.ERROR)  # the agent rests after them
VOID = (*FAILURES, Obstacle.STOPPED)  # nothing of the session counts


@dataclass
class _State:
    """What is known of an agent.

    Attributes:
        limiter: Limiter of its sessions.
        busy: Whether a session is under way.
        expected: Dollars that a session may cost, from what the others have cost.
        reserved: Dollars of the run's budget that are reserved for the one under way.
        has_money: Whether so much was left.
        troubled: Failure of the last session, which the user knows of.
    """

    limiter: RateLimiter
    busy: bool = False
    expected: float = 0.0
    reserved: float = 0.0
    has_money: bool = True
    troubled: Obstacle = Obstacle.NONE


class AgentPool:
    """The coding agents of a run. Its methods may be called from several threads.

    Args:
        agents: The agents.
        sandbox: Sandbox of their sessions.
        budget: Dollars of the run, which models and agents share.
        seconds: Wall-clock seconds that a session may take.
        find_log: Function that names the file for the transcript of a proposal, by its number.
        most: Most sessions in all; None is no limit.
        held: Number of sessions that the run has had until now.
        notice: Seconds between being asked to end, at the limit, and being killed.
        environ: The user's environment.
        clock: Function that gives the time in seconds.
        jitter: Function that draws a random number from 0 to 1.

    Attributes:
        find_log: Function that names the file for the transcript of a proposal, by its number.
    """

    def __init__(
        self,
        agents: Sequence[ConfiguredAgent],
        *,
        sandbox: Sandbox,
        budget: CostBudget,
        seconds: float,
        find_log: Callable[[int], Path],
        most: int | None = None,
        held: int = 0,
        notice: float = NOTICE,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._states = {
            name: _State(RateLimiter(clock, jitter), expected=agent.program.preset.dollars)
            for name, agent in self._agents.items()
        }
        self._sandbox, self._budget, self._seconds = sandbox, budget, seconds
        self.find_log, self._most, self._held = find_log, most, held
        self._notice = notice
        self._environ, self._secrets = environ, Secrets(environ)
        self._clock, self._stop = clock, threading.Event()
        self._changed = threading.Condition()
        self._news: list[str] = []

    @property
    def names(self) -> list[str]:
        """The names of the agents."""
        return list(self._agents)

    @property
    def exhausted(self) -> bool:
        """Whether no agent will ever begin a session again."""
        with self._changed:
            return not any(map(self._is_allowed, self._states.values()))

    def list_unavailable(self) -> tuple[str, ...]:
        """The agents that cannot begin a session now: at work, resting, or at a cap."""
        with self._changed:
            return tuple(
                name
                for name, state in self._states.items()
                if state.busy
                or state.limiter.seconds_to_avoid(0.0) > 0
                or not self._is_allowed(state)
            )

    def _is_allowed(self, state: _State) -> bool:
        """Whether the caps leave room for another session."""
        if self._most is not None and self._held >= self._most:
            return False
        if not self._budget.limited:
            return True
        try:
            if self._budget.reserve(state.expected):
                self._budget.settle(state.expected, 0.0)
        except BudgetSpentError:
            return False
        return True

    def begin(self, name: str) -> None:
        """Count a session that begins, in the thread that decides."""
        with self._changed:
            state = self._states[name]
            state.limiter.enter()
            state.has_money = self._reserve(state)
            state.busy = True
            self._held += 1

    def _reserve(self, state: _State) -> bool:
        """Reserve what a session may cost: whether there is so much left."""
        expected = state.expected if self._budget.limited else 0.0
        try:
            has_money = self._budget.reserve(expected)
        except BudgetSpentError:
            return False
        state.reserved = expected if has_money else 0.0
        return has_money

    def end(self, name: str) -> None:
        """Count a session as ended that `work` was not called for after all, if so."""
        with self._changed:
            state = self._states[name]
            if state.busy:
                state.limiter.leave()
                self._budget.settle(state.reserved, 0.0)
                state.reserved, state.busy = 0.0, False
                self._changed.notify_all()

    def take_news(self) -> list[str]:
        """What the user should know of the sessions since the last call."""
        with self._changed:
            news, self._news = self._news, []
            return news

    def close(self) -> None:
        """End the sessions that are under way, and wait until nothing of them is left.

        Others may begin afterwards.
        """
        self._stop.set()
        with self._changed:
            ended = self._changed.wait_for(
                lambda: not any(state.busy for state in self._states.values()), PATIENCE
            )
        if ended:
            self._stop.clear()

    # -- a session ----------------------------------------------------------------------------

    def work(
        self, name: str, number: int, assignment: Assignment, calls: list[ModelCall]
    ) -> ModelCall:
        """Let an agent work on an assignment, and wait for its end. `begin` comes before.

        Args:
            name: Name of the agent.
            number: Number of the proposal.
            assignment: Files of the session.
            calls: List to which the session is added, as a request.

        Raises:
            ModelError: The session failed, or the run ends.
        """
        begun, sent = self._clock(), self._hide(assignment)
        prompt = json.dumps([{"role": "user", "content": sent.brief}])
        call, obstacle = ModelCall(name, prompt, error="its session failed"), Obstacle.ERROR
        if not self._states[name].has_money:
            call = replace(call, error="there is no money left for a session (--max-cost)")
            raise ModelError(f"agent {name}: {call.error}", call)
        try:
            session = hold_session(
                self._agents[name].program,
                sent,
                sandbox=self._sandbox,
                seconds=self._seconds,
                stop=self._stop,
                notice=self._notice,
                environ=self._environ,
            )
            self._keep_transcript(number, session)
            obstacle, words = self._judge(session)
            call = self._describe(name, prompt, session, obstacle, words)
        except (SupervisorError, OSError, subprocess.CalledProcessError) as error:
            call = replace(call, error=self._clean(f"its session failed: {error}"))
        finally:
            call = replace(call, seconds=self._clock() - begun)
            self._settle(name, begun, call, obstacle)
        calls.append(call)
        if call.error:
            raise ModelError(f"agent {name}: {call.error}", call)
        return call

    def _hide(self, assignment: Assignment) -> Assignment:
        """The assignment without any secret of the user's."""
        hide = self._secrets.hide_in_code
        return replace(
            assignment,
            source=hide(assignment.source),
            brief=hide(assignment.brief),
            others={path: hide(text) for path, text in assignment.others.items()},
        )

    def _keep_transcript(self, number: int, session: Session) -> None:
        log = self.find_log(number)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(session.output, encoding="utf-8", errors="replace")

    def _judge(self, session: Session) -> tuple[Obstacle, str]:
        """What stood in the way of a session that gave no genome, and words on it."""
        if session.ended.stopped:
            return Obstacle.STOPPED, ""
        if session.reply.source is not None:
            return Obstacle.NONE, ""
        obstacle, words = session.report.find_obstacle()
        if session.ended.timed_out:
            if obstacle is Obstacle.NONE and not session.output.strip():
                return Obstacle.RATE_LIMIT, "it said nothing until its time was over"
            limit = f"it had not ended after {format_duration(self._seconds)}"
            return (obstacle, words) if obstacle in FAILURES else (Obstacle.TIME, limit)
        if obstacle is Obstacle.NONE and session.crashed:
            return Obstacle.ERROR, _describe_end(session)
        return obstacle, words

    def _describe(
        self, name: str, prompt: str, session: Session, obstacle: Obstacle, words: str
    ) -> ModelCall:
        """The session as the record keeps it."""
        report, price = session.report, self._agents[name].price
        cost = report.dollars
        if not cost and price is not None and report.tokens_in:  # unknown prices are told as 0, too
            cost = price.compute_cost(report.tokens_in, report.tokens_out)
        why = ""
        if session.reply.source is None or obstacle is Obstacle.STOPPED:
            told = f"{obstacle}: {words}" if obstacle and words else (obstacle or words)
            why = told if obstacle in VOID else _join(session.reply.reason, told)
        reply = replace(session.reply, reason=self._clean(why))
        return ModelCall(
            model=name,
            prompt=prompt,
            reply=reply.write(),
            tokens_in=report.tokens_in,
            tokens_out=report.tokens_out,
            cost=cost,
            error=self._clean(why) if obstacle in VOID else "",
        )

    def _settle(self, name: str, begun: float, call: ModelCall, obstacle: Obstacle) -> None:
        """Free the agent for its next session, later if it has failed."""
        with self._changed:
            state = self._states[name]
            if obstacle is Obstacle.RATE_LIMIT:
                state.limiter.record_limit(begun, None)
            elif obstacle in FAILURES:
                state.limiter.record_failure(begun)
            else:
                state.limiter.record_answer()
            self._budget.settle(state.reserved, call.cost or 0.0)
            state.reserved, state.busy = 0.0, False
            state.expected = max(state.expected, call.cost or 0.0)
            if obstacle is not Obstacle.STOPPED:
                self._report(name, state, call, obstacle)
            self._changed.notify_all()

    def _report(self, name: str, state: _State, call: ModelCall, obstacle: Obstacle) -> None:
        """Tell the user of a failure that is new, and of its end."""
        obstacle = obstacle if obstacle in FAILURES else Obstacle.NONE
        if obstacle == state.troubled:
            return
        state.troubled = obstacle
        if not obstacle:
            self._news.append(f"agent {name} works again")
        else:
            mark = "WARNING: " if obstacle is Obstacle.LOGIN else ""
            self._news.append(f"{mark}agent {name}: {call.error}; it is tried again now and then")

    def _clean(self, text: str) -> str:
        """Put a text on one line, without secrets and invisible characters."""
        return shorten(strip_unseen(" ".join(self._secrets.hide(text).split())), LONGEST_ERROR)


def _describe_end(session: Session) -> str:
    """How a program ended that failed without a word on why."""
    ended, lines = session.ended, session.output.strip().splitlines()
    if ended.code == NOT_ENTERED and lines:
        return f"its sandbox could not be entered: {lines[-1]}"
    how = f"signal {ended.signal}" if ended.code is None else f"code {ended.code}"
    return f"its program ended with {how}{f', after: {lines[-1]}' if lines else ''}"


def _join(reason: str, told: str) -> str:
    return f"{reason}; {told}" if reason and told else reason or told
