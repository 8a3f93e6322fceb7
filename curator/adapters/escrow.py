"""What leads back from a code to a person, in an SQLite file beside the key.

The law: it lies with the key, never in a workspace or an output, readable by its owner only. Every value is encrypted
under a data key of its person and epoch, and data keys are wrapped by the keystore; codes alone stand open. All rows
together carry a tag: a value that was altered, moved, taken out or put in is found before anything is read.

What destroying achieves. Of a person: the data keys that opened their rows are gone and the wrapping key is replaced
(`curator.jobs.keys`), so that older copies of this file do not open with the key file of today; the code leads back to
nobody. Of an epoch: its secret is gone from the key file, so that neither this file nor copies of it open for that
epoch, and its codes can no more be derived or confirmed. What it does not achieve: in the mode `keyed` a code is a
function of the Patient ID and the epoch's secret, so who has a Patient ID and a key ring in which the epoch still lives
can derive the person's code again; only destroying the epoch ends that. Pixels and dates may still be matched with
originals that exist elsewhere, and backups of the key file are beyond reach.

Sources: NIST SP 800-88r1 2.5 (cryptographic erase); ISO 25237 (pseudonymisation with a trusted third party).
"""

from __future__ import annotations

import hmac
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from curator.adapters.keyfile import OWNER_ONLY, read_private
from curator.errors import KeyMaterialError
from curator.identity.envelope import Envelope, new_data_key, tag_of
from curator.model.keys import Wrapped
from curator.ports import KeyEncryption

