"""The escrow: values under data keys, data keys under the key ring, everything under one tag."""

from __future__ import annotations

import base64
import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.adapters.escrow import Entry, Escrow, _tag
from curator.adapters.keyfile import new_secret
from curator.adapters.ring_encryption import RingEncryption
from curator.adapters.vault import Vault
from curator.errors import KeyMaterialError
from curator.identity.envelope import Envelope, new_data_key
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.ring import ring_of, rotated, with_newest_wrapping, with_wrapping, without_epoch
from curator.identity.sealing import Seal
from curator.model.identity import Identifier, IdentifierKind
from curator.model.keys import Key, KeyRing

SECRET = bytes(range(32))
FIRST = ring_of(Key(key_id_of(SECRET), "trial", SECRET))
RING = rotated(FIRST, SECRET[::-1])
ENTRIES = [
    Entry(1, "P-A", "person", text="Zwackelmann 4711-0815"),
    Entry(1, "P-A", "uid", "2.25.1", "1.2.3.4711"),
    Entry(1, "P-B", "person", text="Quendolyn 4711-0816"),
    Entry(2, "P-C", "person", text="Zwackelmann 4711-0815"),
]


def at(path: Path, ring: KeyRing = RING) -> Escrow:
    return Escrow(path, RingEncryption(ring), check=ring.check)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "key.json.escrow"
    at(made).write(ENTRIES)
    return made


def rows(path: Path, query: str = "SELECT * FROM entry ORDER BY 1, 2, 3, 4") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_what_was_written_is_read_and_nothing_twice(path: Path) -> None:
    assert at(path).read("person") == [ENTRIES[0], ENTRIES[2], ENTRIES[3]]
    assert at(path).read("uid", name="2.25.1") == [ENTRIES[1]]
    assert at(path).read("person", code="P-B") == [ENTRIES[2]]
    assert at(path).read("other") == []
    before = path.read_bytes()
    assert at(path).write(reversed(ENTRIES)) == 0
    assert path.read_bytes() == before
    assert at(path).write([Entry(1, "P-A", "person", text="corrected")]) == 1
    assert at(path).read("person", code="P-A")[0].text == "corrected"
    assert at(path).verify() == 3


def test_nothing_there_is_an_empty_escrow(tmp_path: Path) -> None:
    escrow = at(tmp_path / "none")
    assert (escrow.verify(), escrow.read("person"), escrow.people(), escrow.shredded()) == (
        0,
        [],
        frozenset(),
        frozenset(),
    )
    assert (escrow.write([]), escrow.rewrap(), escrow.forget_epoch(1)) == (0, 0, 0)
    assert list(tmp_path.iterdir()) == []


def test_K05_values_lie_encrypted_and_for_the_owner_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    for secret in (b"Zwackelmann", b"Quendolyn", b"4711-08", b"1.2.3.4711", SECRET, RING.check):
        assert secret not in content
    assert not any(entry.text in repr(entry) for entry in ENTRIES)
    assert repr(at(path)) == "Escrow()"
    path.chmod(0o644)
    with pytest.raises(KeyMaterialError, match="chmod 600"):
        at(path).read("person")


def test_K05_a_new_wrapping_key_rewrites_no_value(path: Path) -> None:
    values, keys = rows(path), rows(path, "SELECT data_key FROM person")
    both = with_wrapping(RING, new_secret())
    assert at(path, both).rewrap() == 3
    assert rows(path) == values
    assert not set(rows(path, "SELECT data_key FROM person")) & set(keys)
    newest = with_newest_wrapping(both)
    assert at(path, newest).read("person") == at(path, both).read("person") == [ENTRIES[0], ENTRIES[2], ENTRIES[3]]
    assert at(path, newest).rewrap() == 0
    with pytest.raises(KeyMaterialError):
        at(path, RING).read("person")


def test_K05_a_rotation_of_the_wrapping_key_that_stops_half_way_loses_nothing(path: Path) -> None:
    both = with_wrapping(RING, new_secret())
    at(path, both).write([Entry(2, "P-D", "person", text="came in between")])
    assert at(path, both).verify() == 4
    later = with_wrapping(both, new_secret())
    assert at(path, later).rewrap() == 4
    assert at(path, with_newest_wrapping(later)).verify() == 4


def test_K05_each_person_and_epoch_has_a_data_key_of_their_own(path: Path) -> None:
    keys = RingEncryption(RING)
    data_key = new_data_key()
    wrapped = keys.wrap(data_key, epoch=1, place="P-A")
    assert keys.unwrap(wrapped, epoch=1, place="P-A") == data_key
    for epoch, place in ((2, "P-A"), (1, "P-B"), (3, "P-A")):
        with pytest.raises(KeyMaterialError):
            keys.unwrap(wrapped, epoch=epoch, place=place)
    assert len(set(rows(path, "SELECT data_key FROM person"))) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE code = 'P-B'",
        "DELETE FROM person WHERE code = 'P-B'",
        "DELETE FROM entry",
        "UPDATE entry SET code = 'P-B' WHERE name = '2.25.1'",
        "UPDATE entry SET name = '2.25.2' WHERE name = '2.25.1'",
        "UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE code = 'P-B') WHERE name = '2.25.1'",
        "UPDATE entry SET sealed = zeroblob(40) WHERE code = 'P-B'",
        "UPDATE person SET data_key = zeroblob(60) WHERE code = 'P-B'",
        "UPDATE person SET wrapping = '' WHERE code = 'P-B'",
        "INSERT INTO person VALUES (1, 'P-E', '', x'')",
        "DELETE FROM tag",
        "UPDATE tag SET value = zeroblob(32)",
        "DROP TABLE tag",
        "DROP TABLE entry",
    ],
)
def test_K06_any_change_by_another_hand_is_found(path: Path, statement: str) -> None:
    tamper(path, statement)
    before = path.read_bytes()
    for act in (
        lambda: at(path).verify(),
        lambda: at(path).read("person"),
        lambda: at(path).people(),
        lambda: at(path).write([ENTRIES[0]]),
        lambda: at(path).shred([(1, "P-A")]),
        lambda: at(path).rewrap(),
    ):
        with pytest.raises(KeyMaterialError, match="altered"):
            act()
    assert path.read_bytes() == before


