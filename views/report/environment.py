"""What all pages share: how templates are filled in, the scripts and styles, and the policy."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from population.formatting import (
    describe_noise,
    format_dollars,
    format_duration,
    format_number,
)
from views.unseen import cut, show_unseen


def write_policy(scripts: Sequence[str], style: str, connect: str = "'none'") -> str:
    """A content security policy that allows these scripts and this style alone.

    Args:
        scripts: Texts of the page's scripts.
        style: Text of the page's style sheet.
        connect: Where the scripts may send requests.
    """

    def allow(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    allowed = " ".join(map(allow, scripts)) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {allow(style)}; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _finalize(value: object) -> object:
    """What every expression of a template passes through: what is not seen is shown."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return show_unseen(value)
    return "" if value is None else value


@cache
def make_environment() -> Environment:
    """The environment of all pages: every value is escaped, and what is not seen is shown."""
    environment = Environment(
        loader=PackageLoader("views.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cut": cut,
        "duration": format_duration,
        "dollars": format_dollars,
        "number": format_number,
        "time": lambda value: time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value)),
        "day": lambda value: time.strftime("%Y-%m-%d %H:%M", time.localtime(value)),
        "noise": describe_noise,
        "slug": lambda value: hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:8],
        "signed": lambda value: "" if value is None else f"{value:+.3g}",
    }
    return environment


@cache
def read_asset(name: str) -> str:
    """The text of a script or style sheet."""
    return files("views.report").joinpath("assets", name).read_text(encoding="utf-8")
