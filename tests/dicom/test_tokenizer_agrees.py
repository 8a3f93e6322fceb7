"""The tokenizer and pydicom, two independent readers, see the same elements in real files."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import pydicom
import pytest
from bundled_files import REFUSED, bundled_files, vendor_files
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset

from curator.dicom.elements import DataSet, Element
from curator.dicom.parse import looks_like_dicom, parse
from curator.errors import ItemError
from curator.model.quarantine import Reason

# (tag, VR or "" where the file does not say, value bytes or one tree per item)
Node = tuple[int, str, object]


def _name(path: Path) -> str:
    return path.name


def _is_readable(path: Path) -> bool:
    return path.name not in REFUSED and looks_like_dicom(path.read_bytes()[:132])


def our_tree(data_set: DataSet, elements: tuple[Element, ...]) -> list[Node]:
    nodes: list[Node] = []
    for element in sorted(elements, key=lambda one: one.tag):
        if element.items is not None:
            items = [our_tree(data_set, item.elements) for item in element.items]
            nodes.append((element.tag, "SQ", items))
        else:
            nodes.append((element.tag, element.vr if element.explicit else "", data_set.raw(element)))
    return nodes


def pydicom_tree(dataset: Dataset, data_set: DataSet, ours: tuple[Element, ...]) -> list[Node]:
    by_tag = {element.tag: element for element in ours}
    nodes: list[Node] = []
    for tag in sorted(dataset.keys()):
        raw = dataset.get_item(tag)
        mine = by_tag.get(int(tag))
        if mine is not None and mine.items is not None:
            items = [
                pydicom_tree(inner, data_set, mine.items[number].elements if number < len(mine.items) else ())
                for number, inner in enumerate(dataset[tag].value)
            ]
            nodes.append((int(tag), "SQ", items))
        elif isinstance(raw, RawDataElement):
            nodes.append((int(tag), raw.VR or "", raw.value if raw.value is not None else b""))
        else:
            nodes.append(converted_node(raw, data_set, mine))
    return nodes


def converted_node(element: DataElement, data_set: DataSet, mine: Element | None) -> Node:
    """One of the few elements that pydicom decodes while it reads, back in bytes if ours decode to the same."""
    value, vr = element.value, element.VR
    if mine is None:
        return (int(element.tag), vr, value)
    written = data_set.raw(mine)
    decoded: object
    if value is None or value == b"":
        decoded, value = written, b""
    elif isinstance(value, int):
        decoded = int.from_bytes(written, "little" if data_set.syntax.order == "<" else "big")
    else:
        decoded = written.decode("latin-1").strip(" \0")
        value = value if isinstance(value, str) else "\\".join(value)
    is_vr_same = not mine.explicit or mine.vr in ("UN", vr)
    return (
        int(element.tag),
        (mine.vr if mine.explicit else "") if is_vr_same else vr,
        written if decoded == value else value,
    )


def read_with_pydicom(path: Path) -> Dataset | None:
    """None for what pydicom does not take for DICOM either."""
    if not looks_like_dicom(path.read_bytes()[:132]):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, force=True)


def assert_same(path: Path) -> None:
    expected = read_with_pydicom(path)
    if expected is None:
        with pytest.raises(ItemError) as error:
            parse(path.read_bytes())
        assert error.value.reason in (Reason.NOT_DICOM, Reason.EMPTY_FILE)
        return
    data_set = parse(path.read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom_tree(expected, data_set, data_set.elements)
    assert our_tree(data_set, data_set.elements) == theirs
    assert [element.tag for element in data_set.meta] == list(map(int, expected.file_meta.keys()))
    assert data_set.trailing == 0


@pytest.mark.parametrize("path", [path for path in bundled_files() if path.name not in REFUSED], ids=_name)
def test_bundled_file_reads_as_pydicom_reads_it(path: Path) -> None:
    assert_same(path)


def test_vendor_files_read_as_pydicom_reads_them() -> None:
    files = vendor_files()
    if not files:
        pytest.skip("../shared/data is not there")
    for path in files:
        assert_same(path)


@pytest.mark.parametrize("path", [path for path in bundled_files() if path.name in REFUSED], ids=_name)
def test_what_pydicom_guesses_is_refused(path: Path) -> None:
    with pytest.raises(ItemError) as error:
        parse(path.read_bytes())
    assert error.value.reason == REFUSED[path.name][0]


def assert_no_gap(elements: tuple[Element, ...], start: int, end: int) -> None:
    """Elements, items and delimiters touch from `start` to `end`, at every depth."""
    position = start
    for element in elements:
        assert element.start == position
        assert element.end == element.value + element.length + (8 if element.undefined else 0)
        position = element.end
        if element.items is None:
            continue
        for before, after in pairwise(element.items):
            assert before.end == after.start
        if element.items:
            assert element.items[0].start == element.value
        for item in element.items:
            assert_no_gap(item.elements, item.start + 8, item.end - (8 if item.undefined else 0))
    assert position == end


@pytest.mark.parametrize("path", [path for path in bundled_files() if _is_readable(path)], ids=_name)
def test_every_byte_belongs_to_an_element(path: Path) -> None:
    data = path.read_bytes()
    data_set = parse(data)
    start = data_set.elements[0].start
    if data_set.data is data:
        assert start == (data_set.meta[-1].end if data_set.meta else 132 if data[128:132] == b"DICM" else 0)
    assert_no_gap(data_set.elements, start, len(data_set.data) - data_set.trailing)
