"""What becomes of texts found in pixels: allowed ones stay, everything else goes, and values of the patient always."""

import dataclasses
import shutil
import string
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.deid.pixels.areas import covered
from curator.deid.pixels.judge import judge
from curator.deid.pixels.likeness import Likeness, similarity_percent
from curator.deid.pixels.lines import lines_of, rows_of
from curator.deid.text.analyzer import engine_of
from curator.deid.text.cleaner import Found
from curator.deid.text.engine import load_find
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.errors import ConfigurationError
from curator.model.identity import Identifier, IdentifierKind
from curator.model.pixels import Box, Judged, Route, Sighting, Verdict
from curator.policy.pixels.rules import load_pixel_rules
from curator.policy.text import load_text_rules

RULES = load_pixel_rules(bundled_folder("rules"))
FOLDING = Folding(RULES.confusables)
ROWS, COLUMNS = 480, 640
NOBODY = OwnValues((), FOLDING)


def person(*values: str, kind: IdentifierKind = IdentifierKind.PERSON_NAME) -> OwnValues:
    return OwnValues([Identifier(kind, value) for value in values], FOLDING)


def seen(
    text: str,
    left: int = 100,
    top: int = 100,
    *,
    confidence: float = 0.95,
    size: int = 16,
    frames: tuple[int, ...] | None = None,
) -> Sighting:
    width = max(size * len(text) * 6 // 10, 4)
    return Sighting(Box(top, left, top + size, left + width), text, confidence, Route.DETECTED, frames)


def judged(*sightings: Sighting, own: OwnValues = NOBODY) -> tuple[Judged, ...]:
    return judge(sightings, own=own, rules=RULES, rows=ROWS, columns=COLUMNS)


def verdicts(*sightings: Sighting, own: OwnValues = NOBODY) -> list[Verdict]:
    return [one.verdict for one in judged(*sightings, own=own)]


def beside(texts: Sequence[str], *, gap: int = 4, size: int = 16) -> list[Sighting]:
    """Texts in one line, `gap` pixels apart."""
    found: list[Sighting] = []
    left = 20
    for text in texts:
        found.append(seen(text, left, size=size))
        left = found[-1].box.right + gap
    return found


STAYS = [
    *("L", "R", "LT", "rt", "RIGHT", "AP", "PA", "LAT", "LMLO", "R CC", "AP/LAT", "PA ERECT", "L AP"),
    *("kV 120", "120 kV", "mA 250", "mAs: 3.2", "MI 1.2", "TIS 0.4", "TIB<0.4", "MI 1.2 TIS 0.4", "CTDIvol 12.3 mGy"),
    *("10 cm", "10cm", "15.0 cm", "60 fps", "25 Hz", "5.0 MHz", "-60 dB", "100%", "cm/s", "HU", "2D", "5", "15", "-40"),
    *("H", " R. ", "Depth 16.0 cm", "FR 60Hz", "TR 500 ms, TE 12 ms", "R, L AP | 10 cm", "Gain 50 %", "PWR 100%"),
]
GOES = [
    *("", " ", "?", "--", "Anna", "MUELLER", "Lang", "PAUL", "ALI", "A L I", "RAL", "LEE", "Dr. R", "Mr. L", "L. Rose"),
    *("12.03.1945", "12/03/45", "1945", "12 03 45", "05", "007", "93", "12:30", "12h30", "12 30", "12-03", "20240312"),
    *("12:30:05", "03.12.", "Mar 12", "12 MAR 2024", "4711", "123456", "ID 12", "MRN 4711", "45 y", "45Y", "70 kg"),
    *("45 M", "M 45", "1945 cm", "12 min", "2 h", "1.2.3", "10.1.2.30", "SW1A 1AA", "L1", "R2D2", "10 cm Anna"),
    *("General Hospital", "kV 120 Meier", "\u212aV 120", "\u0661\u0662 cm", "L\u0301", "A+B", "#12", "1O cm Li"),
]


@pytest.mark.parametrize("text", STAYS)
def test_what_says_how_an_image_was_made_stays(text: str) -> None:
    assert verdicts(seen(text)) == [Verdict.KEEP]


@pytest.mark.parametrize("text", GOES)
def test_everything_else_goes(text: str) -> None:
    assert verdicts(seen(text)) == [Verdict.REDACT]


@settings(deadline=None)
@given(st.text(alphabet=string.digits + " .:/-", min_size=1, max_size=12))
def test_digits_stay_only_as_marks_of_a_scale(text: str) -> None:
    if verdicts(seen(text)) == [Verdict.KEEP]:
        assert int(text.strip(" .,:;|")) in {*range(-29, 30), *range(-80, 90, 10)}


@settings(deadline=None)
@given(st.text(max_size=20))
def test_what_stays_consists_of_known_words_and_short_numbers(text: str) -> None:
    if verdicts(seen(text)) == [Verdict.KEEP]:
        assert text.isascii() or text.strip().isascii()
        assert max(map(len, "".join(c if c.isdigit() else " " for c in text).split()), default=0) <= 3


@pytest.mark.parametrize("part", ["MI 1 mm ", "kV ,", "L ", "AP L,", "12 cm2 "])
def test_a_text_that_could_be_read_in_many_ways_is_soon_judged(part: str) -> None:
    text = part * (200 // len(part))
    assert verdicts(seen(text, size=4)) == [Verdict.KEEP]
    assert verdicts(seen(text[:190] + "Q", size=4)) == [Verdict.REDACT]


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.79, float("nan")])
def test_what_is_not_surely_read_goes(confidence: float) -> None:
    assert verdicts(seen("L", confidence=confidence), seen("R", 400)) == [Verdict.REDACT, Verdict.KEEP]


