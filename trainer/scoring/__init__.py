"""For a task's scoring script: the genome on trial, a sandbox to run it in, a way to report.

    from trainer.scoring import Box, candidate, report

    job = candidate("src/main.py")
    with Box() as box:
        box.put("main.py", job.text)
        with box.module("main.py") as module:
            answer = module.call("solve", [3, 1, 2], seconds=10)
    report(score=float(answer == [1, 2, 3]), lines=job.text.count("\n"))

The script is trusted, the genome is not: whatever is started of it is started through a `Box`, and
what comes back is data. By hand, `python evaluate.py` does the same with the file in the folder.
"""

from trainer.scoring.box import Box, Done
from trainer.scoring.job import Candidate, candidate, refuse, report
from trainer.scoring.module import Failed, Module, Raised

__all__ = [
    "Box",
    "Candidate",
    "Done",
    "Failed",
    "Module",
    "Raised",
    "candidate",
    "refuse",
    "report",
]
