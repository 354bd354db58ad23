"""For a task's scoring script: the genome on trial, a sandbox to run it in, a way to report.

    from trainer.scoring import Box, read_candidate, report

    candidate = read_candidate("src/main.py")
    with Box() as box:
        box.put("main.py", candidate.text)
        with box.module("main.py") as module:
            answer = module.call("solve", [3, 1, 2], seconds=10)
    report(score=float(answer == [1, 2, 3]), lines=candidate.text.count("\n"))

The script is trusted, the genome is not: the script starts the genome only through a `Box`, and
what comes back is data. By hand, `python evaluate.py` does the same with the file in the folder.
"""

from trainer.scoring.box import Box, CommandResult
from trainer.scoring.candidate import Candidate, read_candidate
from trainer.scoring.module import CallError, Module, ModuleError
from trainer.scoring.report import refuse, report

__all__ = [
    "Box",
    "CallError",
    "Candidate",
    "CommandResult",
    "Module",
    "ModuleError",
    "read_candidate",
    "refuse",
    "report",
]
