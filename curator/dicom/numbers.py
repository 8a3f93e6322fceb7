"""What the binary numbers of an element say.

The law: bytes that make no whole number are none; nothing is read beyond a bound.

Sources: DICOM PS3.5 6.2.
"""

from __future__ import annotations

import struct

_FORMS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
NUMBER_VRS = frozenset(_FORMS)
_MOST = 64


def numbers_of(raw: bytes, vr: str, order: str) -> tuple[int | float, ...]:
    """The first 64 numbers of a value in a byte order of struct's; () for an empty one.

    Raises:
        KeyError: the VR holds no binary numbers.
    """
    form = _FORMS[vr]
    count = min(len(raw) // struct.calcsize(form), _MOST)
    return struct.unpack_from(f"{order}{count}{form}", raw)
