"""Coding agents as proposers: one short session in a folder of its own makes one child.

`presets` has the programs that are known by name, `workspace` their folder, `session` how one runs
in the sandbox with the network open, `reports` what they say of cost and failure, and `pool` the
agents of a run. The operators that use them are in `evolve/operators/agent.py`.
"""

from evolve.agents.assignment import BRIEF, NOTES, AgentReply, Assignment
from evolve.agents.presets import PRESETS
from evolve.agents.spec import AgentSpec

__all__ = ["BRIEF", "NOTES", "PRESETS", "AgentReply", "AgentSpec", "Assignment"]
