"""The names of the forms in which a language model may be asked to reply.

They are read alike: `read_reply` takes any form, whichever was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from evolve.settings import OptionError

FREE, DEFINITION, CONSTANTS = "free", "definition", "constants"
FORMS = {
    FREE: "edits of any kind",
    DEFINITION: "the new body of one function, as JSON with a schema",
    CONSTANTS: "new values of constants, as JSON with a schema",
}


def describe_forms() -> str:
    """List the forms with what each is, for `--help`."""
    return ", ".join(f"{name} ({summary})" for name, summary in FORMS.items())


def parse_forms(texts: Sequence[str]) -> dict[str, str]:
    """Read any number of MODEL=FORM and FORM: forms by model, "" for all that are not named.

    Raises:
        OptionError: There is no such form.
    """
    forms = {}
    for text in texts:
        model, _, form = text.rpartition("=")
        if form not in FORMS:
            raise OptionError(f"there is no reply form {form}; there are {describe_forms()}")
        forms[model] = form
    return forms