def test_K06_a_value_that_was_moved_with_a_forged_tag_fails_at_its_own_tag(path: Path) -> None:
    """Whoever had the check secret and not the data keys still could not move a value."""
    tamper(path, "UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE code = 'P-B') WHERE name = '2.25.1'")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tag SET value = ?", (_tag(connection, RING.check),))
        connection.commit()
    with pytest.raises(KeyMaterialError):
        at(path).read("uid")
    assert at(path).read("person")


@pytest.mark.parametrize("content", [b"no database at all" * 99, b"SQLite format 3\0" + bytes(4000)])
def test_K06_a_damaged_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for act in (at(path).verify, lambda: at(path).write(ENTRIES)):
        with pytest.raises(KeyMaterialError):
            act()


def test_K06_another_key_does_not_open_it(path: Path) -> None:
    other = ring_of(Key(key_id_of(SECRET[::-1]), "trial", SECRET[::-1]))
    with pytest.raises(KeyMaterialError):
        at(path, other).verify()


def test_K04_a_destroyed_person_is_not_in_the_bytes_and_does_not_come_back(path: Path) -> None:
    sealed = {row[4] for row in rows(path) if row[1] == "P-A"} | {
        row[3] for row in rows(path, "SELECT * FROM person") if row[1] == "P-A"
    }
    assert len(sealed) == 3
    assert at(path).shred([(1, "P-A")]) == 2
    content = path.read_bytes()
    assert not any(value in content for value in sealed)
    assert at(path).write(ENTRIES) == 0
    assert [entry.code for entry in at(path).read("person")] == ["P-B", "P-C"]
    assert at(path).shredded() == {(1, "P-A")}
    assert at(path).people() == {(1, "P-A"), (1, "P-B"), (2, "P-C")}


def test_K04_what_a_destroyed_epoch_sealed_opens_for_nobody_even_from_a_copy(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o600)
    later = without_epoch(RING, 1)
    assert at(path, later).forget_epoch(1) == 2
    assert [entry.code for entry in at(path, later).read("person")] == ["P-C"]
    with pytest.raises(KeyMaterialError):
        at(copy, later).read("person", code="P-A")
    assert at(copy, later).read("person", code="P-C") == [ENTRIES[3]]


def test_the_vault_is_on_the_same_envelope(path: Path) -> None:
    name = Identifier(IdentifierKind.PERSON_NAME, "Zwackelmann^Quendolyn")
    number, late = Identifier(IdentifierKind.ID, "XQ-90817263"), Identifier(IdentifierKind.DATE, "19551013")
    vault = Vault(at(path), epoch=1)
    vault.remember({"P-A": [name], "P-B": [number]})
    before = path.read_bytes()
    vault.remember({"P-A": [name]})
    assert path.read_bytes() == before
    Vault(at(path), epoch=1).remember({"P-A": [late]})
    assert vault.recall() == {"P-A": {name, late}, "P-B": {number}}
    assert b"XQ-90817263" not in path.read_bytes()
    at(path).shred([(1, "P-A")])
    assert vault.recall() == {"P-B": {number}}


def test_the_vault_of_an_earlier_version_is_taken_in_and_destroyed(tmp_path: Path) -> None:
    seal = Seal(Pseudonyms(RING.active), retired=[Pseudonyms(FIRST.active)])
    old = Seal(Pseudonyms(FIRST.active))
    line = json.dumps(["P-A", ["id", "XQ-90817263"]])
    earlier = tmp_path / "key.json.vault"
    earlier.write_bytes(base64.b64encode(old.seal(line, purpose="identifiers")) + b"\n")
    earlier.chmod(0o600)
    vault = Vault(at(tmp_path / "escrow"), epoch=2)
    vault.take_in(earlier, seal)
    vault.take_in(earlier, seal)
    assert vault.recall() == {"P-A": {Identifier(IdentifierKind.ID, "XQ-90817263")}}
    assert not earlier.exists()


@given(content=st.binary(max_size=200), place=st.lists(st.text(max_size=5), max_size=3), flip=st.integers(0, 10_000))
def test_K05_an_envelope_opens_only_what_it_sealed_where_it_sealed_it(
    content: bytes, place: list[str], flip: int
) -> None:
    envelope = Envelope(SECRET)
    sealed = envelope.seal(content, place=place)
    assert envelope.open(sealed, place=place) == content
    assert sealed != envelope.seal(content, place=place)
    altered = bytearray(sealed)
    altered[flip % len(sealed)] ^= 1 + flip % 255
    for wrong, where in ((bytes(altered), place), (sealed, [*place, ""]), (sealed[:-1], place), (b"", place)):
        with pytest.raises(KeyMaterialError):
            envelope.open(wrong, place=where)
    with pytest.raises(KeyMaterialError):
        Envelope(SECRET[::-1]).open(sealed, place=place)
