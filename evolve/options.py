"""Options of the command line, made from the fields of a dataclass: one field is one option."""

from __future__ import annotations

import argparse
import math
import pkgutil
from collections.abc import Callable, Container, Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any

KEY = "option"  # of a field's metadata


@dataclass(frozen=True)
class Option:
    """How a field is given on the command line.

    Attributes:
        flag: Name of the option, such as "--generations".
        group: Heading under which the help lists it.
        help: What it means, without the default.
        metavar: Placeholder of its value in the help; empty for choices.
        parse: Function that turns a text into a value, or raises `argparse.ArgumentTypeError`.
        choices: Registry whose keys are the values that it may have, as MODULE:NAME, which is
            imported when a parser is made; empty allows all that parse.
        also: Further values that it may have, before those of the registry.
        listing: Function whose text the help lists, as MODULE:NAME; empty if there is none.
        repeatable: Whether it may be given several times, which makes a tuple of the values.
        separated: Whether one text holds several values, separated by commas.
        default: Words on the default, in place of the value.
        resumable: Whether a run that goes on may change it.
    """

    flag: str
    group: str
    help: str
    metavar: str = ""
    parse: Callable[[str], Any] = str
    choices: str = ""
    also: tuple[str, ...] = ()
    listing: str = ""
    repeatable: bool = False
    separated: bool = False
    default: str = ""
    resumable: bool = False


def option(value: Any, flag: str, group: str, help: str, **more: Any) -> Any:  # noqa: A002
    """A dataclass field that is an option, too.

    Args:
        value: Default of the field.
        flag: Name of the option, such as "--generations".
        group: Heading under which the help lists it.
        help: What it means, without the default.
        more: Further attributes of `Option`.
    """
    return field(default=value, metadata={KEY: Option(flag, group, help, **more)})


def add_options(
    parser: argparse.ArgumentParser,
    settings: type,
    *,
    only: Container[str] | None = None,
    resumed: bool = False,
) -> None:
    """Give a parser the options of a dataclass, by groups in the order of its fields.

    An option that is left out is None in the result, so that a default is nobody's choice.

    Args:
        parser: Parser that gets the options.
        settings: The dataclass.
        only: Names of the fields whose options are added; None adds all.
        resumed: Whether only the options that a run which goes on may change are added, without
            their defaults, since what is left out stays as the run has it.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    for one, spec in list_options(settings):
        if (resumed and not spec.resumable) or (only is not None and one.name not in only):
            continue
        if spec.group not in groups:
            groups[spec.group] = parser.add_argument_group(spec.group)
        listed = f"; there are {pkgutil.resolve_name(spec.listing)()}" if spec.listing else ""
        if isinstance(one.default, bool):
            groups[spec.group].add_argument(
                spec.flag,
                dest=one.name,
                action=argparse.BooleanOptionalAction,
                default=None,
                help=_describe(one, spec, resumed=resumed),
            )
            continue
        groups[spec.group].add_argument(
            spec.flag,
            dest=one.name,
            action="append" if spec.repeatable else "store",
            type=_split(spec.parse) if spec.separated else spec.parse,
            choices=_list_choices(spec),
            metavar=spec.metavar or None,
            help=_describe(one, spec, listed, resumed=resumed),
        )


def _describe(one: Field[Any], spec: Option, listed: str = "", *, resumed: bool) -> str:
    """The help of an option, with its default."""
    default = "" if resumed else f" (default: {spec.default or one.default})"
    return f"{spec.help}{listed}{default}".replace("%", "%%")


def read_options(
    namespace: argparse.Namespace, settings: type, *, resumed: bool = False
) -> dict[str, Any]:
    """The values that were given, by field name.

    Args:
        namespace: What the parser found.
        settings: The dataclass whose options were added to the parser.
        resumed: Whether only those that a run which goes on may change were added.
    """
    given = {}
    for one, spec in list_options(settings):
        value = getattr(namespace, one.name, None)
        if value is not None and (spec.resumable or not resumed):
            given[one.name] = tuple(value) if spec.repeatable else value
    return given


def list_options(settings: type) -> Iterator[tuple[Field[Any], Option]]:
    """The fields of a dataclass that are options."""
    for one in fields(settings):
        if KEY in one.metadata:
            yield one, one.metadata[KEY]


def _list_choices(spec: Option) -> list[str] | None:
    return [*spec.also, *pkgutil.resolve_name(spec.choices)] if spec.choices else None


def _split(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    return lambda text: tuple(parse(part) for part in text.split(",") if part)


# -- kinds of values ------------------------------------------------------------------------------


def parse_whole(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def parse_count(text: str) -> int:
    """A whole number from 1."""
    value = parse_whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} should be at least 1")
    return value


def parse_positive(text: str) -> float:
    """A finite number above 0."""
    value = _parse_float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def parse_finite(text: str) -> float:
    """A finite number."""
    value = _parse_float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return value


def _parse_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
