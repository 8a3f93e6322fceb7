"""A key is made once, for its owner only, where no data leaves; a file that is not as it was made is refused."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from curator.adapters.keyfile import Keyfile, refuse_placement
from curator.errors import EXIT_REFUSED, KeyMaterialError, KeyPlacementError

SECRET = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "release.json"


@pytest.fixture
def made(path: Path) -> Path:
    Keyfile(path).create(domain="release", secret=SECRET)
    return path


def refusal(path: Path) -> KeyMaterialError:
    with pytest.raises(KeyMaterialError) as raised:
        Keyfile(path).load()
    assert raised.value.exit_code == EXIT_REFUSED
    return raised.value


def test_a_key_comes_back_as_it_was_made(path: Path) -> None:
    key = Keyfile(path).create(domain="release")
    assert Keyfile(path).load() == key
    assert len(key.secret) >= 32 and key.domain == "release"
    assert Keyfile(path.with_name("other")).create(domain="release").secret != key.secret


def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keyfile(tmp_path / "new" / "k").create(domain="release")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new" / "k").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601, 0o777])
def test_a_key_that_others_can_reach_is_refused(made: Path, mode: int) -> None:
    made.chmod(mode)
    assert "chmod 600" in str(refusal(made))


def test_a_key_is_never_overwritten(made: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(KeyMaterialError, match="exists already"):
        Keyfile(made).create(domain="release")
    assert made.read_bytes() == before


@pytest.mark.parametrize("is_dangling", [False, True])
def test_a_symbolic_link_is_neither_read_nor_followed(made: Path, tmp_path: Path, is_dangling: bool) -> None:
    link = tmp_path / "link"
    target = tmp_path / "not there" if is_dangling else made
    link.symlink_to(target)
    refusal(link)
    with pytest.raises(KeyMaterialError):
        Keyfile(link).create(domain="release")
    assert target.exists() is not is_dangling


def test_a_missing_key_is_told_without_its_path(path: Path) -> None:
    error = refusal(path)
    assert path.name not in str(error) and "cannot be opened" in str(error)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"format": "curator-key/9"}', b'"x"'])
def test_what_is_no_key_file_is_refused(made: Path, content: bytes) -> None:
    made.write_bytes(content)
    refusal(made)


def test_any_byte_that_was_altered_is_found(made: Path) -> None:
    content = made.read_bytes()
    # JSON's own blanks and the newline at the end mean nothing.
    significant = [place for place in range(0, len(content), 3) if content[place : place + 1].strip()]
    for place in significant:
        made.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        refusal(made)
    made.write_bytes(content)
    Keyfile(made).load()


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_key_file_cut_short_is_refused(made: Path, cut: int) -> None:
    made.write_bytes(made.read_bytes().rstrip()[:-cut])
    refusal(made)


def test_a_weak_secret_is_neither_made_nor_read(tmp_path: Path) -> None:
    with pytest.raises(KeyMaterialError, match="32 bytes"):
        Keyfile(tmp_path / "weak").create(domain="release", secret=bytes(31))
    weak = tmp_path / "by hand"
    secret = base64.b64encode(bytes(31)).decode()
    fields = {"format": "curator-key/1", "key_id": "0" * 16, "domain": "release", "secret": secret}
    weak.write_text(json.dumps(fields))
    weak.chmod(0o600)
    refusal(weak)


def test_nothing_of_a_secret_is_ever_shown(made: Path) -> None:
    store = Keyfile(made)
    key, ring = store.load(), store.ring()
    secrets = [secret for one in (key.secret, ring.check) for secret in (one.hex(), base64.b64encode(one).decode())]
    shown = " ".join(map(repr, (store, key, ring, ring.wrapping))) + f"{key} {ring}"
    made.write_bytes(made.read_bytes().replace(b'"release"', b'"Release"'))
    try:
        store.load()
    except KeyMaterialError as error:
        shown += "".join(traceback.format_exception(error))
    assert not any(secret in shown for secret in secrets)
    assert str(SECRET) not in shown and made.name not in repr(store)


@pytest.mark.parametrize("inside", ["k", "keys/k", "deep/er/k"])
def test_no_key_lies_in_a_workspace_or_an_output(tmp_path: Path, inside: str) -> None:
    workspace, output = tmp_path / "workspace", tmp_path / "out"
    for folder in (workspace, output):
        folder.mkdir()
        with pytest.raises(KeyPlacementError):
            refuse_placement(folder / inside, forbidden=[workspace, output])
    refuse_placement(tmp_path / "elsewhere" / inside, forbidden=[workspace, output])
    # A name that only begins like the folder's is another place.
    refuse_placement(tmp_path / "workspace-keys" / inside, forbidden=[workspace, output])


def test_links_and_dots_do_not_hide_where_a_key_lies(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (tmp_path / "link").symlink_to(workspace)
    (tmp_path / "way").mkdir()
    for path in (tmp_path / "link" / "k", tmp_path / "way" / ".." / "workspace" / "k"):
        with pytest.raises(KeyPlacementError):
            refuse_placement(path, forbidden=[workspace])
    with pytest.raises(KeyPlacementError):
        refuse_placement(workspace / "k", forbidden=[tmp_path / "link"])


def test_no_key_lies_in_a_git_checkout(tmp_path: Path) -> None:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    (tmp_path / "worktree").mkdir()
    (tmp_path / "worktree" / ".git").write_text("gitdir: elsewhere")
    for folder in ("checkout", "worktree"):
        for inside in ("k", "a/b/k"):
            with pytest.raises(KeyPlacementError, match="git"):
                refuse_placement(tmp_path / folder / inside, forbidden=[])


_ON_A_FULL_DISK = """
    import resource, signal, sys
    from pathlib import Path
    from curator.adapters.keyfile import Keyfile
    from curator.errors import KeyMaterialError
    store = Keyfile(Path(sys.argv[1]))
    ring = store.ring() if Path(sys.argv[1]).exists() else None
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    try:
        store.create(domain="release") if ring is None else store.replace(ring)
    except KeyMaterialError as error:
        print(type(error).__name__)
"""


@pytest.mark.parametrize("is_there", [False, True])
def test_a_key_that_cannot_be_written_leaves_no_half(tmp_path: Path, is_there: bool) -> None:
    path = tmp_path / "k"
    if is_there:
        Keyfile(path).create(domain="release", secret=SECRET)
    before = path.read_bytes() if is_there else None
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_ON_A_FULL_DISK), str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "KeyMaterialError\n", done.stderr
    assert [one.name for one in tmp_path.iterdir()] == (["k"] if is_there else [])
    if is_there:
        assert path.read_bytes() == before
        Keyfile(path).replace(Keyfile(path).ring())
        assert Keyfile(path).load().secret == SECRET
