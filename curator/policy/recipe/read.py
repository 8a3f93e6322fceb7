"""Recipes read through the deid package's own parser.

The law: what that parser would skip, exit on or only warn of is an error here that names the line; nothing that a
steward wrote is ignored.

Sources: the deid package, version 0.4 (recipe format).
"""

from __future__ import annotations

import bisect
import hashlib
import io
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from curator.errors import ConfigurationError, RuleError
from curator.policy.recipe.expand import expression_of
from curator.policy.recipe.filters import FILTER_WORDS, filters_of
from curator.policy.recipe.judge import refuse
from curator.policy.recipe.lines import GroupLine, Recipe, RecipeAction, RecipeFilter, RecipeLine
from curator.policy.recipe.values import parse_values, stated
from curator.strict import nearest, read_bytes

_NAME = "recipe"
_SECTIONS = ("header", "filter", "values", "fields")
_ACTIONS = tuple(action.value for action in RecipeAction)
_GROUP_ACTIONS = {"fields": ("FIELD",), "values": ("FIELD", "SPLIT")}
_FORMAT = re.compile(r"format\s+dicom", re.IGNORECASE)
# What the package's parser raises, besides exiting, on lines that it does not expect.
_GIVES_UP = (SystemExit, ValueError, LookupError, AttributeError, UnboundLocalError, TypeError)
# The package's own level of messages: warnings and errors.
_WARNINGS = -2


@dataclass(frozen=True, slots=True)
class _Written:
    """A line that does something: its number, its section with the section's name, and its text."""

    number: int
    section: str
    name: str
    text: str


def read_recipe(path: Path, *, values: Path | None = None) -> Recipe:
    """The recipe in a file, with `var:` looked up in the values of another file (TOML or CSV).

    Raises:
        ConfigurationError: a file cannot be read, or a line is malformed or does nothing.
        RuleError: what a line asks for is nothing that can be carried out; every such line is named.
    """
    content = read_bytes(path, name=_NAME)
    table = read_bytes(values, name="recipe values") if values is not None else b""
    known = parse_values(table, is_csv=values.suffix.lower() == ".csv") if values is not None else {}
    digest = hashlib.sha256(content + b"\0" + table).hexdigest()
    return parse_recipe(content, values=known, digest=digest)


def parse_recipe(content: bytes, *, values: Mapping[str, str], digest: str) -> Recipe:
    """The recipe with these bytes; `values` are those that `var:` names.

    Raises:
        ConfigurationError, RuleError: as `read_recipe`.
    """
    try:
        raw = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{_NAME} is not UTF-8: {error.reason}") from error
    written = list(_written(raw))
    parsed = parsed_by_package(raw)
    refusals: list[str] = []
    lines = tuple(_header_lines(written, parsed, values, refusals))
    fields = tuple(_groups(written, parsed, "fields", refusals))
    groups = tuple(_groups(written, parsed, "values", refusals))
    filters: tuple[RecipeFilter, ...] = ()
    try:
        filters = filters_of(parsed.get("filter", {}), name=_NAME)
    except RuleError as error:
        refusals.append(str(error))
    refuse(refusals)
    return Recipe(digest=digest, lines=lines, fields=fields, values=groups, filters=filters)


