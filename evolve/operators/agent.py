"""The operators that let a coding agent work: one short session makes one child.

The agent changes the genome's file in a folder of its own. What it says of its success counts for
nothing; the file does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evolve.agents import BRIEF, AgentReply, Assignment
from evolve.genome import RefusedError
from evolve.models import ModelError
from evolve.operators.base import Operator
from evolve.operators.context import Context, Parent
from evolve.operators.prompts.agent_brief import write_agent_brief
from evolve.operators.proposal import Proposal, ProposalError

LONGEST_IDEA = 200  # characters of the first line of notes.md that describe the child
LONGEST_NOTES = 4000  # characters of the rest, for the commit
UNNAMED = "a change without notes"


@dataclass(frozen=True, kw_only=True)
class AgentOperator(Operator):
    """Lets a coding agent change one parent, or unite two.

    Attributes:
        name: Name of the operator.
        summary: What the operator does, in a few words for `--help`.
        arity: Number of parents, 1 or 2.
        aims: Whether the agent is told of a cell of the archive that is worth reaching.
    """

    name: str
    summary: str
    arity: int = 1
    aims: bool = False
    needs_agent = True

    def propose(self, parents: Sequence[Parent], context: Context) -> Proposal:
        if context.work is None:
            raise ProposalError("this operator needs a coding agent, and none is there (--agent)")
        try:
            call = context.work(make_assignment(parents, context))
        except ModelError as error:
            raise ProposalError(str(error), unreachable=True) from error
        reply = AgentReply.read(call.reply)
        if reply.source is None:
            raise ProposalError(f"agent {call.model}: {reply.reason or 'it left no new genome'}")
        try:
            context.screen(reply.source)
        except RefusedError as error:
            raise ProposalError(f"what agent {call.model} left is refused: {error}") from error
        return Proposal(reply.source, *_split_notes(reply))


AGENT = AgentOperator(name="agent", summary="a change by a coding agent", aims=True)
AGENT_CROSSOVER = AgentOperator(
    name="agent-crossover", summary="two parents united by a coding agent", arity=2
)


def make_assignment(parents: Sequence[Parent], context: Context) -> Assignment:
    """The files of an agent's session: the genome, the brief, and what it may read besides."""
    task, others = context.task, dict[str, str]()
    suffix = f".{task.genome.rpartition('.')[2]}" if "." in task.genome else ""
    for parent in parents[1:]:
        others[f"other_parent{suffix}"] = parent.source
    if len(parents) > 1 and context.ancestor is not None:
        others[f"common_ancestor{suffix}"] = context.ancestor
    if context.output:
        others["log_tail.txt"] = context.output
    others = {name: text for name, text in others.items() if name not in (task.genome, BRIEF)}
    return Assignment(
        genome=task.genome,
        language=task.language,
        source=parents[0].source,
        brief=write_agent_brief(parents, context, others),
        others=others,
    )


def _split_notes(reply: AgentReply) -> tuple[str, str]:
    """The idea in one line, and what else the agent wrote of it."""
    lines = [line.strip(" \t#*-") for line in reply.notes.splitlines()]
    told = [line for line in lines if line]
    if not told:
        return " ".join(reply.said.split())[:LONGEST_IDEA] or UNNAMED, ""
    return told[0][:LONGEST_IDEA], "\n".join(told[1:])[:LONGEST_NOTES]