_SCHEMA = """
CREATE TABLE person (epoch INTEGER NOT NULL, code TEXT NOT NULL, wrapping TEXT NOT NULL, data_key BLOB NOT NULL,
    PRIMARY KEY (epoch, code)) WITHOUT ROWID;
CREATE TABLE entry (epoch INTEGER NOT NULL, code TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    sealed BLOB NOT NULL, PRIMARY KEY (epoch, code, kind, name)) WITHOUT ROWID;
CREATE TABLE tag (format INTEGER PRIMARY KEY, value BLOB NOT NULL);
"""
_FORMAT = 1
_ALTERED = "the escrow beside the key was altered or is damaged"


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One thing known of a person: `kind` says what, `name` which of several, `text` is the secret."""

    epoch: int
    code: str
    kind: str
    name: str = ""
    text: str = field(repr=False, default="")


class Escrow:
    """The escrow of one key ring; a file that is not there is an empty one."""

    __slots__ = ("_check", "_keys", "_path")

    def __init__(self, path: Path, keys: KeyEncryption, *, check: bytes) -> None:
        self._path = path
        self._keys = keys
        self._check = check

    def __repr__(self) -> str:
        return "Escrow()"

    def verify(self) -> int:
        """How many people it holds; every row was checked and every data key unwrapped.

        Raises:
            KeyMaterialError: another key, altered or damaged, or readable by others.
        """
        with self._opened() as connection:
            return len(list(_Rows(connection, self._keys).envelopes())) if connection is not None else 0

    def read(self, kind: str, *, code: str | None = None, name: str | None = None) -> list[Entry]:
        """All entries of a kind, of one person or of one name where asked, sorted; none for an empty escrow.

        Raises:
            KeyMaterialError: as `verify`.
        """
        with self._opened() as connection:
            return _Rows(connection, self._keys).entries(kind, code, name) if connection is not None else []

    def people(self) -> frozenset[tuple[int, str]]:
        """Epoch and code of everybody, those included of whom what was known was destroyed.

        Raises:
            KeyMaterialError: as `verify`.
        """
        with self._opened() as connection:
            rows = connection.execute("SELECT epoch, code FROM person") if connection else ()
            return frozenset((int(epoch), str(code)) for epoch, code in rows)

    def shredded(self) -> frozenset[tuple[int, str]]:
        """Epoch and code of everybody of whom what was known was destroyed.

        Raises:
            KeyMaterialError: as `verify`.
        """
        with self._opened() as connection:
            rows = connection.execute("SELECT epoch, code FROM person WHERE wrapping = ''") if connection else ()
            return frozenset((int(epoch), str(code)) for epoch, code in rows)

    def write(self, entries: Iterable[Entry]) -> int:
        """How many entries were new or different; a file that would not change is not touched.

        Of those who were destroyed nothing is taken in again.

        Raises:
            KeyMaterialError: as `verify`; or the file cannot be written.
        """
        wanted = sorted(entries)
        if not wanted:
            return 0
        with self._changed() as connection:
            return _Rows(connection, self._keys).write(wanted)

    def shred(self, people: Iterable[tuple[int, str]]) -> int:
        """Destroy what is known of people, by epoch and code; how many rows went. Their codes stay marked.

        Raises:
            KeyMaterialError: as `verify`; or the file cannot be written.
        """
        wanted = sorted(people)
        gone = 0
        with self._changed() as connection:
            for one in wanted:
                gone += connection.execute("DELETE FROM entry WHERE epoch = ? AND code = ?", one).rowcount
                connection.execute("INSERT OR REPLACE INTO person VALUES (?, ?, '', x'')", one)
        return gone

    def forget_epoch(self, epoch: int) -> int:
        """Drop all rows of an epoch, which nothing opens any more; how many people they were of.

        Raises:
            KeyMaterialError: as `verify`; or the file cannot be written.
        """
        if not self._is_there():
            return 0
        with self._changed() as connection:
            connection.execute("DELETE FROM entry WHERE epoch = ?", (epoch,))
            return connection.execute("DELETE FROM person WHERE epoch = ?", (epoch,)).rowcount

    def rewrap(self) -> int:
        """How many data keys were wrapped anew under the keystore's current key; no value is touched.

        Raises:
            KeyMaterialError: as `verify`; or the file cannot be written.
        """
        if not self._is_there():
            return 0
        with self._changed() as connection:
            return _Rows(connection, self._keys).rewrap()

    def _is_there(self) -> bool:
        # An empty file is what a process leaves that was killed while it made one.
        return self._path.is_symlink() or (self._path.exists() and self._path.stat().st_size > 0)

    @contextmanager
    def _changed(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction of its own, after which the tag is that of the new rows."""
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, OWNER_ONLY))
        except OSError as error:
            raise KeyMaterialError(f"the escrow beside the key cannot be written: {error.strerror}") from error
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                for statement in filter(None, map(str.strip, _SCHEMA.split(";"))):
                    connection.execute(statement)
            else:
                self._authenticate(connection)
            before = connection.total_changes
            yield connection
            if connection.total_changes != before or not connection.execute("SELECT 1 FROM tag").fetchone():
                tag = _tag(connection, self._check)
                connection.execute("INSERT OR REPLACE INTO tag VALUES (?, ?)", (_FORMAT, tag))
                connection.execute("COMMIT")
            else:
                connection.execute("ROLLBACK")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        if not self._is_there():
            yield None
            return
        with self._connection() as connection:
            connection.execute("BEGIN")
            self._authenticate(connection)
            yield connection

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        read_private(self._path, name="the escrow beside the key")
        try:
            with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                yield connection
        except (sqlite3.DatabaseError, json.JSONDecodeError, TypeError):
            # The cause could quote a value.
            raise KeyMaterialError(_ALTERED) from None

    def _authenticate(self, connection: sqlite3.Connection) -> None:
        stored = connection.execute("SELECT value FROM tag WHERE format = ?", (_FORMAT,)).fetchone()
        if stored is None or not hmac.compare_digest(stored[0], _tag(connection, self._check)):
            raise KeyMaterialError(_ALTERED + ", or belongs to another key")


