"""The key file: made once for its owner alone, sealed against change, changed without losing an epoch."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from curator.adapters import key_format
from curator.adapters.keyfile import Keyfile, new_secret, refuse_placement
from curator.errors import KeyMaterialError, KeyPlacementError, RefusedError, UsageError
from curator.identity.pseudonyms import key_id_of
from curator.identity.ring import ring_of, rotated, with_newest_wrapping, with_wrapping, without_epoch
from curator.model.keys import Key, KeyRing

SECRET = bytes(range(64, 96))


@pytest.fixture
def store(tmp_path: Path) -> Keyfile:
    made = Keyfile(tmp_path / "keys" / "key.json")
    made.create(domain="trial")
    return made


def forms(secret: bytes) -> set[str]:
    return {secret.hex(), base64.b64encode(secret).decode(), repr(secret)[2:-1], str(list(secret))}


def test_K01_a_key_has_256_random_bits_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    secrets = set()
    for number in range(20):
        path = tmp_path / "deep" / f"{number}.json"
        ring_secrets = [Keyfile(path).create(domain="d").secret]
        ring = Keyfile(path).ring()
        ring_secrets += [ring.check, ring.wrapping[0].secret]
        assert {len(secret) for secret in ring_secrets} == {32}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        secrets.update(ring_secrets)
    assert len(secrets) == 60
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) == 0o700


def test_K01_a_umask_of_nothing_does_not_open_the_file(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom curator.adapters.keyfile import Keyfile\nos.umask(0)\n"
        "Keyfile(Path(sys.argv[1])).create(domain='d')\n"
    )
    path = tmp_path / "key.json"
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_K01_what_is_there_is_never_overwritten_nor_followed(tmp_path: Path) -> None:
    there, link, dangling = tmp_path / "there", tmp_path / "link", tmp_path / "dangling"
    there.write_text("mine")
    link.symlink_to(there)
    dangling.symlink_to(tmp_path / "nowhere")
    for path in (there, link, dangling):
        with pytest.raises(KeyMaterialError, match="exists already"):
            Keyfile(path).create(domain="d")
    assert there.read_text() == "mine" and not (tmp_path / "nowhere").exists()


def test_K01_a_link_or_a_file_that_others_can_read_is_not_read(store: Keyfile, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(store.path)
    with pytest.raises(KeyMaterialError):
        Keyfile(link).load()
    for mode in (0o640, 0o604, 0o660):
        store.path.chmod(mode)
        with pytest.raises(KeyMaterialError, match="chmod 600"):
            store.load()


def test_K01_no_secret_is_shown(store: Keyfile) -> None:
    ring = with_wrapping(rotated(store.ring(), SECRET), new_secret())
    secrets = [key.secret for key in (*ring.keys, *ring.wrapping)] + [ring.check]
    shown = [repr(ring), str(ring), repr(ring.keys), repr(store), f"{ring.active!r}", repr(ring.wrapping)]
    tampered = store.path.read_text().replace('"trial"', '"other"')
    for content in (tampered, tampered[:-40], "{}", "[1]"):
        store.path.write_text(content)
        try:
            store.load()
        except KeyMaterialError as error:
            shown.append("".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()))
        else:
            pytest.fail("it was read")
    for text in shown:
        assert not any(form in text for secret in secrets for form in forms(secret))
    assert str(store.path) not in "".join(shown)


@pytest.mark.parametrize("folder", ["output", "output/deep", "link"])
def test_K02_a_key_in_a_forbidden_folder_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "output" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "output")
    with pytest.raises(KeyPlacementError):
        refuse_placement(tmp_path / folder / "key.json", forbidden=[tmp_path / "output"])
    refuse_placement(tmp_path / "beside.json", forbidden=[tmp_path / "output"])


def test_K02_a_key_in_a_git_checkout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    with pytest.raises(KeyPlacementError):
        refuse_placement(tmp_path / "checkout" / "deep" / "key.json", forbidden=[])


def test_K04_format_1_is_read_and_becomes_format_2_with_the_first_change(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    content = {
        "format": "curator-key/1",
        "key_id": key_id_of(SECRET),
        "domain": "trial",
        "secret": base64.b64encode(SECRET).decode(),
    }
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    store = Keyfile(path)
    ring = store.ring()
    assert store.load() == Key(key_id_of(SECRET), "trial", SECRET, 1) == ring.active
    assert ring == store.ring() == ring_of(ring.active)
    store.replace(rotated(ring, new_secret()))
    assert json.loads(path.read_text())["format"] == "curator-key/2"
    later = store.ring()
    assert (later.retired, later.wrapping, later.check) == ((ring.active,), ring.wrapping, ring.check)


def test_K04_a_rotation_keeps_what_was_and_counts_on(store: Keyfile) -> None:
    first = store.ring()
    store.replace(rotated(first, SECRET))
    second = store.ring()
    assert (second.active.secret, second.active.epoch, second.active.domain) == (SECRET, 2, "trial")
    assert second.retired == (first.active,)
    assert second.key_ids == {first.active.key_id, key_id_of(SECRET)}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert [path.name for path in store.path.parent.iterdir()] == ["key.json"]
    with pytest.raises(UsageError):
        rotated(second, SECRET)


def test_K04_a_destroyed_epoch_leaves_no_secret_in_the_file_nor_in_the_bytes_it_lay_in(store: Keyfile) -> None:
    first = store.ring()
    store.replace(rotated(first, SECRET))
    before = os.open(store.path, os.O_RDONLY)
    try:
        store.replace(without_epoch(store.ring(), 1))
        assert set(os.pread(before, 1 << 16, 0)) == {0}
    finally:
        os.close(before)
    later = store.ring()
    assert (later.keys, [one.epoch for one in later.shredded]) == ((rotated(first, SECRET).active,), [1])
    assert base64.b64encode(first.active.secret).decode() not in store.path.read_text()
    assert without_epoch(later, 1) == later
    assert rotated(later, new_secret()).active.epoch == 3
    with pytest.raises(RefusedError, match="active"):
        without_epoch(later, 2)
    with pytest.raises(UsageError):
        without_epoch(later, 7)


def test_K04_a_change_that_was_cut_off_leaves_the_file_as_it_was(store: Keyfile) -> None:
    before = store.path.read_bytes()
    (store.path.parent / "key.json.partial").write_text("half")
    with pytest.raises(KeyMaterialError, match="partial"):
        store.replace(rotated(store.ring(), SECRET))
    assert store.path.read_bytes() == before


def _changed(fields: dict[str, object], change: str) -> None:
    epochs, wrapping = fields["epochs"], fields["wrapping"]
    assert isinstance(epochs, list) and isinstance(wrapping, list)
    other = base64.b64encode(bytes(32)).decode()
    match change:
        case "domain":
            fields["domain"] = "other"
        case "epoch":
            epochs[0]["epoch"] = 9
        case "secret":
            epochs[0]["secret"] = other
        case "another key":
            epochs[0] |= {"secret": other, "key_id": key_id_of(bytes(32))}
        case "wrapping":
            wrapping[0]["secret"] = other
        case "check":
            fields["check"] = other
        case "an epoch less":
            del epochs[0]
        case "a field more":
            fields["more"] = 1
        case "no seal":
            del fields["seal"]
        case "short":
            fields["check"] = base64.b64encode(b"short").decode()
        case "format":
            fields["format"] = "curator-key/3"


@pytest.mark.parametrize(
    "change",
    "domain epoch secret another_key wrapping check an_epoch_less a_field_more no_seal short format".split(),
)
def test_K06_a_key_file_that_was_changed_by_hand_is_refused(store: Keyfile, change: str) -> None:
    store.replace(rotated(store.ring(), SECRET))
    fields = json.loads(store.path.read_text())
    _changed(fields, change.replace("_", " "))
    store.path.write_text(json.dumps(fields))
    with pytest.raises(KeyMaterialError):
        store.load()


def test_K06_every_single_bit_counts(store: Keyfile) -> None:
    content = bytearray(store.path.read_bytes())
    ring = store.ring()
    for place in range(0, len(content), 7):
        content[place] ^= 1
        try:
            found: KeyRing | None = key_format.read(bytes(content))
        except KeyMaterialError:
            found = None
        assert found in (None, ring)  # blanks may change
        content[place] ^= 1


def test_K05_a_wrapping_key_is_replaced_in_two_steps(store: Keyfile) -> None:
    first = store.ring()
    both = with_wrapping(first, new_secret())
    assert both.wrapping[0] == first.wrapping[0]
    assert with_newest_wrapping(both).wrapping == both.wrapping[1:]
    store.replace(both)
    assert store.ring() == both
