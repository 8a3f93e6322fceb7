"""One name for each maker of devices, whatever its software wrote under Manufacturer.

The law: which spelling belongs to which maker is in `rules/vendors/vendors.toml`, not here; a name that no rule knows
stays itself, so nothing is put under a wrong maker by resemblance.

Sources: DICOM PS3.3 C.7.5.1 (Manufacturer is free text); Unicode 3.13 (compatibility caseless matching).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError
from curator.strict import Table, read_toml

UNKNOWN = "unknown"
_RULE_KEYS = frozenset({"id", "vendor", "why", "source", "begins", "is", "example"})
_FILE_KEYS = frozenset({"format", "legal_forms", "rule"})
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
        ConfigurationError: the file is not as it should be.
    """
    return load_vendor_names(bundled_folder("rules") / "vendors" / "vendors.toml")


def load_vendor_names(path: Path) -> VendorNames:
    """The rules of one file.

    Raises:
        ConfigurationError: it cannot be read, has an unknown or missing key, two rules claim one name, or an example
            does not give the vendor of its rule.
    """
    content = read_toml(path, name=path.name)
    content.only(_FILE_KEYS)
    content.number("format", least=1, most=1)
    legal_forms = frozenset(word for form in content.texts("legal_forms") for word in fold(form))
    names = _index(tuple(_rule(table) for table in content.tables("rule")), legal_forms)
    for rule in names.rules:
        for example in rule.examples:
            if names.vendor(example) != rule.vendor:
                raise ConfigurationError(f"{rule.id}: the example {example!r} gives {names.vendor(example)!r}")
    return names


def _rule(table: Table) -> VendorRule:
    table.only(_RULE_KEYS)
    rule = VendorRule(
        id=table.get("id", str),
        vendor=table.get("vendor", str),
        why=table.get("why", str),
        source=table.get("source", str),
        begins=table.texts("begins"),
        is_exactly=table.texts("is"),
        examples=table.texts("example"),
    )
    if not rule.examples or not rule.begins + rule.is_exactly:
        raise ConfigurationError(f"{rule.id}: a vendor rule needs a name and an example")
    return rule


def _index(rules: tuple[VendorRule, ...], legal_forms: frozenset[str]) -> VendorNames:
    by_words: dict[tuple[str, ...], str] = {}
    by_start: dict[tuple[str, ...], str] = {}
    ids: set[str] = set()
    for rule in rules:
        if rule.id in ids:
            raise ConfigurationError(f"{rule.id}: two vendor rules have this id")
        ids.add(rule.id)
        for phrases, index in ((rule.is_exactly, by_words), (rule.begins, by_start)):
            for phrase in phrases:
                words = fold(phrase)
                if not words or words in index:
                    raise ConfigurationError(f"{rule.id}: {phrase!r} is empty or claimed twice")
                index[words] = rule.vendor
    return VendorNames(rules, legal_forms, by_words, by_start)
