"""Which elements a recipe's field means.

The law: a field means what the deid package means by it; a name counts wherever its element stands, also in sequences.

Sources: the deid package's documentation of header conditions (expanders, private tags).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from curator.dicom.dictionary import keyword
from curator.dicom.elements import DataSet, Element
from curator.dicom.tables import entry_of, private_title
from curator.dicom.walk import walk
from curator.errors import RuleError
from curator.policy.recipe.lines import FieldExpression, FieldKind
from curator.strict import nearest

_FIRST_COLON = re.compile(r'([^:"]*(?:"[^"]*"[^:"]*)*):(.*)')
_ANCHORS = {FieldKind.STARTSWITH: "^({})", FieldKind.ENDSWITH: "({})$"}
# Names are the file's to choose; a hostile one may not fill the memory.
_MOST_REMEMBERED = 1 << 15
_SELECTABLE = ("vr", "group")
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An element as a recipe can name it.

    `place` is the path of tags with item numbers, `name` that of keywords; `number` identifies the element within its
    file: where it starts, negative for one that the recipe adds. `encodings` are the codecs of its text.
    """

    number: int
    tag: int
    vr: str
    place: str
    name: str
    title: str
    keyword: str
    private_creator: str
    path: tuple[int, ...]
    encodings: tuple[str, ...] = ()
    element: Element | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All that an exact field may be, in lower case."""
        return tuple(name.lower() for name in (self.name, self.title, self.keyword, self.place, *_tag_names(self)))

    @property
    def is_sequence(self) -> bool:
        """Whether it has items."""
        return self.element is not None and self.element.items is not None

    def is_inside(self, other: Field) -> bool:
        """Whether the other one is a sequence around this one."""
        return self.place.startswith(other.place + "__")


def fields_of(data_set: DataSet) -> tuple[Field, ...]:
    """Every element of a data set at every depth but group lengths, in file order."""
    placed = {one.element.start: one for one in walk(data_set)}

    def inner(elements: Iterable[Element], place: str, name: str) -> Iterator[Field]:
        for element in elements:
            if element.tag & 0xFFFF == 0:
                continue
            found = placed[element.start]
            keyword, title, own_place = _called(element.tag, found.private_creator)
            one = Field(
                number=element.start,
                tag=element.tag,
                vr=found.vr,
                place=place + own_place,
                name=name + keyword,
                title=title,
                keyword=keyword,
                private_creator=found.private_creator,
                path=found.path,
                encodings=found.encodings,
                element=element,
            )
            yield one
            for number, item in enumerate(element.items or ()):
                yield from inner(item.elements, f"{one.place}__{number}__", f"{one.name}__")

    return tuple(inner(data_set.elements, "", ""))


def field_at(tag: int, vr: str, *, number: int, private_creator: str = "") -> Field:
    """The field of a tag at the top level, without a data set around it."""
    keyword, title, place = _called(tag, private_creator)
    return Field(
        number=number,
        tag=tag,
        vr=vr,
        place=place,
        name=keyword,
        title=title,
        keyword=keyword,
        private_creator=private_creator,
        path=(),
    )


def expression_of(written: str) -> FieldExpression:
    """A field as written in a recipe.

    Raises:
        RuleError: its expander is unknown, or what it searches for is no pattern.
    """
    if written.lower() == "all":
        return FieldExpression(written, FieldKind.ALL, "")
    split = _FIRST_COLON.fullmatch(written)
    if split is None:
        return FieldExpression(written, FieldKind.EXACT, written.lower())
    expanders = [kind.value for kind in FieldKind if kind not in (FieldKind.EXACT, FieldKind.ALL)]
    if split[1].lower() not in expanders:
        raise RuleError(f"the expander {split[1]!r} is unknown{nearest(split[1].lower(), expanders)}")
    kind = FieldKind(split[1].lower())
    if kind in (FieldKind.VALUES, FieldKind.FIELDS):
        return FieldExpression(written, kind, split[2])
    operand = split[2].lower()
    if kind is FieldKind.SELECT:
        _selection(operand)
        return FieldExpression(written, kind, operand)
    try:
        pattern = re.compile(_ANCHORS.get(kind, "{}").format(operand), re.IGNORECASE)
    except re.error as error:
        raise RuleError(f"{operand!r} is no pattern: {error}") from error
    return FieldExpression(written, kind, operand, pattern)


def matches(expression: FieldExpression, field: Field) -> bool:
    """Whether a field is meant; groups are not known here and mean none."""
    match expression.kind:
        case FieldKind.ALL:
            return True
        case FieldKind.EXACT:
            return expression.operand in field.names
        case FieldKind.SELECT:
            attribute, value = _selection(expression.operand)
            return field.vr == value if attribute == "vr" else field.tag >> 16 == int(value, 16)
        case FieldKind.EXCEPT:
            return not _is_found(expression, field)
        case FieldKind.STARTSWITH | FieldKind.ENDSWITH | FieldKind.CONTAINS:
            return _is_found(expression, field)
    return False


class Matcher:
    """Which of a recipe's expressions mean a field, remembered by what the field is called and not by its value."""

    __slots__ = ("_expressions", "_known", "_placed")

    def __init__(self, expressions: Iterable[FieldExpression]) -> None:
        wanted = tuple(dict.fromkeys(expressions))
        self._placed = tuple(one for one in wanted if _is_place(one))
        self._expressions = tuple(one for one in wanted if not _is_place(one))
        self._known: dict[tuple[int, str, str, str], tuple[FieldExpression, ...]] = {}

    def meaning(self, field: Field) -> tuple[FieldExpression, ...]:
        """The expressions that mean a field, none where none does."""
        key = (field.tag, field.vr, field.name, field.private_creator)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = tuple(one for one in self._expressions if matches(one, field))
        if not self._placed:
            return found
        return found + tuple(one for one in self._placed if matches(one, field))


