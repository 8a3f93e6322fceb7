"""What identifies each person, sealed, in the escrow beside the key.

`deid verify` has to know what to search for long after the job ended. That knowledge is as sensitive as the key, so it
lies with the key: never in the workspace, the catalogue or the output. It is sealed under the person's own data key:
destroying that ends this knowledge too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from curator.adapters.escrow import Entry, Escrow
from curator.adapters.keyfile import read_private
from curator.errors import KeyMaterialError
from curator.identity.sealing import Seal
from curator.model.identity import Identifier, IdentifierKind

_KIND = "identifiers"


class Vault:
    """Identifiers by patient code, those of every epoch that can be read; new ones are of `epoch`."""

    __slots__ = ("_epoch", "_escrow")

    def __init__(self, escrow: Escrow, *, epoch: int) -> None:
        self._escrow = escrow
        self._epoch = epoch

    def recall(self) -> dict[str, frozenset[Identifier]]:
        """All identifiers by patient code; empty where nothing was remembered.

        Raises:
            KeyMaterialError: sealed under another key, or altered.
        """
        found: dict[str, frozenset[Identifier]] = {}
        for entry in self._escrow.read(_KIND):
            found[entry.code] = found.get(entry.code, frozenset()) | _identifiers(entry.text)
        return found

    def remember(self, identifiers: Mapping[str, Iterable[Identifier]]) -> None:
        """Add to what is known; a file that would not change is not touched.

        Raises:
            KeyMaterialError: as `recall`; or the escrow cannot be written.
        """
        known = self.recall()
        self._escrow.write(
            Entry(self._epoch, code, _KIND, text=_text(frozenset(values) | known.get(code, frozenset())))
            for code, values in identifiers.items()
        )

    def take_in(self, earlier: Path, seal: Seal) -> None:
        """Take over the file in which an earlier version of the engine kept the same, and destroy it.

        Raises:
            KeyMaterialError: it was sealed under another key, or altered.
        """
        if not earlier.exists():
            return
        content = read_private(earlier, name="the vault beside the key")
        self.remember(dict(_earlier(content, seal)))
        with earlier.open("r+b") as stream:
            stream.write(bytes(len(content)))
        earlier.unlink()


def _text(identifiers: Iterable[Identifier]) -> str:
    return json.dumps([[identifier.kind.value, identifier.value] for identifier in sorted(identifiers)])


def _identifiers(text: str) -> frozenset[Identifier]:
    return frozenset(Identifier(IdentifierKind(kind), value) for kind, value in json.loads(text))


def _earlier(content: bytes, seal: Seal) -> Iterator[tuple[str, frozenset[Identifier]]]:
    for line in content.splitlines():
        try:
            code, *pairs = json.loads(seal.open(base64.b64decode(line, validate=True), purpose=_KIND))
        except ValueError:
            # The cause would quote what was sealed.
            raise KeyMaterialError("the vault beside the key was altered") from None
        yield code, frozenset(Identifier(IdentifierKind(kind), value) for kind, value in pairs)
