"""What a recipe makes of one file: decisions that stand before the policy's.

The law: lines are carried out in their order, as the deid package does, with KEEP before all but ADD and nothing
removed that a later line replaces. What the engine itself answers for (the identity of an instance, its UIDs, the
markers of de-identification) and what would let a person be named is never the recipe's to keep.

Sources: the deid package's documentation of action priority.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from curator.dicom.dictionary import dictionary_vr, tag_of
from curator.dicom.elements import DataSet
from curator.dicom.private import block_of, is_creator, is_private
from curator.model.decision import Action, Decision
from curator.policy.recipe.bounds import OWN, TEMPORAL_VRS, UNTOUCHED, added_vr, is_never_kept, tag_named
from curator.policy.recipe.expand import Field, Matcher, field_at, fields_of
from curator.policy.recipe.groups import grouped_fields, grouped_values, values_in
from curator.policy.recipe.lines import FieldExpression, FieldKind, Recipe, RecipeAction, RecipeLine
from curator.policy.recipe.values import fits

# The bytes of text cannot be read without it.
_CHARACTER_SET = tag_of("SpecificCharacterSet")
_TAG_LENGTH = len("(gggg,eeee)")
_GROUPS = (FieldKind.VALUES, FieldKind.FIELDS)


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a recipe decides about a file: by where an element starts, and by tag what is added at the top level.

    `keeps_dates` and `moves_dates` say that it does so with one date at least.
    """

    decisions: Mapping[int, Decision]
    added: Mapping[int, Decision]
    keeps_dates: bool = False
    moves_dates: bool = False


NOTHING = Overlay({}, {})


@dataclass(slots=True)
class _State:
    """What the lines so far made of an element."""

    line: RecipeLine
    is_kept: bool = False
    is_removed: bool = False
    is_blank: bool = False
    is_new_uid: bool = False
    literal: str = ""
    days: int = 0


def overlay_of(recipe: Recipe, data_set: DataSet, *, named: Collection[int]) -> Overlay:
    """The recipe's decisions about a file; `named` are the tags of identifiers that no recipe may keep."""
    run = _Run(recipe, data_set)
    for line in recipe.lines:
        run.apply(line)
    decisions: dict[int, Decision] = {}
    added: dict[int, Decision] = {}
    dates: set[Action] = set()
    for one, state in run.judged():
        decision = _decision(one, state, named)
        if decision is None or one.tag == _CHARACTER_SET or (one.tag in OWN and not one.path):
            continue
        if one.number >= 0:
            decisions[one.number] = decision
        elif decision.action is not Action.REMOVE:
            added[one.tag] = decision
        if one.vr in TEMPORAL_VRS:
            dates.add(decision.action)
    for number, line in run.creators(decisions):
        decisions.setdefault(number, Decision(Action.KEEP, line.rule_id, line.why))
    return Overlay(
        decisions, added, keeps_dates=Action.KEEP in dates, moves_dates=not dates.isdisjoint((Action.SHIFT, Action.SET))
    )


