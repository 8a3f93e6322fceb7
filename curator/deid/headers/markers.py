"""What a de-identified instance says about its de-identification.

The law: what earlier tools said of their method stays, each method and code once, so that a second pass adds nothing;
of their free text only what is short and holds neither an identifier nor a number.

Sources: DICOM PS3.15 E.1.1 (Patient Identity Removed, De-identification Method), E.2, E.3.6 (Longitudinal Temporal
Information Modified); PS3.3 C.7.1.1; PS3.16 CID 7050.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from curator import __version__
from curator.deid.headers.codes import standard_meaning
from curator.dicom.dictionary import dictionary_vr, tag_of
from curator.dicom.elements import DataSet, Item
from curator.dicom.encode import element, item
from curator.dicom.syntax import TransferSyntax
from curator.identity.search import OWN_METHOD, Needles, found_in
from curator.policy.header import HeaderPolicy

# Our own root: the UUID-derived UID of this program's name, fixed for all versions.
IMPLEMENTATION_CLASS_UID = "2.25.176371623884904211934838418211353123417"
IMPLEMENTATION = (IMPLEMENTATION_CLASS_UID, f"CURATOR_{__version__}"[:16])
_DIGEST_SHOWN = 12
_METHOD = tag_of("DeidentificationMethod")
_METHOD_CODES = tag_of("DeidentificationMethodCodeSequence")
_CODE_VALUE = tag_of("CodeValue")
_CODING_SCHEME = tag_of("CodingSchemeDesignator")
_LONGEST_METHOD = 64
# More than one object's history; a bound against a file made to grow.
_MOST_METHODS = 32
_METHOD_TEXT = re.compile(rb"[ -~]+")
# Years of tools and editions are shorter; what is longer may be a date, a record number or a telephone.
_LONG_NUMBER = re.compile(rb"\d[\d\-./ ]{4,}\d")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a source says of earlier de-identification, as far as it may stay: texts, and DCM codes with meanings."""

    methods: tuple[bytes, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()


def earlier_markers(data_set: DataSet, needles: Needles) -> Earlier:
    """What may stay of the markers at the top level of a source; nothing where it has none."""
    methods = data_set.first(_METHOD)
    codes = data_set.first(_METHOD_CODES)
    texts = data_set.raw(methods).split(b"\\") if methods is not None else ()
    kept = (text.strip(b" \0") for text in texts)
    items = codes.items or () if codes is not None else ()
    return Earlier(
        methods=tuple(dict.fromkeys(text for text in kept if _is_method(text, needles)))[:_MOST_METHODS],
        codes=tuple(dict.fromkeys(code for one in items for code in _codes(data_set, one)))[:_MOST_METHODS],
    )


def marker_elements(policy: HeaderPolicy, syntax: TransferSyntax, earlier: Earlier) -> dict[int, bytes]:
    """The elements that every output carries, encoded for `syntax`, by tag; ours stand after what was said before."""
    method = f"curator {__version__}; {policy.profile}; PS3.15 {policy.edition}; {policy.digest[:_DIGEST_SHOWN]}"
    codes = ((code.code_value, code.code_meaning) for code in policy.methods)
    values = {
        **{tag_of(keyword): value.encode("ascii") for keyword, value in policy.stated.items()},
        tag_of("PatientIdentityRemoved"): b"YES",
        _METHOD: b"\\".join(dict.fromkeys((*earlier.methods, method.encode("ascii")))),
        tag_of("LongitudinalTemporalInformationModified"): policy.temporal.encode("ascii"),
        _METHOD_CODES: b"".join(
            _code_item(value, meaning, syntax) for value, meaning in {**dict(earlier.codes), **dict(codes)}.items()
        ),
    }
    return {tag: _element(tag, value, syntax) for tag, value in values.items()}


def _is_method(text: bytes, needles: Needles) -> bool:
    if not _METHOD_TEXT.fullmatch(text) or len(text) > _LONGEST_METHOD:
        return False
    is_own = OWN_METHOD.fullmatch(text.lower()) is not None
    return is_own or not (_LONG_NUMBER.search(text) or found_in(needles, text))


def _codes(data_set: DataSet, one: Item) -> Iterator[tuple[str, str]]:
    said = {
        part.tag: data_set.raw(part).decode("latin-1").strip(" \0")
        for part in one.elements
        if part.tag in (_CODE_VALUE, _CODING_SCHEME)
    }
    value = said.get(_CODE_VALUE, "")
    meaning = standard_meaning("DCM", value) if said.get(_CODING_SCHEME) == "DCM" else None
    if meaning is not None:
        yield value, meaning


def _code_item(value: str, meaning: str, syntax: TransferSyntax) -> bytes:
    fields = {"CodeValue": value, "CodingSchemeDesignator": "DCM", "CodeMeaning": meaning}
    return item(
        (_element(tag_of(name), text.encode("ascii"), syntax) for name, text in fields.items()), order=syntax.order
    )


def _element(tag: int, value: bytes, syntax: TransferSyntax) -> bytes:
    return element(tag, dictionary_vr(tag), value, explicit=syntax.explicit, order=syntax.order)
