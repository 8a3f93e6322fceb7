from pathlib import Path

import pytest

from curator.bundled import bundled_folder
from curator.policy.gates import Gates, load_gates
from curator.policy.header import HeaderPolicy, load_header_policy


@pytest.fixture(scope="session")
def rules() -> Path:
    return bundled_folder("rules")


@pytest.fixture(scope="session")
def basic(rules: Path) -> HeaderPolicy:
    return load_header_policy(rules)


@pytest.fixture(scope="session")
def gates(rules: Path) -> Gates:
    return load_gates(rules)
