"""Where secrets are kept: always outside the workspace, the output and the catalogue."""

from __future__ import annotations

from typing import Protocol

from curator.model.keys import Key, KeyRing


class Keystore(Protocol):
    """Gives the keys of one release domain."""

    def load(self) -> Key:
        """The active key.

        Raises:
            KeyMaterialError: it is missing, weak, readable by others or tampered with.
        """
        ...

    def ring(self) -> KeyRing:
        """All keys: the active one and those that earlier outputs were made with.

        Raises:
            KeyMaterialError: as `load`.
        """
        ...
