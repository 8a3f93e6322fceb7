"""Each example of each header and gate rule is a test."""

import pytest

from curator.bundled import bundled_folder
from curator.policy.examples import run_examples
from curator.policy.outcomes import ExampleOutcome

OUTCOMES = tuple(run_examples(bundled_folder("rules")))


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: f"{outcome.rule_id}-{outcome.number}")
def test_example(outcome: ExampleOutcome) -> None:
    assert outcome.actual == outcome.expected, outcome.decided_by


def test_every_rule_decides_one_of_its_examples() -> None:
    rules = {(outcome.where, outcome.rule_id) for outcome in OUTCOMES}
    assert rules == {(outcome.where, outcome.rule_id) for outcome in OUTCOMES if outcome.is_own}
