"""The shipped meanings of codes are pydicom's, every one of them."""

from __future__ import annotations

from generate_concepts import concepts_csv

from curator.bundled import bundled_folder
from curator.deid.headers.codes import standard_meaning


def test_the_table_is_what_the_generator_gives() -> None:
    # Read as text: a checkout may end lines as its system does.
    shipped = (bundled_folder("rules") / "header" / "concepts.csv").read_text(encoding="utf-8")
    assert shipped == concepts_csv().decode("utf-8")


def test_a_code_means_what_the_standard_says_and_an_unknown_one_nothing() -> None:
    assert standard_meaning("DCM", "113100") == "Basic Application Confidentiality Profile"
    assert standard_meaning("UCUM", "mm") == "mm"
    assert standard_meaning("99SITE", "113100") is None
