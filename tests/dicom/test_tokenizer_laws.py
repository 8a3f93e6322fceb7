"""Whatever pydicom writes is taken apart as it was meant; whatever is broken is refused, and nothing else happens."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundled_files import BUNDLED
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage

from curator.dicom.dictionary import dictionary_vr
from curator.dicom.elements import DataSet, Element
from curator.dicom.encode import element as encoded_element
from curator.dicom.encode import item as encoded_item
from curator.dicom.parse import DEEPEST, parse
from curator.dicom.syntax import DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from curator.dicom.walk import values_at, walk
from curator.errors import ItemError
from curator.model.quarantine import Reason

SYNTAXES = (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE)


@dataclass(frozen=True)
class Leaf:
    tag: int
    vr: str
    value: object


@dataclass(frozen=True)
class Nest:
    tag: int
    items: tuple[tuple[object, ...], ...]
    undefined: bool
    items_undefined: bool


_TEXT = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789", max_size=12).map(str.strip)
_LEAVES = st.one_of(
    st.builds(Leaf, st.just(0x00100010), st.just("PN"), _TEXT),
    st.builds(Leaf, st.just(0x00100020), st.just("LO"), _TEXT),
    st.builds(Leaf, st.just(0x00104000), st.just("LT"), _TEXT),
    st.builds(Leaf, st.just(0x0020000D), st.just("UI"), st.sampled_from(["1.2.3", "1.2.34", "2.25.1", ""])),
    st.builds(Leaf, st.just(0x00280010), st.just("US"), st.integers(0, 65535)),
    st.builds(Leaf, st.just(0x00189074), st.just("DT"), st.sampled_from(["20240101", "20240101120000"])),
    st.builds(Leaf, st.just(0x00186020), st.just("SL"), st.integers(-(2**31), 2**31 - 1)),
    st.builds(Leaf, st.just(0x00189087), st.just("FD"), st.floats(allow_nan=False)),
    st.builds(Leaf, st.just(0x0040A160), st.just("UT"), _TEXT),
    st.builds(
        Leaf, st.just(0x00091001), st.just("OB"), st.binary(max_size=6).map(lambda data: data + b"\1" * (len(data) % 2))
    ),
)
_SEQUENCE_TAGS = st.sampled_from([0x00081115, 0x00400275, 0x00101002, 0x30060020])


def _data_sets(children: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(children, max_size=4, unique_by=lambda node: node.tag).map(
        lambda nodes: tuple(sorted(nodes, key=lambda node: node.tag))
    )


_NODES = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        Nest, _SEQUENCE_TAGS, st.lists(_data_sets(inner), max_size=3).map(tuple), st.booleans(), st.booleans()
    ),
    max_leaves=12,
)


def built(nodes: tuple[object, ...], *, undefined: bool = False) -> Dataset:
    dataset = Dataset()
    for node in nodes:
        if isinstance(node, Leaf):
            dataset.add_new(node.tag, node.vr, node.value)
        else:
            items = [built(item, undefined=node.items_undefined) for item in node.items]
            dataset.add_new(node.tag, "SQ", Sequence(items))
            dataset[node.tag].is_undefined_length = node.undefined
    dataset.is_undefined_length_sequence_item = undefined
    return dataset


def written(nodes: tuple[object, ...], syntax: str) -> bytes:
    dataset = built(nodes)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def decoded(data_set: DataSet, element: Element) -> object:
    raw, order = data_set.raw(element), data_set.syntax.order
    vr = dictionary_vr(element.tag) if element.vr == "UN" else element.vr
    if vr in ("US", "SL", "FD"):
        return struct.unpack(order + {"US": "H", "SL": "i", "FD": "d"}[vr], raw)[0]
    return raw if vr in ("OB", "UN") else raw.decode("ascii").rstrip(" \0")


def assert_same(data_set: DataSet, elements: tuple[Element, ...], nodes: tuple[object, ...]) -> None:
    assert [element.tag for element in elements] == [node.tag for node in nodes]
    for element, node in zip(elements, nodes, strict=True):
        if isinstance(node, Leaf):
            assert element.items is None
            assert element.vr == (node.vr if data_set.syntax.explicit else dictionary_vr(node.tag))
            assert decoded(data_set, element) == node.value
        else:
            assert element.items is not None
            assert element.vr == "SQ"
            assert element.undefined == node.undefined
            assert len(element.items) == len(node.items)
            for item, inner in zip(element.items, node.items, strict=True):
                assert item.undefined == node.items_undefined
                assert_same(data_set, item.elements, inner)


@settings(deadline=None, max_examples=150)
@given(nodes=_data_sets(_NODES), syntax=st.sampled_from(SYNTAXES))
def test_what_pydicom_writes_is_taken_apart_as_meant(nodes: tuple[object, ...], syntax: str) -> None:
    data_set = parse(written(nodes, syntax))
    assert data_set.syntax.uid == syntax
    assert data_set.trailing == 0
    assert_same(data_set, tuple(one for one in data_set.elements if one.tag not in (0x00080016, 0x00080018)), nodes)
    walked = [placed.element for placed in walk(data_set)]
    assert len(walked) == len({element.start for element in walked}) == _count(nodes) + 2


def _count(nodes: tuple[object, ...]) -> int:
    return sum(1 if isinstance(node, Leaf) else 1 + sum(_count(item) for item in node.items) for node in nodes)


SMALL = [
    (BUNDLED / name).read_bytes()
    for name in (
        "rtplan.dcm",
        "nested_priv_SQ.dcm",
        "priv_SQ.dcm",
        "UN_sequence.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "test-SR.dcm",
    )
]
SMALL += [
    written((Leaf(0x00100010, "PN", "A"), Nest(0x00081115, ((), (Leaf(0x00100020, "LO", "B"),)), True, True)), syntax)
    for syntax in SYNTAXES
]


def outcome(data: bytes) -> str:
    """ "taken" or the reason; any exception but ItemError is a failure of the test."""
    try:
        data_set = parse(data)
    except ItemError as error:
        return error.reason.value
    for placed in walk(data_set):
        values_at(data_set, placed)
    return "taken"


@settings(deadline=2000, max_examples=400)
@given(
    data=st.sampled_from(SMALL),
    cuts=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_changed_bytes_are_read_or_refused(data: bytes, cuts: list[tuple[int, int]]) -> None:
    changed = bytearray(data)
    for place, byte in cuts:
        changed[place % len(changed)] = byte
    assert outcome(bytes(changed)) in {"taken", "not_dicom", "truncated", "malformed", "unsupported_transfer_syntax"}


@settings(deadline=2000, max_examples=200)
@given(
    data=st.sampled_from(SMALL),
    start=st.integers(0, 1 << 20),
    inserted=st.binary(max_size=12),
    removed=st.integers(0, 12),
)
def test_moved_bytes_are_read_or_refused(data: bytes, start: int, inserted: bytes, removed: int) -> None:
    start %= len(data)
    assert outcome(data[:start] + inserted + data[start + removed :]) != "internal_error"


@pytest.mark.parametrize("data", SMALL, ids=range(len(SMALL)))
def test_every_cut_is_read_or_refused_and_a_cut_in_the_last_element_is_truncation(data: bytes) -> None:
    whole = parse(data)
    last = whole.elements[-1]
    for length in range(0, len(data), max(1, len(data) // 200)):
        outcome(data[:length])
    if whole.data is data and last.tag != 0x7FE00010:
        for length in range(last.start + 1, last.end):
            # Up to seven zeros after the end are taken for padding.
            assert outcome(data[:length]) == "truncated" or not any(data[last.start : length])


@given(data=st.binary(max_size=300))
@example(b"")
@example(bytes(128) + b"DICM")
def test_noise_is_refused_or_read(data: bytes) -> None:
    assert outcome(data) in {
        "taken",
        "empty_file",
        "not_dicom",
        "truncated",
        "malformed",
        "unsupported_transfer_syntax",
    }


def _file(body: bytes, syntax: str = EXPLICIT_LITTLE) -> bytes:
    uid = syntax.encode()
    meta = encoded_element(0x00020010, "UI", uid, explicit=True, order="<")
    return bytes(128) + b"DICM" + meta + body


def _nested(depth: int) -> bytes:
    body = encoded_element(0x00100020, "LO", b"X", explicit=True, order="<")
    for _ in range(depth):
        body = encoded_element(0x00081115, "SQ", encoded_item([body], order="<"), explicit=True, order="<")
    return _file(body)


def test_nesting_is_bounded() -> None:
    assert outcome(_nested(DEEPEST)) == "taken"
    assert outcome(_nested(DEEPEST + 1)) == "malformed"
    assert outcome(_nested(5000)) == "malformed"


LO = encoded_element(0x00100020, "LO", b"X", explicit=True, order="<")
TABLE = {
    "empty": (b"", "empty_file"),
    "not DICOM": (b"%PDF-1.7 " * 40, "not_dicom"),
    "only a preamble": (bytes(128) + b"DICM", "truncated"),
    "only file meta": (_file(b""), "truncated"),
    "private transfer syntax": (_file(LO, "1.2.3.4"), "unsupported_transfer_syntax"),
    "JPIP": (_file(LO, "1.2.840.10008.1.2.4.94"), "unsupported_transfer_syntax"),
    "unknown VR": (_file(LO.replace(b"LO", b"ZZ")), "malformed"),
    "delimiter at top level": (_file(LO + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)), "malformed"),
    "text of undefined length": (_file(struct.pack("<HH2s2xI", 0x0010, 0x0020, b"UT", 0xFFFFFFFF)), "malformed"),
    "no item in a sequence": (_file(encoded_element(0x00081115, "SQ", LO, explicit=True, order="<")), "malformed"),
    "a few bytes after the end": (_file(LO + b"abc"), "truncated"),
    "zeros after the end": (_file(LO + bytes(3)), "taken"),
    "not deflated": (_file(LO, DEFLATED_LITTLE), "malformed"),
    "deflated and cut": (_file(zlib.compress(LO * 50)[2:-8], DEFLATED_LITTLE), "truncated"),
}


@pytest.mark.parametrize(("data", "expected"), TABLE.values(), ids=TABLE.keys())
def test_broken_file_gives_its_reason(data: bytes, expected: str) -> None:
    assert outcome(data) == expected


def test_bytes_behind_pixel_data_are_counted_and_no_element_holds_them() -> None:
    pixels = encoded_element(0x7FE00010, "OW", b"\1\2", explicit=True, order="<")
    data_set = parse(_file(LO + pixels + b"PLANTED^NAME"))
    assert data_set.trailing == 12
    assert [element.tag for element in data_set.elements] == [0x00100020, 0x7FE00010]


def test_un_of_undefined_length_is_read_as_implicit_sequence() -> None:
    inner = encoded_element(0x00100020, "LO", b"HIDDEN", explicit=False, order="<")
    un = struct.pack("<HH2s2xI", 0x0009, 0x1001, b"UN", 0xFFFFFFFF)
    data_set = parse(_file(un + encoded_item([inner], order="<") + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)))
    (found,) = [placed for placed in walk(data_set) if placed.path]
    assert (found.path, values_at(data_set, found)) == ((0x00091001,), ("HIDDEN",))


def test_pixel_data_in_fragments_as_un_is_refused_for_readers_differ_about_it() -> None:
    # Found by fuzzing: we passed fragments on that others read as the items of a sequence.
    fragments = encoded_item([b"\1\2\3\4"], order="<") + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    head = {vr: struct.pack("<HH2s2xI", 0x7FE0, 0x0010, vr, 0xFFFFFFFF) for vr in (b"OB", b"UN")}
    assert parse(_file(LO + head[b"OB"] + fragments)).elements[-1].undefined
    with pytest.raises(ItemError, match="has VR UN and no length"):
        parse(_file(LO + head[b"UN"] + fragments))


@pytest.mark.parametrize("name", ["MR_small.dcm", "image_dfl.dcm", "nested_priv_SQ.dcm"])
def test_a_view_reads_as_bytes_do(name: str) -> None:
    data = Path(BUNDLED / name).read_bytes()
    assert parse(memoryview(data)).elements == parse(data).elements


def test_errors_name_structure_and_no_value() -> None:
    secret = encoded_element(0x00100010, "PN", b"SECRET^NAME", explicit=True, order="<")
    with pytest.raises(ItemError) as error:
        parse(_file(secret)[:-2])
    assert error.value.reason is Reason.TRUNCATED
    assert "SECRET" not in str(error.value)
    assert "(0010,0010)" in error.value.detail
