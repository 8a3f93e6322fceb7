from __future__ import annotations

import pytest
from made_hospital import MadeHospital

from curator.testing import make_hospital


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> MadeHospital:
    root = tmp_path_factory.mktemp("phantom") / "hospital"
    return MadeHospital(root, make_hospital(root, seed=0))
