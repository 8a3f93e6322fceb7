"""The README's figure: drawn from a summary's numbers, small, self-contained."""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_samples import full_summary

SCRIPT = Path(__file__).parents[2] / ".github" / "readme_figure.py"
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="the figure's script stays in the checkout")


def drawn(summary: object) -> str:
    return runpy.run_path(str(SCRIPT))["picture"](json.loads(json.dumps(summary.to_json())))


def test_the_numbers_are_the_summary_s() -> None:
    summary = full_summary()
    words = " ".join(ElementTree.fromstring(drawn(summary)).itertext())
    release = summary.release
    for count in (release.files_in, release.released, release.held_count, summary.dataset.items):
        assert f"{count:,}" in words
    for group in summary.evaluation.groups[:3]:
        assert group.label in words and f"{group.dice_mean:.2f}" in words
    assert "of 3,120 planted identifiers survived" in words


def test_rare_reasons_are_added_up_not_dropped() -> None:
    reasons = runpy.run_path(str(SCRIPT))["held_by_reason"](full_summary().to_json()["release"])
    assert len(reasons) == 9
    assert sum(count for _, count in reasons) == full_summary().release.held_count


@pytest.mark.parametrize("missing", [(), ("rehearsal",), ("dataset", "agreement"), ("evaluation",), ("agreement",)])
def test_it_is_small_and_loads_nothing(missing: tuple[str, ...]) -> None:
    picture = drawn(replace(full_summary(), **dict.fromkeys(missing)))
    tree = ElementTree.fromstring(picture)
    assert len(picture) < 60_000
    assert not any("href" in name or name == "src" for each in tree.iter() for name in each.attrib)
    assert "url(" not in picture and "@import" not in picture and "prefers-color-scheme: dark" in picture
