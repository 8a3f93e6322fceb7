"""The sieve says "no" only where the plain search does too, and "yes" only where something stands there."""

from __future__ import annotations

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curator.identity.search import _encoded, _encoded_by_all, found_in, needles_of
from curator.identity.sieve import Sieve
from curator.model.identity import Identifier, IdentifierKind

# Few letters, so that half matches come often.
_BYTES = st.binary(max_size=40) | st.text(alphabet="abAB. \0", max_size=40).map(str.encode)
_STRINGS = st.lists(
    (st.binary(min_size=4, max_size=12) | st.text(alphabet="ab.\0", min_size=4, max_size=9).map(str.encode)).map(
        bytes.lower
    ),
    max_size=6,
)


@given(_STRINGS, _BYTES, _BYTES, st.integers(0, 5))
@example([b"abcd"], b"", b"", 0)
@example([b"abcde", b"\xff\xff\xff\xff\xff"], b"x", b"y", 1)
def test_it_finds_what_stands_there_and_nothing_else(
    strings: list[bytes], before: bytes, behind: bytes, chosen: int
) -> None:
    sieve = Sieve(strings)
    middle = strings[chosen % len(strings)].upper() if strings else b""
    # A letter above ASCII has no case here.
    for data in (before + behind, before + middle + behind):
        assert sieve.finds(data) is any(string in data.lower() for string in strings)


@pytest.mark.parametrize("place", [0, 1, 2, 3, (1 << 18) - 3, (1 << 18) - 1, (1 << 19) + 1, (1 << 20) - 7])
@pytest.mark.parametrize("string", [b"quarzb", b"quarz", b"quar"])
def test_no_place_in_a_large_value_is_passed_over(place: int, string: bytes) -> None:
    data = bytearray(1 << 20)
    data[place : place + len(string)] = string
    assert Sieve([string]).finds(bytes(data[: 1 << 20]))
    assert not Sieve([string + b"x"]).finds(bytes(data[: 1 << 20]))


def test_noise_holds_what_the_plain_search_finds_in_it() -> None:
    needles = needles_of(
        [Identifier(IdentifierKind.PERSON_NAME, "Quarzberg^Ottokar"), Identifier(IdentifierKind.ID, "MRN700123")]
    )
    noise = os.urandom(1 << 16)
    sieve = Sieve(needles.bulk)
    assert not sieve.finds(noise)
    for needle in sorted(needles.bulk):
        planted = noise[:4711] + needle + noise[4711:]
        assert sieve.finds(planted)
        assert found_in(needles, planted, bulk=True)


def test_nothing_is_found_in_nothing_and_by_nothing() -> None:
    assert not Sieve([]).finds(b"anything at all")
    assert not Sieve([b"abcd"]).finds(b"")


def test_a_string_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 4"):
        Sieve([b"abc"])


@pytest.mark.parametrize(
    "token", ["".join(map(chr, range(32, 127))), "Quarz^Otto", "A b", "O'Neill-9", "1.2.3", "a~b\\c"]
)
def test_the_short_way_to_encode_ascii_is_every_codecs_way(token: str) -> None:
    for one in (token, *(f"ab{character}cd" for character in token)):
        assert _encoded(one) == _encoded_by_all(one)