def test_what_lies_outside_the_frame_is_not_judged_and_nothing_gives_nothing() -> None:
    assert judged() == ()
    assert judged(dataclasses.replace(seen("Anna"), box=Box(-30, 5, 0, 40))) == ()


def test_boxes_that_go_are_grown_and_clipped_and_those_that_stay_are_not() -> None:
    sightings = (
        dataclasses.replace(seen("Anna"), box=Box(-5, 600, 35, 700)),
        dataclasses.replace(seen("R"), box=Box(200, 0, 240, 20)),
    )
    assert [one.box for one in judged(*sightings)] == [Box(0, 600, 35, 640), Box(200, 0, 240, 20)]
    wider = dataclasses.replace(RULES, judging=dataclasses.replace(RULES.judging, margin_share=0.1))
    cut, kept = judge(sightings, own=NOBODY, rules=wider, rows=ROWS, columns=COLUMNS)
    assert (cut.box, kept.box) == (Box(0, 596, 39, 640), Box(200, 0, 240, 20))


def test_a_verdict_names_its_rule() -> None:
    own = person("Lao^Wei")
    texts = {
        "L": "pixel-text/laterality",
        "Anna": "pixels/not-allowed",
        "?": "pixels/unreadable",
        "LAO": "pixels/own-value",
    }
    texts["40 30 20"] = "pixels/not-allowed"
    for text, rule_id in texts.items():
        assert [one.rule_id for one in judged(seen(text), own=own)] == [rule_id]
    assert [one.rule_id for one in judged(*beside(["L", "Anna"]))] == ["pixels/same-line", "pixels/not-allowed"]
    assert [one.rule_id for one in judged(seen("L", confidence=0.6))] == ["pixels/unsure"]


# --- values of the patient -------------------------------------------------------------------------------------------

NAMES = [
    "Lao",
    "Lat",
    "Left",
    "Wright",
    "Depp",
    "Gain",
    "Erect",
    "Prone",
    "Frey",
    "Trey",
    "Zoom",
    "Freq",
    "Thick",
    "Bern",
]
ALIKE = ["0OoQ", "1Il|!7", "5S$", "8B6", "2Z", "9gq", "4A"]
PAIRS = [("rn", "m"), ("cl", "d"), ("vv", "w"), ("m", "rn"), ("d", "cl"), ("w", "vv")]
letters = st.sampled_from(string.ascii_letters + string.digits)


