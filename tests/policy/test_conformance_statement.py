"""The conformance statement says what the policy does: held against its decisions and against what is written."""

from __future__ import annotations

import re

import pytest

from curator.bundled import bundled_folder
from curator.model.decision import Action, ElementRef
from curator.policy.explain import conformance
from curator.policy.header import decide, load_header_policy
from curator.policy.standard import PRIVATE_ROW

OPTIONS = [(), ("retain-uids",), ("retain-long-modified-dates", "retain-patient-characteristics")]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "basic")
def test_O05_every_row_stands_under_what_the_policy_decides(options: tuple[str, ...]) -> None:
    policy = load_header_policy(bundled_folder("rules"), options=options)
    statement = conformance(policy)
    listed: dict[str, set[str]] = {}
    for line in statement.splitlines():
        found = re.fullmatch(r"- (kept|removed|emptied|replaced by a [^:]+|moved[^:]*): (.*)", line)
        if found:
            for name in found[2].split(", "):
                listed.setdefault(name, set()).add(found[1])
    said = {Action.REMOVE: "removed", Action.EMPTY: "emptied", Action.DUMMY: "replaced by a stand-in"}
    checked = 0
    for row in policy.standard.rows.values():
        tag = 0x00091001 if row.tag == PRIVATE_ROW else int(row.tag.replace("x", "0"), 16)
        action = decide(policy, ElementRef(tag, row.vr or "UN")).action
        if action in said:
            assert said[action] in listed[row.keyword or row.tag], row.tag
            checked += 1
    assert checked > 400


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "basic")
def test_O05_the_statement_has_all_that_the_standard_asks_for(options: tuple[str, ...]) -> None:
    """PS3.15 E.1.3: what is removed, replaced, inserted; how stand-ins are made; integrity; options; restrictions."""
    policy = load_header_policy(bundled_folder("rules"), options=options)
    statement = conformance(policy)
    assert (
        re.findall(r"^## (.*)$", statement, re.MULTILINE)[:7]
        == [
            "Claimed, and written to De-identification Method Code Sequence (0012,0064)",
            "Attributes of the table",
            "Attributes outside the table",
            *([] if "## Private" not in statement else ["Private attributes"]),
            "Attributes inserted or replaced at the top level",
            "How stand-ins are made",
            "Referential integrity",
            "Restrictions",
        ][:7]
    )
    assert policy.digest in statement
    assert policy.edition in statement
    claimed = statement.partition("## Attributes of the table")[0]
    assert set(re.findall(r"^- (\d+) DCM", claimed, re.MULTILINE)) == {one.code_value for one in policy.methods}
    assert f"is {policy.temporal}" in statement


def test_O05_what_has_to_be_proven_of_an_instance_is_not_claimed_of_all() -> None:
    statement = conformance(load_header_policy(bundled_folder("rules"), options=("clean-pixel-data",)))
    claimed, _, restrictions = statement.partition("## Attributes of the table")
    assert "113101" not in claimed
    assert "- BurnedInAnnotation: NO, in instances of which it was proven" in statement
    assert "113101 DCM Clean Pixel Data Option (E.3.1) and BurnedInAnnotation NO stand only in" in restrictions


def test_O05_what_is_said_of_faces_depends_on_the_option() -> None:
    face = "clean-recognizable-visual-features"
    chosen = conformance(load_header_policy(bundled_folder("rules"), options=(face,)))
    claimed, _, restrictions = chosen.partition("## Attributes of the table")
    assert "113102" not in claimed
    assert "- RecognizableVisualFeatures: NO, in instances of which it was proven" in chosen
    assert "RecognizableVisualFeatures NO stand only in instances that were proven so" in restrictions
    plain = conformance(load_header_policy(bundled_folder("rules")))
    assert f"- Option `{face}` is not chosen" in plain
    assert "neither 113102 nor RecognizableVisualFeatures NO is claimed" in plain
