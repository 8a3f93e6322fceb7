"""What identifies each person, sealed, in a file beside the key.

`deid verify` has to know what to search for long after the job ended. That knowledge is as sensitive as the key, so it
lies with the key: never in the workspace, the catalogue or the output.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from curator.errors import KeyMaterialError
from curator.identity.sealing import Seal
from curator.model.identity import Identifier, IdentifierKind

_PURPOSE = "identifiers"
_OWNER_ONLY = 0o600


class Vault:
    """Identifiers by patient code; one sealed record a line, sorted, so that the same content is the same file."""

    __slots__ = ("_path", "_seal")

    def __init__(self, path: Path, seal: Seal) -> None:
        self._path = path
        self._seal = seal

    def recall(self) -> dict[str, frozenset[Identifier]]:
        """All identifiers by patient code; empty where nothing was remembered.

        Raises:
            KeyMaterialError: sealed under another key, or altered.
        """
        if not self._path.is_file():
            return {}
        records = (self._opened(line) for line in self._path.read_text(encoding="ascii").splitlines())
        return dict(records)

    def remember(self, identifiers: Mapping[str, Iterable[Identifier]]) -> None:
        """Add to what is known; a file that would not change is not touched."""
        known = self.recall()
        merged = {code: frozenset(values) | known.get(code, frozenset()) for code, values in identifiers.items()}
        merged = {**known, **merged}
        if merged == known:
            return
        partial = self._path.with_name(self._path.name + ".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.writelines(self._line(code, merged[code]) + "\n" for code in sorted(merged))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self._path)

    def _line(self, code: str, identifiers: Iterable[Identifier]) -> str:
        content = [code, *([identifier.kind.value, identifier.value] for identifier in sorted(identifiers))]
        return base64.b64encode(self._seal.seal(json.dumps(content), purpose=_PURPOSE)).decode("ascii")

    def _opened(self, line: str) -> tuple[str, frozenset[Identifier]]:
        try:
            code, *pairs = json.loads(self._seal.open(base64.b64decode(line, validate=True), purpose=_PURPOSE))
        except ValueError:
            # The cause would quote what was sealed.
            raise KeyMaterialError("the vault beside the key was altered") from None
        return code, frozenset(Identifier(IdentifierKind(kind), value) for kind, value in pairs)
