"""Finds the rules and migrations that belong to this copy of the engine.

In a checkout (also an editable install) they lie beside the package and the checkout wins; in a wheel they lie under
`curator/_bundled`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def bundled_folder(name: str) -> Path:
    """The folder `rules` or `migrations` that ships with this copy.

    Raises:
        FileNotFoundError: this copy was built without it.
    """
    checkout = _PACKAGE.parent
    for folder in (checkout / name, _PACKAGE / "_bundled" / name):
        if (checkout / "pyproject.toml").is_file() is (folder.parent == checkout) and folder.is_dir():
            return folder
    raise FileNotFoundError(f"this installation carries no {name} folder; install it again")
