"""What a content item is about, and where it keeps its value.

Sources: DICOM PS3.3 C.17.3, C.18 (content item macros), 10.2 (content item macro of other objects).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from curator.dicom.elements import DataSet, Element, Item
from curator.model.decision import Action
from curator.policy.structured import ContentItemRef

CONTENT_SEQUENCE = 0x0040A730
ACQUISITION_CONTEXT = 0x00400555
REFERENCED_CONTENT_ITEM = 0x0040DB73
CODE_MEANING = 0x00080104
_VALUE_TYPE = 0x0040A040
_CONCEPT_NAME = 0x0040A043
_CODE_VALUES = (0x00080100, 0x00080119, 0x00080120)
_SCHEME = 0x00080102
_MEASURED_VALUE = 0x0040A300
_NUMERIC_VALUE = 0x0040A30A
_UNITS = 0x004008EA
_TEXT_VALUE, _PERSON_NAME, _UID = 0x0040A160, 0x0040A123, 0x0040A124
_DATE, _TIME, _DATETIME = 0x0040A121, 0x0040A122, 0x0040A120
_CONCEPT_CODE, _REFERENCED_SOP = 0x0040A168, 0x00081199
_YEARS_PER_UNIT = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
# Where each value type keeps what the item says; other types keep it in numbers alone.
VALUE_TAGS: Mapping[str, tuple[int, ...]] = {
    "TEXT": (_TEXT_VALUE,),
    "PNAME": (_PERSON_NAME,),
    "DATE": (_DATE,),
    "TIME": (_TIME,),
    "DATETIME": (_DATETIME,),
    "UIDREF": (_UID,),
    "CODE": (_CONCEPT_CODE,),
    # Outside reports a numeric item has its value beside its concept.
    "NUM": (_MEASURED_VALUE, _NUMERIC_VALUE),
}
# What a value becomes where its item has to stay for the sake of its place.
STAND_INS: Mapping[str, Action] = {
    "UIDREF": Action.REPLACE_UID,
    "NUM": Action.EMPTY,
    "CONTAINER": Action.KEEP,
    "IMAGE": Action.KEEP,
    "COMPOSITE": Action.KEEP,
    "WAVEFORM": Action.KEEP,
}


def content_item(data_set: DataSet, item: Item) -> ContentItemRef | None:
    """What an item is about; None for one that is no content item."""
    value_type = _text(data_set, item, _VALUE_TYPE)
    if not value_type:
        return None
    for concept in _items(item, _CONCEPT_NAME):
        code = next((code for tag in _CODE_VALUES if (code := _text(data_set, concept, tag))), "")
        return ContentItemRef(value_type, _text(data_set, concept, _SCHEME), code, _years(data_set, item))
    return ContentItemRef(value_type, years=_years(data_set, item))


def counts_items(elements: tuple[Element, ...]) -> bool:
    """Whether an item refers to another by its place in the tree."""
    return any(
        element.tag == REFERENCED_CONTENT_ITEM or any(counts_items(item.elements) for item in element.items or ())
        for element in elements
    )


def code_of(data_set: DataSet, item: Item) -> tuple[str, str]:
    """Scheme and value of a coded entry, "" for what it lacks."""
    code = next((code for tag in _CODE_VALUES if (code := _text(data_set, item, tag))), "")
    return _text(data_set, item, _SCHEME), code


def _years(data_set: DataSet, item: Item) -> float | None:
    for measured in (item, *_items(item, _MEASURED_VALUE)):
        number = _text(data_set, measured, _NUMERIC_VALUE)
        for unit in (*_items(measured, _UNITS), *_items(item, _UNITS)):
            scale = _YEARS_PER_UNIT.get(code_of(data_set, unit)[1])
            try:
                return float(number) * scale if scale else None
            except ValueError:
                return None
    return None


def _items(item: Item, tag: int) -> Iterator[Item]:
    for element in item.elements:
        if element.tag == tag:
            yield from element.items or ()


def _text(data_set: DataSet, item: Item, tag: int) -> str:
    for element in item.elements:
        if element.tag == tag:
            return data_set.raw(element).decode("latin-1").strip(" \0")
    return ""