def _is_place(expression: FieldExpression) -> bool:
    """Whether an expression names one item of a sequence, so that fields of one name differ."""
    return expression.kind is FieldKind.EXACT and "__" in expression.operand and "(" in expression.operand


def _is_found(expression: FieldExpression, field: Field) -> bool:
    pattern = expression.pattern
    searched = (field.name.lower(), field.title, field.keyword, *_tag_names(field))
    return pattern is not None and any(pattern.search(text) for text in searched)


def _tag_names(field: Field) -> Iterator[str]:
    group, number = field.tag >> 16, field.tag & 0xFFFF
    yield f"({group:04X},{number:04X})"
    yield f"{group:04X}{number:04X}"
    if field.private_creator:
        owned = f'{group:04X},"{field.private_creator}",{number & 0xFF:02X}'
        yield f"({owned})"
        yield owned


def _selection(operand: str) -> tuple[str, str]:
    attribute, _, value = operand.partition(":")
    if attribute not in _SELECTABLE:
        raise RuleError(f"select knows no {attribute!r}{nearest(attribute, _SELECTABLE)}")
    if attribute == "vr":
        return attribute, value[:2].upper()
    value = value.removeprefix("0x")
    if not _HEXADECIMAL.fullmatch(value):
        raise RuleError(f"select:group needs a hexadecimal group, not {value!r}")
    return attribute, value


@lru_cache(maxsize=_MOST_REMEMBERED)
def _called(tag: int, private_creator: str) -> tuple[str, str, str]:
    """Keyword, title and tag of an element as text."""
    return keyword(tag), _title(tag, private_creator), f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _title(tag: int, private_creator: str) -> str:
    if tag >> 16 & 1:
        if private_creator:
            title = private_title(tag, private_creator)
            return "Private tag data" if title is None else f"[{title}]"
        return "Private tag data" if tag & 0xFF00 else "Private Creator"
    entry = entry_of(tag)
    return "" if entry is None else entry[2]
