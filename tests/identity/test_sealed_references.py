"""What is sealed opens unchanged under the same key and purpose, and under nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import KeyMaterialError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.sealing import Seal
from curator.model.keys import Key


def made(secret: bytes, domain: str = "release") -> Seal:
    return Seal(Pseudonyms(Key(key_id_of(secret), domain, secret)))


SEAL, OTHER = made(bytes(range(32))), made(bytes(range(1, 33)))
OTHER_DOMAIN = made(bytes(range(32)), "release-2")
# File names may hold bytes that are no UTF-8; Python keeps them as surrogates.
NAMES = st.one_of(st.text(max_size=40), st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape")))


@given(text=NAMES)
def test_round_trip(text: str) -> None:
    sealed = SEAL.seal(text, purpose="reference")
    assert SEAL.open(sealed, purpose="reference") == text
    assert sealed == SEAL.seal(text, purpose="reference")
    assert len(text) < 4 or text.encode("utf-8", "surrogateescape") not in sealed


@given(text=st.text(max_size=20), place=st.integers(0, 1000), bit=st.integers(0, 7))
def test_one_flipped_bit_is_noticed(text: str, place: int, bit: int) -> None:
    sealed = bytearray(SEAL.seal(text, purpose="reference"))
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(KeyMaterialError):
        SEAL.open(bytes(sealed), purpose="reference")


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17])
def test_what_is_cut_short_is_refused(length: int) -> None:
    sealed = SEAL.seal("some/where", purpose="reference")
    with pytest.raises(KeyMaterialError):
        SEAL.open(sealed[:length], purpose="reference")


def test_another_key_domain_or_purpose_opens_nothing() -> None:
    sealed = SEAL.seal("some/where", purpose="reference")
    for seal, purpose in ((OTHER, "reference"), (OTHER_DOMAIN, "reference"), (SEAL, "vault")):
        with pytest.raises(KeyMaterialError):
            seal.open(sealed, purpose=purpose)
