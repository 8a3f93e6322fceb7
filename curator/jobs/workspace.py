"""A workspace: a folder with `curator.toml`, the database and what was released.

The law: the key never lies in it. `curator.toml` says where the key file is and which key it must hold, so that a
wrong key stops a job before it writes anything.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import click

from curator.adapters.keyfile import Keyfile, refuse_placement
from curator.adapters.local_disk import LocalDisk
from curator.adapters.vault import Vault
from curator.errors import ConfigurationError, KeyMaterialError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.sealing import Seal
from curator.model.keys import Key
from curator.strict import read_toml

CONFIGURATION = "curator.toml"
DATABASE = "curator.sqlite"
RELEASED = "released"
DATASETS = "datasets"
RUNS = "runs"
DEFAULT_DOMAIN = "default"
_VAULT_SUFFIX = ".vault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """An opened workspace; all paths are absolute."""

    root: Path = field(repr=False)
    key_file: Path = field(repr=False)
    key_id: str
    database_url: str = field(repr=False)

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

    def load_key(self) -> Key:
        """The workspace's key.

        Raises:
            KeyPlacementError: its file was moved to where data may leave.
            KeyMaterialError: it cannot be read or is not the one the workspace was made with.
        """
        refuse_placement(self.key_file, forbidden=(self.root,))
        key = Keyfile(self.key_file).load()
        if key.key_id != self.key_id:
            raise KeyMaterialError(f"the workspace needs key {self.key_id}, the key file holds {key.key_id}")
        return key

    def vault(self, pseudonyms: Pseudonyms) -> Vault:
        """What identifies each person, beside the key file."""
        return Vault(self.key_file.with_name(self.key_file.name + _VAULT_SUFFIX), Seal(pseudonyms))


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
        f"key_id = {_quoted(key.key_id)}\n\n"
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
    keys.only(("file", "key_id"))
    database.only(("url",))
    return Workspace(
        root=root,
        key_file=root / keys.get("file", str),
        key_id=keys.get("key_id", str),
        database_url=_database_url(database.get("url", str, f"sqlite:///{DATABASE}"), root),
    )


def _database_url(url: str, root: Path) -> str:
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return f"{prefix}{root / url.removeprefix(prefix)}"
    return url


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