@st.composite
def misread(draw: st.DrawFn, value: str) -> str:
    """The value with at most one letter taken for another, wrong, missing, doubled or swapped."""
    at = draw(st.integers(0, len(value) - 1))
    choices = [
        value,
        value[:at] + value[at + 1 :],
        value[:at] + draw(letters) + value[at:],
        value[:at] + draw(letters) + value[at + 1 :],
    ]
    choices += [value[:at] + value[at : at + 2][::-1] + value[at + 2 :], value.upper(), value.lower()]
    choices += [value[:at] + one + value[at + 1 :] for alike in ALIKE if value[at] in alike for one in alike]
    choices += [value.replace(pair, one, 1) for pair, one in PAIRS if pair in value]
    return draw(st.sampled_from(choices))


@settings(deadline=None, max_examples=400)
@given(data=st.data(), value=st.one_of(st.sampled_from(NAMES), st.from_regex(r"[A-Za-z]{3,9}", fullmatch=True)))
def test_a_name_with_one_letter_misread_never_stays(data: st.DataObject, value: str) -> None:
    text = data.draw(misread(value))
    assert verdicts(seen(text), own=person(f"{value}^Xaver")) == [Verdict.REDACT]
    assert verdicts(seen(f"10 cm {text}"), own=person(f"{value}^Xaver")) == [Verdict.REDACT]


@settings(deadline=None, max_examples=300)
@given(data=st.data(), text=st.sampled_from([text.strip() for text in STAYS]))
def test_an_allowed_text_goes_where_a_value_of_the_patient_is_one_letter_apart(data: st.DataObject, text: str) -> None:
    run = "".join(character for character in text if character.isalnum())
    value = data.draw(misread(run))
    kind = data.draw(st.sampled_from([IdentifierKind.PERSON_NAME, IdentifierKind.ID]))
    if len(run) >= 4 and len(value) >= 4:
        assert verdicts(seen(text), own=person(value, kind=kind)) == [Verdict.REDACT]


@settings(deadline=None)
@given(data=st.data(), value=st.from_regex(r"[0-9A-Z]{3,10}", fullmatch=True))
def test_a_number_with_one_digit_misread_never_stays(data: st.DataObject, value: str) -> None:
    text = data.draw(misread(value))
    assert verdicts(seen(text), own=person(value, kind=IdentifierKind.ID)) == [Verdict.REDACT]


@pytest.mark.parametrize(
    ("value", "text"),
    [("Bern", "Bem"), ("Bern", "Berxn"), ("Claus", "daus"), ("Lou", "100"), ("Sil", "511"), ("Gian", "Gain")],
)
def test_confusions_that_readers_make_are_seen_through(value: str, text: str) -> None:
    assert Likeness(person(value), RULES).names(text)


def test_a_short_name_counts_whole_and_an_initial_does_not() -> None:
    assert verdicts(seen("PA"), own=person("Pa^Xaver")) == [Verdict.REDACT]
    assert verdicts(seen("L"), own=person("Li^Xaver")) == [Verdict.KEEP]


@pytest.mark.parametrize(
    ("one", "other", "percent"),
    [
        ("", "", 100.0),
        ("a", "", 0.0),
        ("abcd", "abcd", 100.0),
        ("abcd", "abxd", 75.0),
        ("abc", "axc", 200 / 3),
        ("ab", "ba", 50.0),
    ],
)
def test_similarity_is_what_two_words_have_in_common(one: str, other: str, percent: float) -> None:
    assert similarity_percent(one, other) == pytest.approx(percent)
    assert similarity_percent(other, one) == pytest.approx(percent)


# --- lines -----------------------------------------------------------------------------------------------------------

PARTS = ["L", "R", "A", "P", "S", "AP", "PA", "LT", "RT", "LAT", "MI", "TR", "2D"]


@settings(deadline=None, max_examples=300)
@given(
    parts=st.lists(st.sampled_from(PARTS), min_size=2, max_size=5),
    gap=st.integers(-4, 80),
    upright=st.booleans(),
    data=st.data(),
)
def test_a_name_that_was_cut_into_allowed_texts_goes(
    parts: list[str], gap: int, upright: bool, data: st.DataObject
) -> None:
    name = "".join(parts)
    boxes = beside(parts, gap=gap)
    if upright:
        gap = min(gap, 10)
        boxes = [seen(part, 50, 20 + place * (16 + gap)) for place, part in enumerate("".join(parts))]
    order = data.draw(st.permutations(boxes))
    if len(name) > 2:
        own = person(f"{name}^Xaver")
        kept = [one.text for one in boxes if judged(*order, own=own)[order.index(one)].verdict is Verdict.KEEP]
        assert not (kept and gap <= RULES.judging.line_gap * 16)
        assert not Likeness(own, RULES).names(" ".join(kept))


