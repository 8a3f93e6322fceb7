"""The acceptance rows on codes, UIDs and shifts that the key gives."""

from __future__ import annotations

import hashlib
import hmac
import math
import random
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.bundled import bundled_folder
from curator.identity import pseudonyms as module
from curator.identity.pseudonyms import Pseudonyms, is_uid, key_id_of, normalized_subject
from curator.model.identity import SubjectKey
from curator.model.keys import Key
from curator.policy.dates import shift_range_days

SECRET = bytes(range(32))
KEY = Key(key_id_of(SECRET), "release", SECRET)
ONE = Pseudonyms(KEY)
OTHER = Pseudonyms(Key(key_id_of(SECRET[::-1]), "release", SECRET[::-1]))
MANY = 100_000
GOLDEN: dict[str, Any] = {"patient": "7DZ5D75C13PQ", "centre": "8MKPRBGZTHK4", "shift": 3045}
WEEKS = shift_range_days(bundled_folder("rules"))[1] // 7


def _uids(originals: list[str]) -> list[str]:
    return [ONE.uid(original) for original in originals]


def test_I01_a_person_is_a_patient_id_within_its_issuer_the_same_in_every_process() -> None:
    people = [
        SubjectKey("4711"),
        SubjectKey("4711", "HOSPITAL A"),
        SubjectKey("4711", "HOSPITAL B"),
        SubjectKey("4712"),
    ]
    codes = [ONE.patient_code(person) for person in people]
    assert len(set(codes)) == 4
    assert [re.fullmatch(r"P-[0-9A-Z]{12}", code) is not None for code in codes] == [True] * 4
    script = (
        "from curator.identity.pseudonyms import Pseudonyms\nfrom curator.model.identity import SubjectKey\n"
        "from curator.model.keys import Key\n"
        f"p = Pseudonyms(Key({KEY.key_id!r}, 'release', bytes(range(32))))\n"
        f"print(*[p.patient_code(SubjectKey(*one)) for one in {[(one.patient_id, one.issuer) for one in people]!r}])"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.split() == codes


@pytest.mark.parametrize(
    ("spelling", "is_same"),
    [
        ("MRN 00123", True),
        (" MRN 00123 ", True),
        ("MRN 00123\0", True),
        ("MRN 00123 \0\0", True),
        ("mrn 00123", True),
        ("ＭＲＮ ００１２３", True),
        ("MRN00123", False),
        ("MRN  00123", False),
        ("MRN 123", False),
        ("MRN 00123\\X", False),
        ("MRN^00123", False),
        ("MRN-00123", False),
    ],
)
def test_I02_spellings_are_normalised_as_the_module_says(spelling: str, is_same: bool) -> None:
    plain = SubjectKey("MRN 00123")
    assert (ONE.patient_code(SubjectKey(spelling)) == ONE.patient_code(plain)) is is_same
    assert (normalized_subject(SubjectKey(spelling)) == normalized_subject(plain)) is is_same
    assert (
        ONE.date_shift_days(SubjectKey(spelling), longest_weeks=10**9)
        == ONE.date_shift_days(plain, longest_weeks=10**9)
    ) is is_same


def test_I02_the_rule_is_documented() -> None:
    said = " ".join((module.__doc__ or "").split())
    assert "NFKC, outer blanks and nulls removed, case folded" in said


@given(patient=st.text(max_size=20), issuer=st.text(max_size=10))
def test_I02_normalising_twice_is_normalising_once(patient: str, issuer: str) -> None:
    once = normalized_subject(SubjectKey(patient, issuer))
    assert normalized_subject(once) == once
    assert ONE.patient_code(once) == ONE.patient_code(SubjectKey(patient, issuer))


@given(original=st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,15})){1,5}", fullmatch=True))
def test_U03_a_replacement_is_a_valid_uid_of_128_bits_under_2_25(original: str) -> None:
    uid = ONE.uid(original)
    root, arc, number = uid.split(".")
    assert (root, arc) == ("2", "25") and str(int(number)) == number
    assert int(number) < 2**128 and len(uid) <= 44 and is_uid(uid)


def test_U04_a_hundred_thousand_uids_do_not_collide_and_workers_agree() -> None:
    originals = [f"1.2.826.0.1.3680043.8.498.{number}" for number in range(MANY)]
    uids = _uids(originals)
    assert len(set(uids)) == MANY
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_uids, [originals[:500], originals[-500:]]))
    assert parts == [uids[:500], uids[-500:]]


def test_U04_a_replacement_is_an_hmac_under_the_domains_own_secret() -> None:
    """An independent second carrying-out, from the words of the documentation."""

    def framed(*parts: bytes) -> bytes:
        return b"".join(len(part).to_bytes(8, "big") + part for part in parts)

    domain = hmac.new(SECRET, framed(b"domain", b"release"), hashlib.sha256).digest()
    digest = hmac.new(domain, framed(b"curator-pseudonym-1", b"uid", b"1.2.3.4"), hashlib.sha256).digest()
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | 8 << 76
    number = number & ~(3 << 62) | 2 << 62
    assert ONE.uid("1.2.3.4") == f"2.25.{number}"


