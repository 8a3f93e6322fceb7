"""The Type of an attribute in the IOD it stands in, and what a compound action code becomes by it.

The law: of the actions a code allows, the most protective one that leaves the object valid; where the Type is not
known, one that would be valid for any Type.

Sources: DICOM PS3.15 E.1-1a (compound codes); PS3.5 7.4 (Types); PS3.3.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from curator.policy.csv_tables import parse_csv
from curator.policy.tags import tag_of

# From the most demanding to the least: what is valid for one is valid for all after it.
STRICTEST_FIRST = ("1", "1C", "2", "2C", "3")
UNKNOWN = ""
# The order in which each Type likes the parts of a compound code.
_PREFERRED = {
    "1": "DZX",
    # What is required only under a condition may be absent, but may not be present and empty.
    "1C": "DXZ",
    "2": "ZDX",
    "2C": "ZDX",
    "3": "XZD",
    UNKNOWN: "DZX",
}


@dataclass(frozen=True, slots=True)
class AttributeTypes:
    """Types by (SOP Class, tag, path), and by the sequence alone where the exact path is not listed.

    `top_level` has the SOP Classes whose top level is listed whole: what is absent there is no part of the IOD.
    """

    exact: dict[tuple[str, int, tuple[int, ...]], str]
    within: dict[tuple[int, int], str]
    top_level: frozenset[str]

    def find(self, sop_class_uid: str, tag: int, path: tuple[int, ...]) -> str:
        """The Type, "1" to "3"; `UNKNOWN` where the tables do not say.

        An attribute that a known IOD does not list at its top level is an extension, and so optional. One inside
        sequences is looked up at ever shorter paths, then as the strictest Type it has anywhere in the innermost one.
        """
        for start in range(max(len(path), 1)):
            found = self.exact.get((sop_class_uid, tag, path[start:]))
            if found is not None:
                return found
        if not path:
            return "3" if sop_class_uid in self.top_level else UNKNOWN
        return self.within.get((path[-1], tag), UNKNOWN)


def attribute_types(types: bytes, class_sets: bytes) -> AttributeTypes:
    """The types as their two tables give them.

    Raises:
        ConfigurationError: a table is malformed.
    """
    sets = {
        row["set"]: row["sop_classes"].split()
        for row in parse_csv(class_sets, name="header/iod_class_sets.csv", columns=("set", "sop_classes"))
    }
    exact: dict[tuple[str, int, tuple[int, ...]], str] = {}
    within: dict[tuple[int, int], list[str]] = defaultdict(list)
    top_level: set[str] = set()
    for row in parse_csv(types, name="header/iod_types.csv", columns=("tag", "path", "type", "set")):
        tag = tag_of(row["tag"], where=row.name)
        path = tuple(tag_of(part, where=row.name) for part in row["path"].split("/") if part)
        for sop_class in sets[row.one_of("set", sets)]:
            exact[sop_class, tag, path] = row["type"]
            if not path:
                top_level.add(sop_class)
        if path:
            within[path[-1], tag].append(row["type"])
    strictest = {key: min(found, key=STRICTEST_FIRST.index) for key, found in within.items()}
    return AttributeTypes(exact, strictest, frozenset(top_level))


def part_for_type(code: str, attribute_type: str) -> str:
    """The part of a code such as "X/Z/D" that suits a Type: "X", "Z" or "D"; a single code is itself."""
    parts = code.split("/")
    if len(parts) == 1:
        return code
    return next(letter for letter in _PREFERRED[attribute_type] if letter in parts)