@settings(deadline=None)
@given(name=st.from_regex(r"[A-Z]{3,8}", fullmatch=True), cuts=st.sets(st.integers(1, 7)), gap=st.integers(-2, 20))
def test_where_a_line_is_cut_makes_no_value_stay(name: str, cuts: set[int], gap: int) -> None:
    edges = [0, *sorted(cut for cut in cuts if cut < len(name)), len(name)]
    parts = [name[start:end] for start, end in pairwise(edges)]
    assert set(verdicts(*beside(parts, gap=gap), own=person(f"{name}^Xaver"))) == {Verdict.REDACT}


def test_what_stands_beside_a_name_goes_and_what_stands_far_off_stays() -> None:
    near, far = beside(["L", "EE", "10 cm"]), beside(["L", "EE", "10 cm"], gap=60)
    assert verdicts(*near) == [Verdict.REDACT] * 3
    assert verdicts(*far) == [Verdict.KEEP, Verdict.REDACT, Verdict.KEEP]


def test_letters_that_touch_are_one_word() -> None:
    assert verdicts(*beside(["PA", "L"], gap=1)) == [Verdict.REDACT] * 2
    assert verdicts(*beside(["PA", "L"], gap=8)) == [Verdict.KEEP] * 2


def test_a_day_that_was_cut_apart_goes() -> None:
    assert set(verdicts(*beside(["12", "3", "20"], gap=60))) == {Verdict.REDACT}
    assert set(verdicts(*beside(["12", "3"], gap=8))) == {Verdict.REDACT}


def test_a_depth_scale_stays() -> None:
    marks = [seen(str(depth), 600, 20 + 45 * place) for place, depth in enumerate(range(0, 20, 2))]
    assert set(verdicts(*marks)) == {Verdict.KEEP}


def test_second_readings_of_one_place_count_once_and_the_worse_one_counts() -> None:
    assert verdicts(seen("5"), seen("5", 101, 101)) == [Verdict.KEEP] * 2
    assert verdicts(seen("10 cm"), seen("10 Uwe", 102)) == [Verdict.REDACT] * 2


@settings(deadline=None)
@given(data=st.data())
def test_the_order_of_sightings_decides_nothing_and_what_stays_names_nobody(data: st.DataObject) -> None:
    texts = data.draw(
        st.lists(st.sampled_from([*PARTS, "Anna", "Lee", "10 cm", "15", "12.3."]), min_size=2, max_size=7)
    )
    cells = data.draw(st.permutations([(20 + left, 20 + top) for left in (0, 30, 110, 200) for top in (0, 22, 80)]))
    sightings = [seen(text, *cell) for text, cell in zip(texts, cells, strict=False)]
    own = person("Lata^Ann")
    before = dict(zip(sightings, judged(*sightings, own=own), strict=True))
    shuffled = data.draw(st.permutations(sightings))
    assert dict(zip(shuffled, judged(*shuffled, own=own), strict=True)) == before
    kept = [one for one in sightings if before[one].verdict is Verdict.KEEP]
    for row in rows_of([one.box for one in kept]):
        assert not Likeness(own, RULES).names(" ".join(kept[place].text for place in row))


def test_what_is_seen_in_the_same_frame_is_judged_together() -> None:
    still, moving = seen("EE", 40), seen("L", 20, frames=(3,))
    assert verdicts(still, moving) == [Verdict.REDACT] * 2
    other = seen("EE", 40, frames=(4,))
    assert verdicts(other, moving) == [Verdict.REDACT, Verdict.KEEP]
    assert judged(other, moving)[0].frames == (4,)


# --- the review queue ------------------------------------------------------------------------------------------------


