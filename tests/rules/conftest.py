from pathlib import Path

import pytest

from curator.bundled import bundled_folder


@pytest.fixture(scope="session")
def rules() -> Path:
    return bundled_folder("rules")
