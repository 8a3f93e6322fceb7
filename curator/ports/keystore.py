"""Where secrets are kept: always outside the workspace, the output and the catalogue."""

from __future__ import annotations

from typing import Protocol

from curator.model.keys import Key


class Keystore(Protocol):
    """Gives the active key."""

    def load(self) -> Key:
        """The active key.

        Raises:
            KeyMaterialError: it is missing, weak, readable by others or tampered with.
        """
        ...
