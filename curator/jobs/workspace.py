"""A workspace: a folder with `curator.toml`, the database and what was released.

The law: the key never lies in it, nor where the database lies. `curator.toml` says where the key file is and which key
it must hold, so that a wrong key stops a job before it writes anything, and so does an older copy of the right one.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import click

from curator.adapters.escrow import Escrow
from curator.adapters.keyfile import Keyfile, refuse_placement
from curator.adapters.local_disk import LocalDisk
from curator.adapters.ring_encryption import RingEncryption
from curator.adapters.vault import Vault
from curator.errors import ConfigurationError, KeyMaterialError
from curator.identity.pseudonyms import Pseudonyms
from curator.model.keys import Key, KeyRing
from curator.strict import Table, read_toml

CONFIGURATION = "curator.toml"
DATABASE = "curator.sqlite"
RELEASED = "released"
DATASETS = "datasets"
RUNS = "runs"
DEFAULT_DOMAIN = "default"
_ESCROW_SUFFIX = ".escrow"
_EARLIER_VAULT_SUFFIX = ".vault"
_SQLITE = "sqlite:///"


class KeyMode(StrEnum):
    """Where patient codes come from: the key, a random draw kept in the escrow, or a site's own list."""

    KEYED = "keyed"
    RANDOM = "random"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """An opened workspace; all paths are absolute.

    `mapping_file` is the site's own list where `mode` is `csv`; `keeps_uids` says whether the escrow keeps which UID
    was replaced by which.
    """

    root: Path = field(repr=False)
    key_file: Path = field(repr=False)
    key_id: str
    database_url: str = field(repr=False)
    mode: KeyMode = KeyMode.KEYED
    mapping_file: Path | None = field(repr=False, default=None)
    keeps_uids: bool = False

    @property
    def released(self) -> Path:
        """Where de-identified instances go."""
        return self.root / RELEASED

    @property
    def datasets(self) -> Path:
        """Where frozen datasets go."""
        return self.root / DATASETS

    @property
    def runs(self) -> Path:
        """Where training runs go."""
        return self.root / RUNS

    @property
    def forbidden_for_keys(self) -> tuple[Path, ...]:
        """Where no key may lie: the workspace, and the folder of its database."""
        if not self.database_url.startswith(_SQLITE):
            return (self.root,)
        return (self.root, Path(self.database_url.removeprefix(_SQLITE)).parent)

    @property
    def earlier_vault(self) -> Path:
        """Where earlier versions of the engine kept what identifies each person."""
        return self.key_file.with_name(self.key_file.name + _EARLIER_VAULT_SUFFIX)

    def load_ring(self) -> KeyRing:
        """All keys of the workspace.

        Raises:
            KeyPlacementError: their file was moved to where data may leave.
            KeyMaterialError: it cannot be read, or does not hold the key that the workspace names.
        """
        refuse_placement(self.key_file, forbidden=self.forbidden_for_keys)
        ring = Keyfile(self.key_file).ring()
        if self.key_id not in ring.key_ids:
            raise KeyMaterialError(
                f"the workspace needs key {self.key_id}, the key file holds {ring.active.key_id}: "
                "another key, or a copy from before a rotation"
            )
        return ring

    def load_key(self) -> Key:
        """The workspace's active key.

        Raises:
            KeyPlacementError: its file was moved to where data may leave.
            KeyMaterialError: it cannot be read or is not the one the workspace names.
        """
        return self.load_ring().active

    def escrow(self, ring: KeyRing) -> Escrow:
        """What leads back from codes to people, beside the key file."""
        path = self.key_file.with_name(self.key_file.name + _ESCROW_SUFFIX)
        return Escrow(path, RingEncryption(ring), check=ring.check)

    def vault(self, pseudonyms: Pseudonyms) -> Vault:
        """What identifies each person, in the escrow; what is new in it is of the epoch of these pseudonyms.

        Raises:
            RefusedError: as `load_ring`.
        """
        return Vault(self.escrow(self.load_ring()), epoch=pseudonyms.key.epoch)

    def renamed_key(self, key_id: str) -> None:
        """Note in `curator.toml` which key the workspace needs from now on.

        Raises:
            ConfigurationError: the file does not say which it needed before, in one line.
            ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
        """
        text = (self.root / CONFIGURATION).read_text(encoding="utf-8")
        quoted = re.compile(rf"""^(\s*key_id\s*=\s*)(["']){re.escape(self.key_id)}\2""", re.MULTILINE)
        changed, count = quoted.subn(lambda found: f'{found[1]}"{key_id}"', text)
        if count != 1:
            raise ConfigurationError(f"[{CONFIGURATION}.keys] key_id: write it as one line")
        LocalDisk(self.root).write(CONFIGURATION, [changed.encode()])


