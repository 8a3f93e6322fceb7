"""What a de-identified instance says about its de-identification.

Sources: DICOM PS3.15 E.1.1 (Patient Identity Removed, De-identification Method), E.2, E.3.6 (Longitudinal Temporal
Information Modified); PS3.16 CID 7050.
"""

from __future__ import annotations

from curator import __version__
from curator.dicom.dictionary import dictionary_vr, tag_of
from curator.dicom.encode import element, item
from curator.dicom.syntax import TransferSyntax
from curator.policy.header import HeaderPolicy
from curator.policy.standard import MethodCode

# Our own root: the UUID-derived UID of this program's name, fixed for all versions.
IMPLEMENTATION_CLASS_UID = "2.25.176371623884904211934838418211353123417"
IMPLEMENTATION = (IMPLEMENTATION_CLASS_UID, f"CURATOR_{__version__}"[:16])
_DIGEST_SHOWN = 12


def marker_elements(policy: HeaderPolicy, syntax: TransferSyntax) -> dict[int, bytes]:
    """The elements that every output carries, encoded for `syntax`, by tag."""
    method = f"curator {__version__}; {policy.profile}; PS3.15 {policy.edition}; {policy.digest[:_DIGEST_SHOWN]}"
    texts = {
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": method,
        "LongitudinalTemporalInformationModified": policy.temporal,
    }
    encoded = {tag_of(name): _element(name, text.encode("ascii"), syntax) for name, text in texts.items()}
    items = b"".join(_code_item(code, syntax) for code in policy.methods)
    name = "DeidentificationMethodCodeSequence"
    return {**encoded, tag_of(name): _element(name, items, syntax)}


def _code_item(code: MethodCode, syntax: TransferSyntax) -> bytes:
    fields = {
        "CodeValue": code.code_value,
        "CodingSchemeDesignator": code.coding_scheme,
        "CodeMeaning": code.code_meaning,
    }
    return item((_element(name, text.encode("ascii"), syntax) for name, text in fields.items()), order=syntax.order)


def _element(name: str, value: bytes, syntax: TransferSyntax) -> bytes:
    tag = tag_of(name)
    return element(tag, dictionary_vr(tag), value, explicit=syntax.explicit, order=syntax.order)
