"""Whether a written instance says of itself that it was de-identified.

The law: a file without its markers is not a released one, whatever else is right about it.

Sources: DICOM PS3.15 E.1.1 (Patient Identity Removed, De-identification Method), E.3.6; PS3.3 C.12.1.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from curator.deid.verify import Defect, Residual
from curator.dicom.dictionary import tag_of, tag_text
from curator.dicom.elements import DataSet
from curator.identity.search import OWN_METHOD

_REMOVED = tag_of("PatientIdentityRemoved")
_METHOD = tag_of("DeidentificationMethod")
_METHOD_CODES = tag_of("DeidentificationMethodCodeSequence")
_TEMPORAL = tag_of("LongitudinalTemporalInformationModified")
_BURNED_IN = tag_of("BurnedInAnnotation")
_CODE_VALUE = tag_of("CodeValue")
_FEATURES = tag_of("RecognizableVisualFeatures")
_CLEAN_PIXELS, _CLEAN_FEATURES = b"113101", b"113102"
_TEMPORAL_VALUES = frozenset({b"UNMODIFIED", b"MODIFIED", b"REMOVED"})


def missing_markers(data_set: DataSet) -> Iterator[Residual]:
    """The markers that a data set lacks or that say something else; nothing where all are there."""
    if _value(data_set, _REMOVED) != b"YES":
        yield Residual(Defect.MARKER, tag_text(_REMOVED))
    methods = _value(data_set, _METHOD).lower().split(b"\\")
    if not any(OWN_METHOD.fullmatch(method.strip()) for method in methods):
        yield Residual(Defect.MARKER, tag_text(_METHOD))
    codes = data_set.first(_METHOD_CODES)
    if codes is None or not codes.items:
        yield Residual(Defect.MARKER, tag_text(_METHOD_CODES))
    if _value(data_set, _TEMPORAL) not in _TEMPORAL_VALUES:
        yield Residual(Defect.MARKER, tag_text(_TEMPORAL))
    if _value(data_set, _BURNED_IN) and not (claims_clean_pixels(data_set) and _has_code(data_set, _CLEAN_PIXELS)):
        yield Residual(Defect.MARKER, tag_text(_BURNED_IN))
    if _value(data_set, _FEATURES) and not (claims_no_face(data_set) and _has_code(data_set, _CLEAN_FEATURES)):
        yield Residual(Defect.MARKER, tag_text(_FEATURES))


def claims_clean_pixels(data_set: DataSet) -> bool:
    """Whether an instance says that there is no burned-in text in it, as only one that was proven may."""
    return _value(data_set, _BURNED_IN) == b"NO"


def claims_no_face(data_set: DataSet) -> bool:
    """Whether an instance says that nobody can be recognized in it, as only one that was proven may."""
    return _value(data_set, _FEATURES) == b"NO"


def _has_code(data_set: DataSet, code: bytes) -> bool:
    codes = data_set.first(_METHOD_CODES)
    items = () if codes is None else codes.items or ()
    return any(
        element.tag == _CODE_VALUE and data_set.raw(element).strip(b" \0") == code
        for one in items
        for element in one.elements
    )


def _value(data_set: DataSet, tag: int) -> bytes:
    element = data_set.first(tag)
    return b"" if element is None else data_set.raw(element).strip(b" \0")
