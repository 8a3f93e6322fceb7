"""Free text: what stays is useful, what goes is everybody."""

from __future__ import annotations

import random
import re
import string
import subprocess
import sys
import time
import unicodedata
from dataclasses import replace
from itertools import product

import pytest
from cleaning_samples import born, clean, cleaner, name, number, own
from hypothesis import given
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.deid.text.analyzer import make_cleaner
from curator.deid.text.cleaner import LONGEST
from curator.deid.text.own_values import is_one_edit_apart
from curator.errors import ConfigurationError
from curator.identity.search import found_in, needles_of
from curator.model.identity import Identifier, IdentifierKind
from curator.policy.text import load_text_rules

# Descriptions of real scanners (the shared vendor data and pydicom's files) and what stays of them.
USEFUL = {
    "3D Ax T1 MP-RAGE_R22": "3D Ax T1 MP-RAGE_R22",
    "t1_vibe_fs_tra_bh_dyn": "t1_vibe_fs_tra_bh_dyn",
    "CT, HEAD/BRAIN WO CONTRAST": "CT, HEAD/BRAIN WO CONTRAST",
    "Thorax^1HEAD_NECK_PETCT": "Thorax^1HEAD_NECK_PETCT",
    "B Ax T1 +C": "B Ax T1 +C",
    "5/5mm Plain": "5/5mm Plain",
    "MRT oberes Abdomen": "MRT oberes Abdomen",
    "Axial EPI-FMRI (Interleaved I to S)": "Axial EPI-FMRI (Interleaved I to S)",
    "XR C Spine Comp Min 4 Views": "XR C Spine Comp Min 4 Views",
    "頭部 造影 CT": "頭部 造影 CT",
    "Schädel nativ": "Schädel nativ",
    "Cheng test": "test",
    "194": "",
    "^^^^": "",
}
STRANGERS = (
    "Mustermann", "Zwetschge", "O'Flannery", "Nguyen", "Szczepański", "Иванова", "山田太郎", "김철수", "Παπαδόπουλος",
    "Cheng", "McDonald", "Anneliese-Marie", "van den Berg", "hucheng", "St. Gallen Kantonsspital",
)  # fmt: skip
DATES = (
    "3.12.2024", "03/12/24", "2024-12-03", "20241203", "20241203143500", "3 Dec 2024", "December 3rd, 2024",
    "3. Mai 2024", "le 3 août 2024", "3dec2024", "14:35", "2:35 pm", "03 12 24", "1957",
)  # fmt: skip


@pytest.mark.parametrize("text", USEFUL)
def test_X02_technical_text_stays(text: str) -> None:
    assert clean(text) == USEFUL[text]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_X02_a_name_that_no_list_knows_does_not_stay(stranger: str) -> None:
    for text in (f"CT head {stranger}", f"{stranger} T1 axial", stranger, f"ax_{stranger}_t2", stranger.upper()):
        left = clean(text)
        assert not any(
            part.casefold() in left.casefold().split() for part in re.split(r"\W+", stranger) if len(part) > 3
        )


@pytest.mark.parametrize("date", DATES)
def test_T06_dates_in_text_go(date: str) -> None:
    left = clean(f"MRI brain {date} axial")
    assert re.sub(r"\s+", " ", left) in ("MRI brain axial", "MRI brain", "MRI axial")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("head scan by Dr. Hand today", "Hand"),
        ("Herr Hals, T1", "Hals"),
        ("Tech: Hand, Left", "Left"),
        ("call 0711 555 0199 head", "0711"),
        ("mail head.ct@clinic.example head", "ct@"),
        (r"from \\pacs\head\ct stored", "pacs"),
        ("node 10.1.2.30 head", "10.1"),
        ("12 Long Head Street brain", "Head"),
        ("MRN: 123 brain", "123"),
        ("H24-1234 brain", "1234"),
        ("series 1.2.840.113619.2.5 copy", "840"),
        ("93 years old brain", "93"),
    ],
)
def test_X02_recognizers_take_allowed_words_too(text: str, gone: str) -> None:
    assert gone not in clean(text)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("axial HEAD scan", name("Head^Anna")),
        ("axial Неаd scan", name("Head^Anna")),
        ("axial h e a d scan", name("Head^Anna")),
        ("spinal scan", name("Spinel^X")),
        ("knee left", name("Left^Knee")),
        ("liver li t2", name("Li^Wu")),
        ("mass of 4 711 mm", number("4711")),
        ("CT T1AX3", number("T1-AX-3")),
        ("scan 12 3 57 brain", born("19570312")),
        ("Müller brain", name("Mueller^A")),
        ("brain n.a. scan", name("n.a.")),
    ],
)
def test_X03_own_values_go_in_any_spelling(text: str, identifier: Identifier) -> None:
    left = clean(text, identifier)
    assert left != clean(text) or clean(text) != text
    assert not found_in(needles_of([identifier]), left.encode())
    assert not own(identifier).spans(left)


WORDS = st.sampled_from(sorted(load_text_rules(bundled_folder("rules")).words))
NAMES = st.one_of(
    st.text(string.ascii_letters, min_size=2, max_size=12),
    st.text("абвгдежзиклмнопрстуфхцчшщыэюя", min_size=3, max_size=10),
    st.text("äöüßéèçñłøå" + string.ascii_lowercase, min_size=3, max_size=10),
    st.text("山田太郎王李김이박", min_size=2, max_size=4),
    WORDS,
)
MANGLES = (
    str.upper,
    str.lower,
    str.title,
    lambda text: text.replace("o", "0").replace("l", "1"),
    lambda text: text.replace("a", "а").replace("e", "е"),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text),
    lambda text: "\u200b".join(text),
)