class _Rows:
    """The rows of one open escrow, through their data keys."""

    def __init__(self, connection: sqlite3.Connection, keys: KeyEncryption) -> None:
        self._connection = connection
        self._keys = keys
        self._known: dict[tuple[int, str], Envelope | None] = {}

    def envelopes(self) -> Iterator[Envelope]:
        people = self._connection.execute("SELECT epoch, code FROM person WHERE wrapping != ''").fetchall()
        for epoch, code in people:
            envelope = self._envelope(epoch, code)
            if envelope is not None:
                yield envelope

    def entries(self, kind: str, code: str | None, name: str | None) -> list[Entry]:
        query = (
            "SELECT epoch, code, name, sealed FROM entry "
            "WHERE kind = ? AND code = coalesce(?, code) AND name = coalesce(?, name) ORDER BY epoch, code, name"
        )
        rows = self._connection.execute(query, (kind, code, name)).fetchall()
        return [self._entry(Entry(row[0], row[1], kind, row[2]), row[3]) for row in rows]

    def write(self, wanted: Iterable[Entry]) -> int:
        count = 0
        for entry in wanted:
            envelope = self._envelope(entry.epoch, entry.code, is_new=True)
            if envelope is None or self._is_there(entry):
                continue
            sealed = envelope.seal(entry.text.encode("utf-8", "surrogateescape"), place=_place(entry))
            row = (entry.epoch, entry.code, entry.kind, entry.name, sealed)
            self._connection.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)", row)
            count += 1
        return count

    def rewrap(self) -> int:
        people = self._connection.execute(
            "SELECT epoch, code, wrapping, data_key FROM person WHERE wrapping NOT IN ('', ?)", (self._keys.current,)
        ).fetchall()
        for epoch, code, wrapping, data_key in people:
            opened = self._keys.unwrap(Wrapped(wrapping, data_key), epoch=epoch, place=code)
            self._store(epoch, code, self._keys.wrap(opened, epoch=epoch, place=code))
        return len(people)

    def _is_there(self, entry: Entry) -> bool:
        query = "SELECT sealed FROM entry WHERE epoch = ? AND code = ? AND kind = ? AND name = ?"
        row = self._connection.execute(query, (entry.epoch, entry.code, entry.kind, entry.name)).fetchone()
        return row is not None and self._entry(entry, row[0]).text == entry.text

    def _entry(self, entry: Entry, sealed: bytes) -> Entry:
        envelope = self._envelope(entry.epoch, entry.code)
        if envelope is None:
            raise KeyMaterialError(_ALTERED)
        text = envelope.open(sealed, place=_place(entry)).decode("utf-8", "surrogateescape")
        return Entry(entry.epoch, entry.code, entry.kind, entry.name, text)

    def _envelope(self, epoch: int, code: str, *, is_new: bool = False) -> Envelope | None:
        """What opens a person's values; None where it was destroyed, or is not there and not to be made."""
        if (epoch, code) not in self._known:
            self._known[epoch, code] = self._found(epoch, code, is_new=is_new)
        return self._known[epoch, code]

    def _found(self, epoch: int, code: str, *, is_new: bool) -> Envelope | None:
        query = "SELECT wrapping, data_key FROM person WHERE epoch = ? AND code = ?"
        row = self._connection.execute(query, (epoch, code)).fetchone()
        if row is None and is_new:
            data_key = new_data_key()
            self._store(epoch, code, self._keys.wrap(data_key, epoch=epoch, place=code))
            return Envelope(data_key)
        if row is None or row[0] == "":
            return None
        return Envelope(self._keys.unwrap(Wrapped(*row), epoch=epoch, place=code))

    def _store(self, epoch: int, code: str, wrapped: Wrapped) -> None:
        row = (epoch, code, wrapped.key_id, wrapped.content)
        self._connection.execute("INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)", row)


def _place(entry: Entry) -> tuple[str, ...]:
    return ("escrow", str(entry.epoch), entry.code, entry.kind, entry.name)


def _tag(connection: sqlite3.Connection, check: bytes) -> bytes:
    def parts() -> Iterator[str | bytes]:
        for table in ("person", "entry"):
            key = "epoch, code" if table == "person" else "epoch, code, kind, name"
            yield table
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY {key}"):
                yield from (cell if isinstance(cell, bytes) else str(cell) for cell in row)

    return tag_of(check, "escrow", parts())