def test_U04_replacements_say_nothing_of_the_originals_without_the_key() -> None:
    """Neighbours differ in half of the 122 free bits, each bit is as often 0 as 1, and the order is lost.

    The bounds are five standard deviations of what chance gives.
    """
    count = 20_000
    numbers = [int(ONE.uid(f"1.2.3.{number}").removeprefix("2.25.")) for number in range(count)]
    fixed = (0xF << 76) | (3 << 62)
    apart = [((a ^ b) & ~fixed).bit_count() for a, b in pairwise(numbers)]
    assert abs(sum(apart) / len(apart) - 61) < 5 * math.sqrt(122 / 4 / len(apart))
    for bit in range(128):
        if not fixed >> bit & 1:
            ones = sum(number >> bit & 1 for number in numbers)
            assert abs(ones - count / 2) < 5 * math.sqrt(count) / 2
    rising = sum(a < b for a, b in pairwise(numbers))
    assert abs(rising - count / 2) < 5 * math.sqrt(count) / 2
    shared = {OTHER.uid(f"1.2.3.{number}") for number in range(1000)} & {f"2.25.{number}" for number in numbers}
    assert shared == set()


def test_U05_a_reference_seen_before_its_target_is_the_targets_replacement() -> None:
    later = Pseudonyms(replace(KEY))
    assert ONE.uid("1.2.3.999") == later.uid("1.2.3.999")
    order = [f"1.2.3.{number}" for number in range(50)]
    shuffled = random.Random(7).sample(order, len(order))
    assert dict(zip(order, map(ONE.uid, order), strict=True)) == {one: later.uid(one) for one in sorted(shuffled)}


def test_T08_a_shift_is_never_zero_and_within_the_published_range() -> None:
    shortest, longest = shift_range_days(bundled_folder("rules"))
    shifts = [ONE.date_shift_days(SubjectKey(f"{number:06}"), longest_weeks=WEEKS) for number in range(20_000)]
    assert shortest == 7 and min(shifts) >= shortest and max(shifts) <= longest
    assert all(days % 7 == 0 for days in shifts)
    counts = Counter(shifts)
    expected = len(shifts) / WEEKS
    chi_square = sum((counts[7 * week] - expected) ** 2 / expected for week in range(1, WEEKS + 1))
    # Five standard deviations of a chi square with so many degrees of freedom.
    assert chi_square < WEEKS - 1 + 5 * math.sqrt(2 * (WEEKS - 1))


def test_T08_a_shift_does_not_follow_from_the_patient_id() -> None:
    """MD5 of the Patient ID modulo the range, the known-bad reference, agrees with ours as often as chance does."""
    people = [f"{number:06}" for number in range(20_000)]
    ours = [ONE.date_shift_days(SubjectKey(one), longest_weeks=WEEKS) // 7 - 1 for one in people]
    guesses = {
        "another key": [OTHER.date_shift_days(SubjectKey(one), longest_weeks=WEEKS) // 7 - 1 for one in people],
        "the number itself": [int(one) % WEEKS for one in people],
    }
    for name in ("md5", "sha1", "sha256"):
        guesses[name] = [int(hashlib.new(name, one.encode()).hexdigest(), 16) % WEEKS for one in people]
    expected = len(people) / WEEKS
    for name, guess in guesses.items():
        agreeing = sum(a == b for a, b in zip(ours, guess, strict=True))
        assert abs(agreeing - expected) < 5 * math.sqrt(expected), name


def test_K03_every_kind_of_code_is_derived_under_its_own_name() -> None:
    subject = SubjectKey("4711")
    codes = [
        ONE.patient_code(subject).partition("-")[2],
        ONE.centre_code("4711").partition("-")[2],
        ONE.device_code("4711").partition("-")[2],
        ONE.author_code("4711").partition("-")[2],
        ONE.item_id("4711"),
        ONE.content_id([b"4711"]),
        ONE.sealing_key().hex(),
        ONE.key.key_id,
    ]
    starts = [code[:8] for code in codes]
    assert len(set(starts)) == len(starts)


@given(parts=st.lists(st.text(max_size=4), min_size=1, max_size=4), cut=st.integers(0, 8))
def test_K03_frames_do_not_run_into_each_other(parts: list[str], cut: int) -> None:
    joined = "".join(parts)
    other = [joined[:cut], joined[cut:]]
    if list(map(module.normalized_id, parts)) != list(map(module.normalized_id, other)) and any(parts):
        assert ONE.device_code(*parts) != ONE.device_code(*other)


def test_K03_the_derivation_has_a_version() -> None:
    assert module._DERIVATION == b"curator-pseudonym-1"
    # A change of any of these re-links nobody and breaks every release that is to be continued: raise the version.
    assert ONE.patient_code(SubjectKey("4711", "H")) == "P-" + GOLDEN["patient"]
    assert ONE.centre_code("Hospital") == "C-" + GOLDEN["centre"]
    assert ONE.date_shift_days(SubjectKey("4711", "H"), longest_weeks=500) == GOLDEN["shift"]


def test_K09_one_secret_in_two_domains_gives_two_sets_of_codes() -> None:
    other = Pseudonyms(replace(KEY, domain="recipient-b"))
    subject = SubjectKey("4711")
    assert other.patient_code(subject) != ONE.patient_code(subject)
    assert other.uid("1.2.3") != ONE.uid("1.2.3")
    assert other.centre_code("H") != ONE.centre_code("H")
    assert other.content_id([b"x"]) != ONE.content_id([b"x"])
    assert other.sealing_key() != ONE.sealing_key()