@given(
    family=NAMES,
    given_name=NAMES,
    record=st.from_regex(r"[A-Z]{0,2}-?[0-9]{3,9}", fullmatch=True),
    mangle=st.sampled_from(MANGLES),
    around=st.lists(WORDS, min_size=0, max_size=6),
    order=st.randoms(use_true_random=False),
    glue=st.sampled_from((" ", "_", "^", ", ", "-", "\n", "")),
)
def test_X03_law_the_persons_own_values_never_survive(
    family: str, given_name: str, record: str, mangle: object, around: list[str], order: random.Random, glue: str
) -> None:
    identifiers = [name(f"{family}^{given_name}"), number(record), born("19570312")]
    assert callable(mangle)
    words = [*around, mangle(family), mangle(given_name), record, "12.03.1957", f"{given_name}{glue}{family}"]
    order.shuffle(words)
    left = clean(glue.join(words) if glue else " ".join(words), *identifiers)
    assert not found_in(needles_of(identifiers), left.encode("utf-8", "surrogatepass"))
    assert not own(*identifiers).spans(left)


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.one_of(WORDS, NAMES, st.sampled_from(DATES), st.from_regex(r"\d{1,4}", fullmatch=True)), max_size=12
    ).map(" ".join),
    st.text("aT1 2.-_/\\(),x0\n", max_size=40),
)


@given(TEXTS)
def test_law_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text, name("Head^Anna"), number("4711"))
    assert clean(once, name("Head^Anna"), number("4711")) == once


@given(TEXTS)
def test_law_what_stays_was_there_in_this_order(text: str) -> None:
    characters = iter(text)
    assert all(one in characters for one in clean(text) if one.isalnum())


@pytest.mark.parametrize(
    "text",
    [
        "head scan without contrast, seen 12.3.2024 by Dr. Hand. " * 3500,
        "a" * 150_000,
        "1 " * 90_000,
        "1." * 90_000,
        "a@" * 90_000,
        "(" * 150_000,
        "\\\\x" * 60_000,
        "Dr. " * 45_000,
        "12 Head " * 20_000,
        ("word " * 4 + "street ") * 6_000,
    ],
    ids=lambda text: text[:8],
)
def test_X05_very_long_text_takes_bounded_time(text: str) -> None:
    started = time.process_time()
    left = clean(text, name("Hand^Anna"), number("4711"))
    assert time.process_time() - started < 6
    assert len(left) <= len(text)


def test_X05_what_nobody_can_judge_is_dropped() -> None:
    assert clean("head " * LONGEST) == ""


def test_X05_control_characters_do_not_stay() -> None:
    assert clean("head\x00scan\x1b") == "head scan"
    assert clean("he\u200bad scan\u202e") == "head scan"
    assert clean("first line\r\nsecond\tline\x0b") == "first line\nsecond\tline"


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_one_edit_is_what_brute_force_says(one: str, other: str) -> None:
    edits = {one}
    for place in range(len(one) + 1):
        edits |= {one[:place] + letter + one[place:] for letter in "abc"}
        if place < len(one):
            edits.add(one[:place] + one[place + 1 :])
            edits |= {one[:place] + letter + one[place + 1 :] for letter in "abc"}
        if place + 1 < len(one):
            edits.add(one[:place] + one[place + 1] + one[place] + one[place + 2 :])
    assert is_one_edit_apart(one, other) is (other in edits)


@given(st.lists(st.integers(0, 9999), min_size=3, max_size=9))
def test_X03_law_no_uid_survives_whatever_its_length(parts: list[int]) -> None:
    uid = Identifier(IdentifierKind.UID, ".".join(map(str, (1, *parts))))
    left = clean(f"head {uid.value} scan of series {uid.value}", uid)
    assert not found_in(needles_of([uid]), left.encode())


def test_allowed_words_stay_alone_and_their_list_is_folded_once() -> None:
    rules = load_text_rules(bundled_folder("rules"))
    assert len(rules.words) > 1500
    for word in rules.words:
        assert rules.allows(word) is not None
        assert rules.allows(word.upper()) is not None


def test_words_made_of_random_letters_go() -> None:
    dice = random.Random(7)
    words = ["".join(dice.choices(string.ascii_lowercase, k=dice.randint(6, 12))) for _ in range(300)]
    allowed = load_text_rules(bundled_folder("rules")).words
    assert all(clean(f"head {word}") == "head" for word in words if word not in allowed)


def test_a_model_that_is_not_installed_is_refused_and_never_downloaded() -> None:
    rules = replace(load_text_rules(bundled_folder("rules")), model="en_core_web_lg_not_here")
    with pytest.raises(ConfigurationError, match="is not installed"):
        make_cleaner(rules)
    with pytest.raises(ConfigurationError, match="knows no"):
        make_cleaner(replace(rules, model="", language="zz"))


def test_findings_count_reasons_and_hold_no_words() -> None:
    cleaned = cleaner().clean("MRI Zwetschge 3.12.2024 head", own=own(name("Head^A")))
    assert set(cleaned.findings) == {"own-value", "not-allowed", "text/date-numeric"}
    assert "Zwetschge" not in repr(cleaned)


@pytest.mark.parametrize("module", ["curator.jobs.release.work", "curator.cli.deid"])
def test_nothing_loads_the_text_engine_unasked(module: str) -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import {module}, sys; print([n for n in ('spacy', 'presidio_analyzer') if n in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"


def test_every_mangling_is_recognised() -> None:
    for mangle, word in product(MANGLES, ("pelvis", "collar")):
        assert word not in clean(f"ct {mangle(word)} t1", name(f"{word}^Xaver")).casefold()