def test_much_of_a_frame_goes_to_review() -> None:
    half = dataclasses.replace(seen("Anna", frames=(1,)), box=Box(0, 0, ROWS // 2, COLUMNS))
    kept, other = seen("R", 600, 400), seen("Lee", 20, 20, frames=(2,))
    assert verdicts(half, kept, other) == [Verdict.REVIEW, Verdict.KEEP, Verdict.REDACT]
    assert judged(half)[0].rule_id == "pixels/much-of-the-frame"


def test_just_as_much_as_is_allowed_is_redacted() -> None:
    share = RULES.judging.largest_share
    box = Box(0, 0, round(ROWS * share) - 50, COLUMNS)
    assert verdicts(dataclasses.replace(seen("Anna"), box=box)) == [Verdict.REDACT]
    twice = dataclasses.replace(seen("Anna"), box=Box(0, 0, ROWS // 10, COLUMNS))
    assert verdicts(twice, twice) == [Verdict.REDACT] * 2


@pytest.mark.parametrize("text", ["", "lll", "L"])
def test_a_lone_doubt_goes_to_review(text: str) -> None:
    doubt = seen(text, confidence=0.2)
    assert verdicts(doubt) == [Verdict.REVIEW]
    assert judged(doubt)[0].rule_id == "pixels/lone-doubt"
    assert verdicts(doubt, dataclasses.replace(doubt, frames=(1, 2))) == [Verdict.REVIEW] * 2
    assert verdicts(doubt, seen("R", 400)) == [Verdict.REDACT, Verdict.KEEP]
    assert verdicts(doubt, seen("", 400, confidence=0.2)) == [Verdict.REDACT] * 2


boxes = st.lists(
    st.builds(lambda top, left, height, width: Box(top, left, top + height, left + width), *[st.integers(0, 30)] * 4),
    max_size=8,
)


@settings(deadline=None)
@given(boxes)
def test_covered_counts_each_pixel_once(found: list[Box]) -> None:
    pixels = {(y, x) for box in found for y in range(box.top, box.bottom) for x in range(box.left, box.right)}
    assert covered(found) == len(pixels)


@settings(deadline=None)
@given(found=boxes, gap=st.floats(0, 3))
def test_every_box_is_in_one_line_and_one_row(found: list[Box], gap: float) -> None:
    for groups in (lines_of(found, gap=gap), rows_of(found)):
        assert sorted(place for group in groups for place in group) == list(range(len(found)))


# --- the text engine -------------------------------------------------------------------------------------------------


def test_presidio_and_the_patterns_alone_judge_alike() -> None:
    find = engine_of(load_text_rules(bundled_folder("rules")))
    apart = [seen(text, 20 + 300 * (place % 2), 20 + 40 * (place // 2)) for place, text in enumerate([*STAYS, *GOES])]
    size = {"rows": 40 * len(apart), "columns": COLUMNS}
    with_engine = judge(apart, own=NOBODY, rules=RULES, find=find, **size)
    assert with_engine == judge(apart, own=NOBODY, rules=RULES, **size)
    assert {one.verdict for one in with_engine} == {Verdict.KEEP, Verdict.REDACT}


def test_an_engine_is_loaded_only_for_a_model_that_a_site_names(tmp_path: Path) -> None:
    assert load_find(bundled_folder("rules")) is None
    shutil.copytree(bundled_folder("rules") / "text", tmp_path / "text")
    engine = tmp_path / "text/engine.toml"
    engine.write_text(
        engine.read_text(encoding="utf-8").replace('model = ""', 'model = "no_such_model"'), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match="no_such_model"):
        load_find(tmp_path)


def test_what_an_engine_takes_for_a_name_goes() -> None:
    def find(text: str) -> tuple[Found, ...]:
        return (Found(0, len(text), "model/person"),) if "PA" in text else ()

    found = judge([seen("PA"), seen("AP", 300)], own=NOBODY, rules=RULES, rows=ROWS, columns=COLUMNS, find=find)
    assert [(one.verdict, one.rule_id) for one in found] == [
        (Verdict.REDACT, "model/person"),
        (Verdict.KEEP, "pixel-text/view"),
    ]
