"""Dask as an executor: the same promises as the pool, nothing on a log, nothing without TLS."""

from collections.abc import Iterator

import pytest

from curator.adapters.dask_cluster import DaskCluster
from curator.errors import RefusedError


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskCluster]:
    cluster = DaskCluster(workers=2)
    yield cluster
    cluster.close()


def test_every_item_gives_its_result_once(cluster: DaskCluster) -> None:
    assert sorted(cluster.map(abs, range(-40, 0))) == list(range(1, 41))


def test_no_items_give_nothing(cluster: DaskCluster) -> None:
    assert list(cluster.map(abs, [])) == []


def test_an_exception_is_raised_here_and_quoted_nowhere(
    cluster: DaskCluster, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="Kravarebir"):
        list(cluster.map(int, ["Kravarebir"]))
    assert list(cluster.map(abs, [-1])) == [1]
    written = capfd.readouterr()
    assert "Kravarebir" not in written.out + written.err


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "scheduler:8786", "ws://host"])
def test_a_scheduler_without_tls_is_refused(address: str) -> None:
    with pytest.raises(RefusedError, match="TLS"):
        DaskCluster(workers=1, address=address)
