"""One name for each maker of devices, whatever its software wrote under Manufacturer.

The law: which spelling belongs to which maker is in `rules/vendors/vendors.toml`, not here; a name that no rule knows
stays itself, so nothing is put under a wrong maker by resemblance.

Sources: DICOM PS3.3 C.7.5.1 (Manufacturer is free text); Unicode 3.13 (compatibility caseless matching).
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.bundled import bundled_folder
from curator.catalog.spelling import nearest_known
from curator.errors import RuleError

UNKNOWN = "unknown"
_RULE_KEYS = frozenset({"id", "vendor", "why", "source", "begins", "is", "examples"})
_FILE_KEYS = frozenset({"schema", "legal_forms", "rule"})
_SCHEMA = 1
_INITIAL = re.compile(r"\b(\w)\.(?=\w\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRule:
    """One maker and the words its names begin with (`begins`) or consist of (`is_exactly`), folded."""

    id: str
    vendor: str
    why: str
    source: str
    begins: tuple[str, ...]
    is_exactly: tuple[str, ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VendorNames:
    """All rules together; `by_words` and `by_start` lead from folded words to the maker."""

    rules: tuple[VendorRule, ...]
    legal_forms: frozenset[str]
    by_words: Mapping[tuple[str, ...], str]
    by_start: Mapping[tuple[str, ...], str]

    def vendor(self, manufacturer: str) -> str:
        """The maker behind a Manufacturer value; `unknown` for none, the tidied value itself where no rule knows it.

        A rule for the whole name wins over one for its beginning, and a longer beginning over a shorter one.
        """
        words = fold(manufacturer)
        while len(words) > 1 and words[-1] in self.legal_forms:
            words = words[:-1]
        if not words:
            return UNKNOWN
        if words in self.by_words:
            return self.by_words[words]
        for length in range(len(words), 0, -1):
            if words[:length] in self.by_start:
                return self.by_start[words[:length]]
        return " ".join(word.capitalize() for word in words)


def fold(name: str) -> tuple[str, ...]:
    """The words of a name without case, accents and punctuation; single letters with dots are one word (`G.E.`)."""
    once = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", name).casefold())
    plain = _INITIAL.sub(r"\1", unicodedata.normalize("NFKD", once.casefold()))
    letters = (one if one.isalnum() else " " for one in plain if not unicodedata.combining(one))
    return tuple("".join(letters).split())


@functools.cache
def bundled_vendor_names() -> VendorNames:
    """The rules that ship with this copy of the engine.

    Raises:
        RuleError: the file is not as it should be.
    """
    return load_vendor_names(bundled_folder("rules") / "vendors" / "vendors.toml")


def load_vendor_names(path: Path) -> VendorNames:
    """The rules of one file.

    Raises:
        RuleError: it cannot be read, has an unknown or missing key, two rules claim one name, or an example does not
            give the vendor of its rule.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"the vendor rules cannot be read: {type(error).__name__}") from error
    _require_keys(content, _FILE_KEYS, "the vendor rules")
    if content["schema"] != _SCHEMA:
        raise RuleError(f"the vendor rules have a schema other than {_SCHEMA}")
    legal_forms = frozenset(word for form in content["legal_forms"] for word in fold(form))
    names = _index(tuple(_rule(entry) for entry in content["rule"]), legal_forms)
    for rule in names.rules:
        for example in rule.examples:
            if names.vendor(example) != rule.vendor:
                raise RuleError(f"{rule.id}: the example {example!r} gives {names.vendor(example)!r}")
    return names


def _rule(entry: Mapping[str, Any]) -> VendorRule:
    _require_keys(entry, _RULE_KEYS, str(entry.get("id", "a vendor rule")), optional=frozenset({"is", "begins"}))
    rule = VendorRule(
        id=entry["id"],
        vendor=entry["vendor"],
        why=entry["why"],
        source=entry["source"],
        begins=tuple(entry.get("begins", ())),
        is_exactly=tuple(entry.get("is", ())),
        examples=tuple(entry["examples"]),
    )
    if not rule.examples or not rule.begins + rule.is_exactly:
        raise RuleError(f"{rule.id}: a vendor rule needs a name and an example")
    return rule


def _index(rules: tuple[VendorRule, ...], legal_forms: frozenset[str]) -> VendorNames:
    by_words: dict[tuple[str, ...], str] = {}
    by_start: dict[tuple[str, ...], str] = {}
    ids: set[str] = set()
    for rule in rules:
        if rule.id in ids:
            raise RuleError(f"{rule.id}: two vendor rules have this id")
        ids.add(rule.id)
        for phrases, index in ((rule.is_exactly, by_words), (rule.begins, by_start)):
            for phrase in phrases:
                words = fold(phrase)
                if not words or words in index:
                    raise RuleError(f"{rule.id}: {phrase!r} is empty or claimed twice")
                index[words] = rule.vendor
    return VendorNames(rules, legal_forms, by_words, by_start)


def _require_keys(
    entry: Mapping[str, Any], known: frozenset[str], where: str, *, optional: frozenset[str] = frozenset()
) -> None:
    for key in entry:
        if key not in known:
            raise RuleError(f"{where}: unknown key {key!r}; {nearest_known(key, known)}")
    missing = sorted(known - optional - entry.keys())
    if missing:
        raise RuleError(f"{where}: the key {missing[0]!r} is missing")
