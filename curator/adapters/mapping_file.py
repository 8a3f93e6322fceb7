"""A site's own list of codes: a CSV file with the columns PatientID, IssuerOfPatientID, code.

The law: the list is as sensitive as a key and is kept like one; one person has one code and one code is of one person.
No error quotes a cell, for each of them may be a patient's. People are compared as `curator.identity.pseudonyms` says,
the issuer with them: a row without an issuer is for those without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from curator.adapters.keyfile import read_private, refuse_placement
from curator.errors import ConfigurationError
from curator.identity.pseudonyms import normalized_id, normalized_subject
from curator.model.identity import SubjectKey
from curator.policy.csv_tables import cells_of

_NAME = "the mapping file"
_COLUMNS = ["PatientID", "IssuerOfPatientID", "code"]
# It becomes a folder's name and a value of VR LO.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_mapping(path: Path, *, forbidden: Iterable[Path]) -> dict[SubjectKey, str]:
    """The codes by person as compared; none for a header alone.

    Raises:
        KeyPlacementError: it lies where data may leave, or in a git checkout.
        KeyMaterialError: it is missing, or others can read it.
        ConfigurationError: it has other columns, a code that cannot stand in an output, or somebody twice.
    """
    refuse_placement(path, forbidden=forbidden)
    lines = cells_of(read_private(path, name=_NAME).removeprefix(_BYTE_ORDER_MARK), name=_NAME)
    if next(lines, (0, [""]))[1] != _COLUMNS:
        raise ConfigurationError(f"{_NAME}: the first line must be {','.join(_COLUMNS)}")
    codes: dict[SubjectKey, str] = {}
    seen: set[str] = set()
    for line, cells in lines:
        if len(cells) != len(_COLUMNS):
            raise ConfigurationError(f"{_NAME}, line {line}: {len(cells)} cells, the header has {len(_COLUMNS)}")
        patient_id, issuer, code = cells
        subject = normalized_subject(SubjectKey(patient_id, issuer))
        if not subject.patient_id:
            raise ConfigurationError(f"{_NAME}, line {line}: the PatientID is empty")
        if _CODE.fullmatch(code) is None:
            raise ConfigurationError(f"{_NAME}, line {line}: a code is 1 to 64 letters, digits, hyphens or underscores")
        if normalized_id(code) == subject.patient_id:
            raise ConfigurationError(f"{_NAME}, line {line}: the code is the PatientID itself")
        if subject in codes:
            raise ConfigurationError(f"{_NAME}, line {line}: the person stands there twice")
        if code.casefold() in seen:
            raise ConfigurationError(f"{_NAME}, line {line}: the code stands there twice")
        codes[subject] = code
        seen.add(code.casefold())
    return codes
