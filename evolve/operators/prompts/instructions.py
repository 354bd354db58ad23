"""What the operators ask a language model to do, in one paragraph each.

Those that end in `_PROSE` are for a genome that is a text for people rather than a program.
"""

TWEAK = "Propose ONE change that is likely to improve the score: one idea, small, not tried before."

REWORK = (
    "Propose ONE structural change: another method, algorithm or design rather than another "
    "number. Choose what could gain much, even if it may fail, and write it out in full, with the "
    "numbers that suit it."
)
REWORK_PROSE = (
    "Propose ONE structural change: another order, form or point of view rather than other words. "
    "Choose what could gain much, even if it may fail, and write it out in full."
)

SIMPLIFY = (
    "Make it simpler at the same score: remove what does not improve it, merge duplicates, shorten "
    "what is long. Less code that is as good, or faster, is a success. Change what the program "
    "does, not only how it is written."
)
SIMPLIFY_PROSE = (
    "Make it simpler at the same score: remove what does not improve it, merge what is said twice, "
    "shorten what is long. Less text that is as good is a success. Change how the whole is built, "
    "not only single words."
)

AIM = (
    "Write a child that lies there and scores as well as possible. Change what moves it there, and "
    "adapt what depends on it."
)

REPAIR = (
    "Mend it: keep the idea, and change no more than it takes to make it run. If the idea itself "
    "cannot work, take the nearest one that can."
)
REPAIR_PROSE = (
    "Mend it: keep the idea, and change no more than it takes for it to be scored. If the idea "
    "itself cannot work, take the nearest one that can."
)

RECOMBINE = (
    "Write a child of both: start from genome {first} and bring in what makes genome {second} "
    "good, so that the ideas work together. Leave out what cannot help. The child must differ from "
    "both."
)
RESOLVE = (
    "Edit the merged file so that the intents of both genomes work together where they conflict: "
    "bring in what genome {second} meant, adapt what depends on it, and change nothing else."
)

LESSONS = (
    "Write the lessons as they stand now, for those who propose the next changes, in at most 12 "
    "short lines under the three headings `Helped:`, `Hurt:` and `Untested:`, each heading in a "
    "line of its own. Be concrete (names, numbers, directions), drop what later results "
    "contradict, and do not count as a lesson what noise may explain. {quoting}"
)

ANSWER = """\
Answer with one line `IDEA: ...` that names the change in at most 15 words, one line `WHY: ...` that
says what you expect of it, and then the change itself as one or more blocks of this form:

<<<<<<< SEARCH
lines to replace, exactly as they stand in the file, with enough of them to be unique
=======
the new lines
>>>>>>> REPLACE

The blocks are applied in their order, all or none. For a very large change you may give the whole
new file in one ``` fence instead of blocks (a longer fence if the file has fences of its own). If
it is easier for you, a unified diff in a ```diff fence is understood, too, or JSON edits:
{"idea": "...", "why": "...", "edits": [{"search": "...", "replace": "..."}]}."""

AGAIN = (
    "Answer again in the required form, complete: the IDEA line, the WHY line, and all blocks "
    "against the file as it was first shown."
)
SHORTER = (
    "Think and explain less, and give a few small SEARCH/REPLACE blocks instead of the whole file."
)

ANSWER_CONSTANTS = """\
Answer with one JSON object and nothing else: new values of one to three of the file's constants, by
their names: {"constants": [{"name": its name, "value": its new value}, ...]}."""
REMINDER_CONSTANTS = (
    "The change is made by new values of one to three constants alone. Each value must differ from "
    "the one that the file has."
)
ANSWER_DEFINITION = """\
Answer with one JSON object and nothing else, which rewrites the body of one function of the file:
{"idea": "the change in at most 15 words", "definition": "name of the function", "lines": ["first
line of its new body", "second line", ...]}. The function keeps its name and its arguments, so the
lines begin below its head. Each line has the indentation that it needs among the others."""
REMINDER_DEFINITION = (
    "The change is made in the body of one function alone, which is given as a whole and must "
    "differ from the one that the file has."
)
AGAIN_JSON = "Answer again with one JSON object in the required form, for the file as it was shown."
SHORTER_JSON = "Change less at a time, and add no explanation."
