"""How far dates may move, and that they move no further."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.errors import ConfigurationError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.model.identity import SubjectKey
from curator.model.keys import Key
from curator.policy.dates import longest_shift_weeks, shift_range_days

RULES = bundled_folder("rules")
SECRET = bytes(range(32))
PSEUDONYMS = Pseudonyms(Key(key_id_of(SECRET), "release", SECRET))
RULE = '[[rule]]\nid = "a"\nwhy = "w"\nsource = "s"\nexample = []\nlongest_weeks = 2\n'


def folder_with(folder: Path, text: str) -> Path:
    (folder / "header").mkdir()
    (folder / "header" / "dates.toml").write_text(text)
    return folder


def test_the_range_that_ships_is_ten_years_of_whole_weeks() -> None:
    assert longest_shift_weeks(RULES) == 521
    assert shift_range_days(RULES) == (7, 3647)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=16))
def test_no_shift_leaves_the_range(patient_id: str) -> None:
    shortest, longest = shift_range_days(RULES)
    assert shortest <= PSEUDONYMS.date_shift_days(SubjectKey(patient_id), longest_weeks=longest // 7) <= longest


def test_both_ends_of_the_range_are_used(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    weeks = longest_shift_weeks(folder)
    shifts = {PSEUDONYMS.date_shift_days(SubjectKey(str(number)), longest_weeks=weeks) for number in range(64)}
    assert (min(shifts), max(shifts)) == shift_range_days(folder) == (7, 14)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs the key 'rule'"),
        ("rule = []", "must stand there once, not 0 times"),
        (RULE + RULE, "must stand there once, not 2 times"),
        (RULE.replace("longest_weeks", "longest_week"), "has no key 'longest_week'; did you mean 'longest_weeks'"),
        (RULE.replace("= 2", "= 0"), "longest_weeks: must be between 1 and 5200"),
        (RULE.replace("= 2", "= 5201"), "longest_weeks: must be between 1 and 5200"),
        (RULE.replace("= 2", "= true"), "longest_weeks: must be of type int"),
        (RULE.replace("= 2", "= 2.0"), "longest_weeks: must be of type int"),
    ],
)
def test_a_malformed_file_of_dates_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        longest_shift_weeks(folder_with(tmp_path, text))
    assert said in str(caught.value)
    assert "header/dates.toml" in str(caught.value)
