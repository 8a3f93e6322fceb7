"""A process makes one policy of the same rules, and another as soon as they say something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from curator.bundled import bundled_folder
from curator.errors import RuleError
from curator.policy.recipe.laid import load_policy


def test_the_same_rules_and_choices_give_the_same_object() -> None:
    rules = bundled_folder("rules")
    assert load_policy(rules, options=["retain-uids"]) is load_policy(rules, options=("retain-uids",))
    assert load_policy(rules, options=["retain-uids"]) is not load_policy(rules)


def test_rules_that_are_edited_give_another_policy(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(bundled_folder("rules"), rules)
    before = load_policy(rules)
    profile = rules / "profiles" / "basic.toml"
    status = profile.stat()
    text = profile.read_text()
    profile.write_text(text.replace("title = ", "title  =", 1))
    assert profile.stat().st_size == status.st_size
    after = load_policy(rules)
    assert after.digest != before.digest


def test_a_choice_that_is_refused_is_refused_again() -> None:
    for _ in range(2):
        with pytest.raises(RuleError, match="unknown"):
            load_policy(bundled_folder("rules"), profile="basik")
