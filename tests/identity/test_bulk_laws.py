"""Among pixels a string is found wherever it stands, in either byte order, and where none stands, none is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curator.identity.bulk import BulkSieve
from curator.identity.search import needles_of
from curator.identity.wide import WideSieve, characters_of
from curator.model.identity import Identifier, IdentifierKind

_TEXT = st.text(alphabet="abQZ. 09ü", min_size=6, max_size=12)
_CODECS = st.sampled_from(["latin-1", "utf-8", "utf-16-le", "utf-16-be"])
# Numbers as of air, of a body, of a signed image, and such as letters are.
_AROUND = st.sampled_from([(0, 60), (1000, 1100), (-2000, -1000), (0x40, 0x7A), (0, 0x7FFF)]).flatmap(
    lambda ends: st.lists(st.integers(*ends), max_size=12).map(lambda values: np.array(values, "<i2").tobytes())
)


@given(
    st.lists(st.tuples(_TEXT, _CODECS), max_size=4),
    _AROUND,
    _AROUND,
    st.integers(0, 3),
    st.booleans(),
    st.integers(0, 7),
)
@example([("abab.0", "utf-16-be")], b"", b"\x07", 0, True, 0)
def test_it_finds_what_stands_there_and_nothing_else(
    texts: list[tuple[str, str]], before: bytes, behind: bytes, chosen: int, is_odd: bool, lead: int
) -> None:
    strings = {text.encode(codec).lower() for text, codec in texts}
    sieve = BulkSieve(strings)
    text, codec = texts[chosen % len(texts)] if texts else ("", "ascii")
    gap = b"\x05" if is_odd else b""
    for middle in (b"", text.upper().encode(codec), text.encode(codec)):
        data = before + gap + middle + behind
        stands = any(string in data.lower() for string in strings)
        # Wherever in memory the value begins.
        assert sieve.finds(memoryview(bytes(lead) + data)[lead:]) is stands


@pytest.mark.parametrize("codec", ["ascii", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("place", [0, 1, 2, 3, 5, 4711, 4712, 131_056, 131_057])
def test_no_place_in_an_image_of_small_numbers_is_passed_over(codec: str, place: int) -> None:
    noise = np.random.default_rng(3).normal(60, 30, 1 << 16).clip(0, 4095).astype("<u2").tobytes()
    needles = needles_of([Identifier(IdentifierKind.PERSON_NAME, "Quarzberg^Ottokar")])
    sieve = BulkSieve(needles.bulk)
    planted = "OTTOKAR".encode(codec)
    assert not sieve.finds(memoryview(noise))
    assert sieve.finds(memoryview(noise[:place] + planted + noise[place + len(planted) :])[: len(noise)])


def test_an_image_that_is_all_letters_holds_only_what_it_spells() -> None:
    flat = memoryview("b".encode("utf-16-le") * (1 << 16))
    assert WideSieve([b"bbbbbb"]).finds(flat)
    assert not WideSieve([b"bbbbbx", b"xbbbbb"]).finds(flat)


def test_only_text_of_one_byte_characters_is_spelt_in_numbers() -> None:
    assert characters_of("Quarz".encode("utf-16-le")) == characters_of("Quarz".encode("utf-16-be")) == b"Quarz"
    assert characters_of(b"Quarzb") is None
    assert characters_of("山田太郎".encode("utf-16-le")) is None


@pytest.mark.parametrize("string", [b"short", b"zero\0there"])
def test_what_is_no_such_string_is_refused(string: bytes) -> None:
    with pytest.raises(ValueError, match="fewer than 6"):
        WideSieve([string])


def test_nothing_is_found_in_nothing_and_by_nothing() -> None:
    assert not BulkSieve([]).finds(memoryview(b"anything at all"))
    assert not BulkSieve([b"abcd"]).finds(memoryview(b""))
    assert not WideSieve([b"quarzberg"]).finds(memoryview(b""))