class _Run:
    """One pass of the lines over one file."""

    def __init__(self, recipe: Recipe, data_set: DataSet) -> None:
        self._data_set = data_set
        self._matcher = _matcher(recipe)
        self._named: defaultdict[FieldExpression, list[int]] = defaultdict(list)
        everything = fields_of(data_set)
        for one in everything:
            self._name(one)
        kept = dict(_kept(recipe.lines, everything, self._named))
        self._live = {one.number: one for one in everything if one.number not in kept and one.tag not in UNTOUCHED}
        self._everything = {one.number: one for one in everything}
        self._states: dict[int, _State] = {
            number: _State(line, is_kept=True) for number, line in kept.items() if line is not None
        }
        live = tuple(self._live.values())
        self._fields = {name: grouped_fields(lines, live) for name, lines in recipe.groups(FieldKind.FIELDS).items()}
        self._values = {
            name: grouped_values(lines, live, data_set) for name, lines in recipe.groups(FieldKind.VALUES).items()
        }
        later = [line for line in recipe.lines if line.action in (RecipeAction.JITTER, RecipeAction.REPLACE)]
        self._spared = frozenset(number for line in later for number in self._named.get(line.expression, ()))

    def judged(self) -> Iterator[tuple[Field, _State]]:
        """Every element that a line changed or kept."""
        for number, state in self._states.items():
            yield self._everything[number], state

    def creators(self, decisions: Mapping[int, Decision]) -> list[tuple[int, RecipeLine]]:
        """The creators without which private elements that stay would belong to nobody, with the lines that say so."""
        owners = {
            (one.place.removesuffix(one.place[-_TAG_LENGTH:]), one.tag): number
            for number, one in self._everything.items()
            if is_creator(one.tag)
        }
        found = []
        for number, decision in decisions.items():
            one = self._everything[number]
            owner = owners.get((one.place.removesuffix(one.place[-_TAG_LENGTH:]), block_of(one.tag)))
            if is_private(one.tag) and decision.action is not Action.REMOVE and owner is not None:
                found.append((owner, self._states[number].line))
        return found

    def apply(self, line: RecipeLine) -> None:
        """Carry one line out."""
        match line.action:
            case RecipeAction.ADD:
                self._add(line)
            case RecipeAction.REMOVE:
                for one in self._meant(line):
                    if one.number not in self._spared:
                        self._drop_inside(one)
                        self._live.pop(one.number, None)
                        self._state(one, line).is_removed = True
            case RecipeAction.BLANK:
                for one in self._meant(line):
                    self._drop_inside(one)
                    self._states[one.number] = _State(line, is_blank=True)
            case RecipeAction.REPLACE if line.days is None:
                for one in self._meant(line):
                    self._states[one.number] = _State(line, literal=line.value, is_new_uid=line.is_new_uid)
            case RecipeAction.JITTER | RecipeAction.REPLACE:
                for one in self._meant(line):
                    self._move(one, line)

    def _meant(self, line: RecipeLine) -> list[Field]:
        expression = line.expression
        if expression.kind is FieldKind.FIELDS:
            numbers = self._fields.get(expression.operand, frozenset())
            return [one for one in self._live.values() if one.number in numbers]
        if expression.kind is FieldKind.VALUES:
            wanted = self._values.get(expression.operand, frozenset())
            return [one for one in self._live.values() if self._holds(one, wanted)]
        return [self._live[number] for number in self._named.get(expression, ()) if number in self._live]

    def _name(self, one: Field) -> None:
        for expression in self._matcher.meaning(one):
            self._named[expression].append(one.number)

    def _holds(self, one: Field, wanted: Collection[str]) -> bool:
        state = self._states.get(one.number)
        said: Sequence[str] = values_in(one, self._data_set)
        if state is not None and (state.literal or state.is_blank):
            said = (state.literal,)
        return any(value in text.lower() for text in said for value in wanted)

    def _state(self, one: Field, line: RecipeLine) -> _State:
        state = self._states.setdefault(one.number, _State(line))
        state.line = line
        return state

    def _move(self, one: Field, line: RecipeLine) -> None:
        state = self._states.get(one.number)
        if one.vr in TEMPORAL_VRS and not (state is not None and state.is_blank):
            self._state(one, line).days += line.days or 0

    def _add(self, line: RecipeLine) -> None:
        tag = tag_named(line.expression.operand)
        if tag is None:
            return
        there = next((one for one in self._live.values() if one.tag == tag and not one.path), None)
        if there is None:
            there = field_at(tag, added_vr(tag), number=-tag)
            self._live[there.number] = self._everything[there.number] = there
            self._name(there)
        self._states[there.number] = _State(line, literal=line.value)

    def _drop_inside(self, sequence: Field) -> None:
        """What is inside a sequence goes with it and is nobody's to change."""
        if not sequence.is_sequence:
            return
        for one in [one for one in self._live.values() if one.is_inside(sequence)]:
            del self._live[one.number]
            self._states.pop(one.number, None)


@lru_cache(maxsize=8)
def _matcher(recipe: Recipe) -> Matcher:
    return Matcher(line.expression for line in recipe.lines if line.expression.kind not in _GROUPS)


def _kept(
    lines: Sequence[RecipeLine], fields: Sequence[Field], named: Mapping[FieldExpression, Sequence[int]]
) -> Iterator[tuple[int, RecipeLine | None]]:
    """What no line but ADD may change: what is kept with the line that says so, and with None what is inside it."""
    kept: dict[int, RecipeLine] = {}
    for line in lines:
        if line.action is RecipeAction.KEEP:
            for number in named.get(line.expression, ()):
                kept.setdefault(number, line)
    if not kept:
        return
    around: list[Field] = []
    top: dict[int, RecipeLine] = {}
    for one in fields:
        said = kept.get(one.number) or top.get(one.tag)
        if said is not None:
            if not one.path:
                top[one.tag] = said
            if one.is_sequence:
                around.append(one)
            yield one.number, said
        elif one.path and any(one.is_inside(outer) for outer in around):
            yield one.number, None


def _decision(one: Field, state: _State, named: Collection[int]) -> Decision | None:
    """What the lines come to; None where the policy's own decision stands."""
    line = state.line
    if state.is_removed:
        return Decision(Action.REMOVE, line.rule_id, line.why)
    if state.is_kept:
        return None if is_never_kept(one.tag, one.vr, named) else Decision(Action.KEEP, line.rule_id, line.why)
    if state.is_blank:
        return Decision(Action.EMPTY, line.rule_id, line.why)
    if state.is_new_uid:
        # Where a UID has no place, a stand-in keeps the original out as well.
        action = Action.REPLACE_UID if one.vr == "UI" else Action.DUMMY
        return Decision(action, line.rule_id, line.why)
    if state.literal:
        if "UI" in (one.vr, dictionary_vr(one.tag)):
            return None
        if not fits(state.literal, one.vr):
            return Decision(Action.EMPTY, line.rule_id, f"{line.why}, which {one.vr} cannot hold")
        days = state.days or None
        return Decision(Action.SET, line.rule_id, line.why, value=state.literal, days=days)
    if state.days:
        return Decision(Action.SHIFT, line.rule_id, line.why, days=state.days)
    return None