def _written(raw: Sequence[str]) -> Iterator[_Written]:
    """The lines that do something, checked for what the package's parser would pass over.

    Raises:
        ConfigurationError: a line stands where it has no effect, or is spelt in a way that has none.
    """
    section, name, is_dicom = "", "", False
    for number, line in enumerate(raw, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.lower().startswith("format"):
            if not _FORMAT.fullmatch(text):
                raise _malformed(number, "the only format is dicom")
            is_dicom = True
        elif text.startswith("%"):
            section, _, name = text.split("#", 1)[0].strip().lstrip("%").partition(" ")
            section, name = section.lower(), name.strip()
            if section not in _SECTIONS:
                raise _malformed(number, f"there is no section {section!r}{nearest(section, _SECTIONS)}")
        else:
            _check_spelling(number, section, text.split()[0])
            yield _Written(number, section, name, text)
    if not is_dicom:
        raise _malformed(1, "a recipe begins with FORMAT dicom")


def _check_spelling(number: int, section: str, word: str) -> None:
    if not section:
        raise _malformed(number, "an action stands before any section, such as %header")
    known: Sequence[str] = _ACTIONS
    if section in _GROUP_ACTIONS:
        known = _GROUP_ACTIONS[section]
    elif section == "filter":
        known, word = FILTER_WORDS, word.lower().lstrip("+|")
        if not word or word.startswith("#"):
            return
    if word not in known:
        raise _malformed(number, f"%{section} knows no {word!r}{nearest(word, known)}")


def parsed_by_package(raw: Sequence[str]) -> Mapping[str, object]:
    """What the package's parser makes of the lines.

    Raises:
        ConfigurationError: it complains; the line is the first with which it does.
    """
    # Found by name here, so that only who gives a recipe loads the package.
    recipe_type, bot = import_module("deid.config").DeidRecipe, import_module("deid.logger").bot

    def complaint(lines: Sequence[str]) -> tuple[str, Mapping[str, object]]:
        said = io.StringIO()
        before = bot.level, bot.errorStream, bot.outputStream
        bot.level, bot.errorStream, bot.outputStream = _WARNINGS, said, said
        try:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "recipe.dicom"
                file.write_text("\n".join(lines) + "\n", encoding="utf-8")
                parsed = recipe_type(str(file)).deid
        except _GIVES_UP as error:
            return said.getvalue().strip() or f"the deid package gives up on it ({type(error).__name__})", {}
        finally:
            bot.level, bot.errorStream, bot.outputStream = before
        return said.getvalue().strip(), parsed or {}

    what, parsed = complaint(raw)
    if what:
        raise _malformed(_first_with(raw, lambda lines: complaint(lines)[0]), " ".join(what.split()))
    return parsed


def _first_with(raw: Sequence[str], complaint: Callable[[Sequence[str]], str]) -> int:
    """The number of the line with which complaints begin; a prefix of a good prefix is good."""
    first = next((index for index, line in enumerate(raw) if _FORMAT.fullmatch(line.strip())), 0)
    return bisect.bisect_left(range(len(raw)), True, lo=first, key=lambda index: bool(complaint(raw[: index + 1]))) + 1


def _entries(parsed: Mapping[str, object], section: str) -> list[Mapping[str, str]]:
    found = parsed.get(section)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [entry for entries in found.values() for entry in entries]
    return []


def _paired(
    written: Sequence[_Written], parsed: Mapping[str, object], section: str
) -> Iterator[tuple[_Written, Mapping[str, str]]]:
    lines = [line for line in written if line.section == section]
    if section != "header":
        # The package gathers the lines of a group that is opened twice under its first opening.
        order = list(dict.fromkeys(line.name for line in lines))
        lines.sort(key=lambda line: order.index(line.name))
    entries = _entries(parsed, section)
    if len(entries) != len(lines):
        raise ConfigurationError(f"{_NAME}: the deid package passes over {len(lines) - len(entries)} of its lines")
    yield from zip(lines, entries, strict=True)


def _header_lines(
    written: Sequence[_Written], parsed: Mapping[str, object], values: Mapping[str, str], refusals: list[str]
) -> Iterator[RecipeLine]:
    for line, entry in _paired(written, parsed, "header"):
        action = RecipeAction(entry["action"])
        try:
            expression = expression_of(entry["field"])
            said = stated(action, entry.get("value", "").strip(), values)
        except RuleError as error:
            refusals.append(f"line {line.number}, {action} {entry['field']}: {error}")
            continue
        yield RecipeLine(line.number, action, expression, said.value, said.days, said.is_new_uid)


def _groups(
    written: Sequence[_Written], parsed: Mapping[str, object], section: str, refusals: list[str]
) -> Iterator[tuple[str, tuple[GroupLine, ...]]]:
    gathered: dict[str, list[GroupLine]] = {}
    for line, entry in _paired(written, parsed, section):
        try:
            group = gathered.setdefault(line.name, [])
            group.append(_group_line(entry))
        except RuleError as error:
            refusals.append(f"line {line.number}, {entry['action']} {entry['field']}: {error}")
    yield from ((name, tuple(lines)) for name, lines in gathered.items())


def _group_line(entry: Mapping[str, str]) -> GroupLine:
    expression = expression_of(entry["field"])
    split_by, shortest = " ", 1
    for parameter in filter(None, entry.get("value", "").strip().split(";")):
        name, _, value = parameter.partition("=")
        name, value = name.strip(), value.strip()
        if name == "minlength" and value.isdecimal():
            shortest = int(value)
        elif name == "by" and (text := value.strip("'").strip('"')):
            split_by = text
        else:
            raise RuleError(f'SPLIT knows by="..." and minlength=n, not {parameter.strip()!r}')
    return GroupLine(expression, entry["action"].upper() == "SPLIT", split_by, shortest)


def _malformed(number: int, what: str) -> ConfigurationError:
    return ConfigurationError(f"{_NAME}, line {number}: {what}")
