"""The Merkle root by hand, and the lock's one form."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.dataset.canonical import canonical_json
from curator.dataset.seal import lock_bytes, lock_from, merkle_root
from curator.errors import IntegrityError
from curator.model.annotation import Label
from curator.model.lock import DatasetLock

FILES = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b", "c/d", "e", "f")}


def leaf(path: str) -> bytes:
    return hashlib.sha256(b"\x00" + path.encode() + b"\x00" + bytes.fromhex(FILES[path])).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_the_root_is_that_of_a_tree_built_by_hand():
    a, b, c, e, f = (leaf(path) for path in ("a", "b", "c/d", "e", "f"))
    assert merkle_root(FILES) == node(node(node(a, b), node(c, e)), f).hex()
    assert merkle_root({path: FILES[path] for path in ("a", "b", "c/d")}) == node(node(a, b), c).hex()
    assert merkle_root({"a": FILES["a"]}) == a.hex()


def test_the_root_of_nothing_is_that_of_rfc_6962():
    assert merkle_root({}) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(
    st.dictionaries(st.text(string.ascii_lowercase + "/", min_size=1), st.binary(min_size=32, max_size=32), min_size=1),
    st.data(),
)
def test_any_change_to_any_file_changes_the_root(digests, data):
    files = {path: digest.hex() for path, digest in digests.items()}
    root = merkle_root(files)
    assert merkle_root(dict(reversed(files.items()))) == root
    path = data.draw(st.sampled_from(sorted(files)))
    without = {key: value for key, value in files.items() if key != path}
    flipped = f"{int(files[path], 16) ^ 1:064x}"
    others = (without, files | {path: flipped}, without | {path + "x": files[path]})
    assert len({root, *(merkle_root(other) for other in others)}) == 4


def lock_of(**changes: object) -> DatasetLock:
    facts: dict[str, object] = {
        "name": "x",
        "version": "1.0.0",
        "layout_version": 1,
        "seed": 2**63 - 1,
        "spec_sha256": "0" * 64,
        "catalogue_sha256": "1" * 64,
        "tools": {"curator": "0"},
        "policy_digests": {},
        "labels": (Label(1, "Leber ü"),),
        "counts": {"items": 1},
        "merkle_root": merkle_root(FILES),
        "files": FILES,
    }
    return DatasetLock(**(facts | changes))  # type: ignore[arg-type]


def test_a_lock_reads_back_and_has_one_form():
    content = lock_bytes(lock_of())
    assert lock_from(content) == lock_of()
    assert lock_bytes(lock_of(files=dict(reversed(FILES.items())))) == content
    assert content.endswith(b"}\n")
    for other in (
        content[:-1],
        content + b"\n",
        content.replace(b": ", b":"),
        content.replace("ü".encode(), b"\\u00fc"),
    ):
        with pytest.raises(IntegrityError):
            lock_from(other)


def test_another_layout_is_refused():
    with pytest.raises(IntegrityError, match="of layout 2, this copy reads layout 1"):
        lock_from(lock_bytes(lock_of(layout_version=2)))


def test_what_has_no_canonical_form_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
