"""The VR that an element was meant to have.

Converters that do not know an attribute write it as UN; its bytes are then what the dictionary's VR says.

Sources: DICOM PS3.5 6.2.2 (UN); CP-246 (UN of undefined length is a sequence in implicit VR little endian).
"""

from __future__ import annotations

from curator.dicom.dictionary import dictionary_vr
from curator.dicom.elements import Element
from curator.dicom.syntax import TransferSyntax


def meant_vr(element: Element, syntax: TransferSyntax) -> str:
    """The VR to judge an element by: as written, but for UN the dictionary's.

    UN stays for what the dictionary does not know, for a sequence whose items nobody parsed, and in big endian, where
    the byte order of an unknown value is unknown too.
    """
    if element.items is not None:
        return "SQ"
    if element.vr != "UN" or syntax.order == ">":
        return element.vr
    vr = dictionary_vr(element.tag)
    return "UN" if vr == "SQ" else vr