def create_workspace(root: Path, *, key_file: Path, domain: str = DEFAULT_DOMAIN) -> Workspace:
    """A new workspace; the key file is made where it does not exist, else used as it is.

    Raises:
        KeyPlacementError: the key file would lie in the workspace or in a git checkout.
        KeyMaterialError: an existing key file cannot be used.
        ConfigurationError: the folder is a workspace already, or cannot be made.
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    root, key_file = root.absolute(), key_file.absolute()
    check_place(root, key_file=key_file)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the workspace cannot be made: {error.strerror}") from error
    store = Keyfile(key_file)
    key = store.load() if os.path.lexists(key_file) else store.create(domain=domain)
    text = (
        "# A curator workspace. The key lies elsewhere; keep it that way.\n"
        "format = 1\n\n"
        "[keys]\n"
        f"file = {_quoted(os.fspath(key_file))}\n"
        f"key_id = {_quoted(key.key_id)}\n"
        f'mode = "{KeyMode.KEYED}"  # patient codes: keyed; random, kept beside the key; or csv with mapping = FILE\n\n'
        "[database]\n"
        f'url = "sqlite:///{DATABASE}"  # relative to this folder; or postgresql+psycopg://...\n'
    )
    LocalDisk(root).write(CONFIGURATION, [text.encode()])
    return open_workspace(root)


def check_place(root: Path, *, key_file: Path) -> None:
    """Nothing, where a workspace and its key may lie there.

    Raises:
        KeyPlacementError: the key file would lie in the workspace or in a git checkout.
        KeyMaterialError: an existing key file cannot be used.
        ConfigurationError: the folder is a workspace already, or is no folder.
    """
    refuse_placement(key_file, forbidden=(root,))
    if (root / CONFIGURATION).exists():
        raise ConfigurationError("this folder is a workspace already")
    if root.exists() and not root.is_dir():
        raise ConfigurationError("the workspace cannot be made: a file is in its place")
    if os.path.lexists(key_file):
        Keyfile(key_file).load()


def default_key_file(root: Path) -> Path:
    """Where a workspace's key lies unless said otherwise: the user's own configuration folder.

    The name tells workspaces of one name apart by a digest of their place.
    """
    place = hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:8]
    return Path(click.get_app_dir("curator")) / "keys" / f"{root.absolute().name}-{place}.json"


def open_workspace(root: Path) -> Workspace:
    """The workspace in a folder.

    Raises:
        ConfigurationError: there is none, or its configuration is wrong.
    """
    root = root.absolute()
    if not (root / CONFIGURATION).is_file():
        raise ConfigurationError("no workspace there; make one with `curator init`")
    table = read_toml(root / CONFIGURATION, name=CONFIGURATION)
    table.only(("format", "keys", "database"))
    table.number("format", least=1, most=1)
    keys, database = table.table("keys"), table.table("database")
    keys.only(("file", "key_id", "mode", "mapping", "keep_uids"))
    database.only(("url",))
    mode = KeyMode(keys.one_of("mode", list(KeyMode), KeyMode.KEYED))
    return Workspace(
        root=root,
        key_file=root / keys.get("file", str),
        key_id=keys.get("key_id", str),
        database_url=_database_url(database.get("url", str, f"{_SQLITE}{DATABASE}"), root),
        mode=mode,
        mapping_file=_mapping_file(keys, mode, root),
        keeps_uids=keys.get("keep_uids", bool, False),
    )


def _mapping_file(keys: Table, mode: KeyMode, root: Path) -> Path | None:
    named = keys.maybe("mapping", str)
    if (mode is KeyMode.CSV) != (named is not None):
        raise keys.wrong("mapping", 'names a file where mode is "csv", and only there')
    return root / named if named is not None else None


def _database_url(url: str, root: Path) -> str:
    if url.startswith(_SQLITE) and not url.startswith(_SQLITE + "/"):
        return f"{_SQLITE}{root / url.removeprefix(_SQLITE)}"
    return url


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
