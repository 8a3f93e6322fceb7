"""What happens to each element of a header.

The law: every element gets a decision, and an element that nobody judged safe is removed. The order is: the profile's
own rules, Table E.1-1 as the options change it, then the rules for what the table does not list.

Sources: DICOM PS3.15 2026d E.1-1, E.2, E.3, (c) NEMA.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from curator.errors import RuleError
from curator.model.decision import Decision, ElementRef
from curator.model.identity import IdentifierKind
from curator.policy import structured, text
from curator.policy.element_rules import ElementRule, Vocabulary, first_decision, parse_kept, parse_rule
from curator.policy.identifiers import IdentifierRules, kind_of, parse_identifiers
from curator.policy.listed import Conflict, ListedRules, TypeOneRule, conflicts_of, decide_listed, undated_tags
from curator.policy.options import Option, OptionRules, chosen_options, parse_options, temporal_of
from curator.policy.private import RULES as PRIVATE_RULES
from curator.policy.private import SafePrivate, decide_private, parse_private
from curator.policy.recipe.lines import Recipe
from curator.policy.standard import MethodCode, StandardTables, load_standard
from curator.policy.undated import RULES as UNDATED_RULES
from curator.policy.undated import parse_undated
from curator.strict import Table, nearest, parse_toml, read_bytes

_FILES = ("options.toml", "unlisted.toml", "private.toml", "modified_dates.toml", "identifiers.toml", "identifiers.csv")
_LISTS = ("kept_text.csv", "kept_uids.csv", "kept_bulk.csv")
# Paths are the file's to choose; a hostile one may not fill the memory.
_MOST_REMEMBERED = 1 << 16
_ANY_PRIVATE = ElementRef(tag=0x00091001, vr="UN")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderPolicy:
    """A profile with its options, ready to decide.

    `digest` is the SHA-256 over every rule input, the profile's and options' names included, and is the same for the
    same rules on every machine. `methods` are the codes of what is truly applied, `temporal` the value of (0028,0303),
    `conflicts` the attributes about which the chosen options disagree. `stated` are further attributes that an output
    says of itself, by keyword, because an option was `proven` of it.
    """

    profile: str
    title: str
    options: tuple[str, ...]
    edition: str
    citation: str
    digest: str
    methods: tuple[MethodCode, ...]
    temporal: str
    conflicts: tuple[Conflict, ...]
    standard: StandardTables = field(repr=False)
    listed: ListedRules = field(repr=False)
    first_rules: tuple[ElementRule, ...] = field(repr=False)
    last_rules: tuple[ElementRule, ...] = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    private: SafePrivate = field(repr=False)
    identifiers: IdentifierRules = field(repr=False)
    chosen: tuple[Option, ...] = field(repr=False)
    recipe: Recipe | None = field(repr=False, default=None)
    content: structured.ContentRules | None = field(repr=False, default=None)
    proven: tuple[str, ...] = ()
    stated: Mapping[str, str] = field(default_factory=dict)
    remembered: dict[tuple[int, str, tuple[int, ...], str, str], Decision] = field(
        repr=False, compare=False, default_factory=dict
    )

    @property
    def cleans(self) -> bool:
        """Whether a chosen option cleans text, so that whoever carries the policy out needs a cleaner."""
        return self.content is not None


def load_header_policy(folder: Path, *, profile: str = "basic", options: Collection[str] = ()) -> HeaderPolicy:
    """The policy that `rules/` and the chosen options make.

    Raises:
        ConfigurationError: a rule file is missing or malformed.
        RuleError: the profile or an option is unknown, not available yet, or options exclude each other.
        IntegrityError: a table of the standard was altered.
    """
    known = {path.stem: path for path in sorted((folder / "profiles").glob("*.toml"))}
    if profile not in known:
        raise RuleError(f'profile "{profile}" is unknown{nearest(profile, known)}')
    profile_name = f"profiles/{profile}.toml"
    names = (profile_name, *(f"header/{name}" for name in (*_FILES, *_LISTS)))
    inputs = {name: read_bytes(folder / name, name=name) for name in names}
    standard = load_standard(folder / "header")
    option_rules = parse_options(inputs["header/options.toml"], name="header/options.toml")
    chosen = chosen_options(option_rules, options)
    applied = tuple(option.name for option in chosen)
    content = None
    if any(option.cleaning for option in chosen):
        content = structured.load_content_rules(folder, option_rules=option_rules, options=applied)
        inputs |= {name: read_bytes(folder / name, name=name) for name in (*structured.FILES, *text.FILES)}
    written = parse_toml(inputs[profile_name], name=profile_name)
    first_rules, type_one = _profile(written, option_rules)
    last_rules, vocabulary = _unlisted(inputs, option_rules)
    undated = parse_undated(inputs[UNDATED_RULES], wanted=undated_tags(standard))
    listed = ListedRules(standard, option_rules, applied, type_one, undated)
    return HeaderPolicy(
        profile=profile,
        title=written.get("title", str),
        options=applied,
        edition=standard.edition,
        citation=standard.citation,
        digest=_digest(inputs, standard, profile=profile, options=applied),
        methods=tuple(standard.methods[name] for name in (written.get("method", str), *_claimed(chosen, ()))),
        temporal=temporal_of(chosen),
        conflicts=conflicts_of(listed),
        standard=standard,
        listed=listed,
        first_rules=first_rules,
        last_rules=last_rules,
        vocabulary=vocabulary,
        private=parse_private(inputs[PRIVATE_RULES], standard.safe_private, options=option_rules.options),
        identifiers=parse_identifiers(inputs["header/identifiers.toml"], inputs["header/identifiers.csv"]),
        chosen=chosen,
        content=content,
    )


def proven_of(policy: HeaderPolicy, option: str) -> HeaderPolicy:
    """The policy for an instance of which a `verified` option was proven: its code is claimed, what it states stated.

    Raises:
        RuleError: the policy was not asked for such an option.
    """
    wanted = next((one for one in policy.chosen if one.name == option and one.verified), None)
    if wanted is None:
        raise RuleError(f'option "{option}" was not chosen, or is claimed without a proof')
    proven = tuple(one.name for one in policy.chosen if one.name in (*policy.proven, option))
    codes = (policy.standard.methods[name] for name in _claimed(policy.chosen, proven))
    return replace(
        policy, methods=(policy.methods[0], *codes), proven=proven, stated={**policy.stated, **wanted.verified}
    )


def _claimed(chosen: Sequence[Option], proven: Collection[str]) -> Iterator[str]:
    """The options whose codes an output claims: all but those that have to be proven and were not."""
    return (one.name for one in chosen if not one.verified or one.name in proven)


def decide(policy: HeaderPolicy, element: ElementRef) -> Decision:
    """What happens to an element, and by which rule. Every element has a decision."""
    if element.is_private and (element.private_creator, element.group) not in policy.private.creators:
        # No rule tells these apart, so one answer stands for all.
        element = _ANY_PRIVATE
    typed = element.tag in policy.listed.typed_tags
    # Only where the Type matters do the exact path and the SOP Class; elsewhere, whether there is a path.
    path = element.path if typed else element.path[:1]
    key = (element.tag, element.vr, path, element.sop_class_uid if typed else "", element.private_creator)
    decision = policy.remembered.get(key)
    if decision is None:
        if len(policy.remembered) >= _MOST_REMEMBERED:
            policy.remembered.clear()
        decision = policy.remembered[key] = _judged(policy, element)
    return decision


def identifier_kind(policy: HeaderPolicy, element: ElementRef) -> IdentifierKind | None:
    """How to search for the element's source value in what is written; None where it may survive there.

    UIDs under the standard's own root come back as `UID` too: they name kinds of things, and the caller skips them.
    """
    if policy.content is not None and policy.content.keeps_uid(element.tag):
        return None
    return kind_of(policy.identifiers, element, decide(policy, element))


def _judged(policy: HeaderPolicy, element: ElementRef) -> Decision:
    if element.is_private:
        safe = decide_private(policy.private, element, policy.vocabulary, options=policy.options)
        if safe is not None:
            return safe
    defined_vr = policy.standard.vrs.find(element.tag) or ""
    agrees = policy.vocabulary.agrees(element.vr, defined_vr)
    decision = first_decision(
        policy.first_rules, element, defined_vr, vr_agrees=agrees, options=policy.options
    ) or decide_listed(policy.listed, element)
    if decision is None:
        decision = first_decision(policy.last_rules, element, defined_vr, vr_agrees=agrees, options=policy.options)
    if decision is None:
        raise RuleError("header/unlisted.toml: its last rule must fit every element")
    return decision


def _profile(document: Table, option_rules: OptionRules) -> tuple[tuple[ElementRule, ...], TypeOneRule]:
    document.only(("rule",), required=("title", "method", "type_1"))
    rules = tuple(parse_rule(table, lists={}, options=option_rules.options) for table in document.tables("rule"))
    type_one = document.table("type_1")
    type_one.only(required=("id", "why", "source", "sequence_why", "example"))
    return rules, TypeOneRule(*(type_one.get(key, str) for key in ("id", "why", "sequence_why")))


def _unlisted(inputs: Mapping[str, bytes], option_rules: OptionRules) -> tuple[tuple[ElementRule, ...], Vocabulary]:
    document = parse_toml(inputs["header/unlisted.toml"], name="header/unlisted.toml")
    document.only(required=("rule", "vr_families"))
    lists = {name: parse_kept(inputs[f"header/{name}"], name=f"header/{name}") for name in _LISTS}
    rules = tuple(parse_rule(table, lists=lists, options=option_rules.options) for table in document.tables("rule"))
    families = (
        frozenset(Table(document.name, {"vr_families": family}).texts("vr_families"))
        for family in document.get("vr_families", list)
    )
    return rules, Vocabulary(tuple(families))


def _digest(inputs: Mapping[str, bytes], standard: StandardTables, *, profile: str, options: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(inputs.items()):
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    digest.update(f"standard {standard.digest}\nprofile {profile}\noptions {' '.join(options)}\n".encode())
    return digest.hexdigest()
