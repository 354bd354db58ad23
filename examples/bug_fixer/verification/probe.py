"""Runs in the box beside the genome, app.py: answers for it, and describes its interface.

Its answers are trusted no further than those of the genome itself.
"""

import inspect

import app

SIGNS = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
    inspect.Parameter.POSITIONAL_ONLY: "/",
    inspect.Parameter.KEYWORD_ONLY: "!",
}


def signatures():
    """The public functions and classes of the imported program, with their parameters."""
    return {
        name: read_parameters(value)
        for name, value in vars(app).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value) or callable(value))
        and getattr(value, "__module__", None) == "app"
    }


def read_parameters(value):
    if inspect.isclass(value):
        return ["class"]
    return [
        SIGNS.get(one.kind, "") + one.name + ("=" if one.default is not one.empty else "")
        for one in inspect.signature(value).parameters.values()
    ]


def __getattr__(name):
    return getattr(app, name)
