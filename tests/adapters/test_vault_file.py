"""What identifies people is kept for the key holder alone: it comes back whole, or the file is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from curator.adapters.escrow import Escrow
from curator.adapters.keyfile import Keyfile
from curator.adapters.ring_encryption import RingEncryption
from curator.adapters.vault import Vault
from curator.errors import KeyMaterialError
from curator.model.identity import Identifier, IdentifierKind

PEOPLE = {
    "P-1": frozenset({Identifier(IdentifierKind.PERSON_NAME, "Zwetschge^Knödel=山田^太郎")}),
    "P-2": frozenset({Identifier(IdentifierKind.ID, "4711"), Identifier(IdentifierKind.DATE, "19610405")}),
}


def vault(folder: Path, *, key: str = "k", file: str = "vault") -> Vault:
    """The vault of a folder, under the key of that name there."""
    store = Keyfile(folder / key)
    if not store.path.exists():
        store.create(domain="release")
    ring = store.ring()
    return Vault(Escrow(folder / file, RingEncryption(ring), check=ring.check), epoch=ring.active.epoch)


def test_what_was_remembered_comes_back(tmp_path: Path) -> None:
    assert vault(tmp_path).recall() == {}
    vault(tmp_path).remember(PEOPLE)
    assert vault(tmp_path).recall() == PEOPLE


def test_what_is_learned_later_is_added(tmp_path: Path) -> None:
    more = Identifier(IdentifierKind.TEXT, "Bahnhofstrasse 1")
    vault(tmp_path).remember({"P-1": PEOPLE["P-1"]})
    vault(tmp_path).remember({"P-1": {more}, "P-2": PEOPLE["P-2"]})
    assert vault(tmp_path).recall() == {"P-1": PEOPLE["P-1"] | {more}, "P-2": PEOPLE["P-2"]}


def test_nothing_new_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    vault(tmp_path).remember(PEOPLE)
    before = (tmp_path / "vault").read_bytes()
    vault(tmp_path).remember(PEOPLE)
    vault(tmp_path).remember({})
    vault(tmp_path).remember({"P-2": [Identifier(IdentifierKind.ID, "4711")]})
    assert (tmp_path / "vault").read_bytes() == before


def test_nobody_but_the_owner_may_read_it_and_nothing_stands_open(tmp_path: Path) -> None:
    vault(tmp_path).remember(PEOPLE)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        content = path.read_bytes()
        for value in ("Zwetschge", "Knödel", "山田", "4711", "19610405"):
            assert value.encode() not in content
    (tmp_path / "vault").chmod(0o644)
    with pytest.raises(KeyMaterialError):
        vault(tmp_path).recall()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    vault(tmp_path).remember(PEOPLE)
    before = (tmp_path / "vault").read_bytes()
    for action in (lambda one: one.recall(), lambda one: one.remember({"P-3": PEOPLE["P-1"]})):
        with pytest.raises(KeyMaterialError):
            action(vault(tmp_path, key="other"))
    assert (tmp_path / "vault").read_bytes() == before


def test_what_was_altered_is_refused_or_unharmed(tmp_path: Path) -> None:
    vault(tmp_path).remember(PEOPLE)
    content = (tmp_path / "vault").read_bytes()
    refused = 0
    for place in range(0, len(content), max(1, len(content) // 150)):
        (tmp_path / "vault").write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            # Free pages of the file hold nothing: altering them alters nothing.
            assert vault(tmp_path).recall() == PEOPLE
        except KeyMaterialError as error:
            refused += 1
            assert "Zwetschge" not in str(error)
    assert refused > 0


@pytest.mark.parametrize("content", [b"x", b"SQLite format 3\0" + bytes(100)])
def test_what_is_no_vault_is_refused(tmp_path: Path, content: bytes) -> None:
    vault(tmp_path)
    (tmp_path / "vault").write_bytes(content)
    (tmp_path / "vault").chmod(0o600)
    with pytest.raises(KeyMaterialError):
        vault(tmp_path).recall()


def test_a_vault_shows_nothing(tmp_path: Path) -> None:
    one = vault(tmp_path)
    one.remember(PEOPLE)
    shown = repr(one) + repr(one.recall())
    assert not any(value in shown for value in ("Zwetschge", "4711", "19610405", "山田"))
