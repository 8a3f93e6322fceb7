"""Writes the meanings of codes that ship as `rules/header/concepts.csv`.

Run as `python tests/rules/generate_concepts.py rules/header/concepts.csv`. The law: the same pydicom gives the same
bytes. A table of its own because pydicom's is a module whose import takes 200 MB and most of a second, in every worker.

Sources: DICOM PS3.16 and the schemes it refers to, through pydicom's concept dictionary.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from pydicom.sr._concepts_dict import concepts

COLUMNS = ("scheme", "value", "meaning")


def concepts_csv() -> bytes:
    """The table, sorted by scheme and value."""
    meanings = {
        (scheme, value): meaning
        for scheme, keywords in concepts.items()
        for codes in keywords.values()
        for value, (meaning, _) in codes.items()
    }
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*key, meanings[key]) for key in sorted(meanings))
    return stream.getvalue().encode("utf-8")


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(concepts_csv())
