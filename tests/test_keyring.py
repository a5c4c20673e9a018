"""Private keys at rest: what opens them, what does not, and what lies beside them in clear."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from poc import keyring as module
from poc.core.strictjson import b64u
from poc.errors import RefusedError, UnreachableError
from poc.keyring import INDEX_NAME, KEYRING_NAME, Keyring, read_index, read_passphrase_file, write_private

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
PASSPHRASE = "four words of it"


def counted(number: int):
    return lambda size: bytes([number]) * size


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    keys = Keyring.create(folder, PASSPHRASE)
    keys.add_signing("device", "jo.technical", NOW, counted(1))
    keys.add_sealing("jo.technical", NOW + timedelta(seconds=1), counted(2))
    keys.add_signing("authority", "jo", NOW + timedelta(seconds=2), counted(3))
    keys.save()
    return folder


def code_of(function, *arguments) -> str:
    with pytest.raises(RefusedError) as caught:
        function(*arguments)
    return caught.value.code


def sealed_with(header: dict[str, Any], content: str) -> str:
    algorithms = [header["alg"], header["enc"]]
    return jwe.encrypt_compact(header, content, OctKey.import_key(PASSPHRASE.encode()), algorithms=algorithms)


def test_a_keyring_opens_with_its_passphrase_and_gives_the_same_keys(home: Path) -> None:
    keys = Keyring.unlock(home, PASSPHRASE)
    device, sealing, authority = keys.list()
    assert keys.signing(device.kid).private_jwk() == device.key.private_jwk()
    assert keys.sealing(sealing.kid).kid == sealing.kid
    assert [key.kid for key in keys.by_role("authority")] == [authority.kid]
    assert keys.has(device.kid)
    assert not keys.has("A" * 43)


def test_a_wrong_passphrase_is_refused(home: Path) -> None:
    assert code_of(Keyring.unlock, home, "four words of us") == "wrong-passphrase"
    assert code_of(Keyring.unlock, home, "") == "wrong-passphrase"


def test_a_home_without_keyring_says_so(tmp_path: Path) -> None:
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) == "no-keyring"
    assert code_of(read_index, tmp_path) == "no-keyring"


def test_a_second_keyring_in_one_home_is_refused(home: Path) -> None:
    assert code_of(Keyring.create, home, PASSPHRASE) == "keyring-exists"


def test_a_short_passphrase_is_refused_at_the_start_and_later(tmp_path: Path, home: Path) -> None:
    assert code_of(Keyring.create, tmp_path, "short") == "weak-passphrase"
    assert code_of(Keyring.unlock(home, PASSPHRASE).change_passphrase, "short") == "weak-passphrase"


@pytest.mark.parametrize("position", [10, 200, -10])
def test_a_changed_keyring_does_not_open(home: Path, tmp_path: Path, position: int) -> None:
    text = (home / KEYRING_NAME).read_text()
    swapped = "A" if text[position] != "A" else "B"
    (tmp_path / KEYRING_NAME).write_text(text[:position] + swapped + text[position:][1:])
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) in {"wrong-passphrase", "bad-keyring"}


@pytest.mark.parametrize(
    "text",
    ["", "not a jwe", "e30.e30.e30", "é", "A" * (1024 * 1024 + 1), b64u(b"[]") + "....", b64u(b"{") + "...."],
)
def test_a_file_of_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / KEYRING_NAME).write_text(text)
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) == "bad-keyring"


@pytest.mark.parametrize("rounds", [99_999, 2_000_001, 1])
def test_rounds_outside_the_bounds_are_refused_before_any_work(tmp_path: Path, rounds: int) -> None:
    header = b64u(json.dumps({"alg": module.ALGORITHM, "enc": "A256GCM", "p2c": rounds}).encode())
    (tmp_path / KEYRING_NAME).write_text(header + "....")
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) == "bad-keyring"


@pytest.mark.parametrize("enc", ["A128GCM", "A256CBC-HS512"])
def test_another_algorithm_is_refused(tmp_path: Path, enc: str) -> None:
    header = {"alg": module.ALGORITHM, "enc": enc, "p2c": 100_000}
    (tmp_path / KEYRING_NAME).write_text(sealed_with(header, "{}"))
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) == "bad-keyring"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"keys":[{}]}',
        '{"keys":[],"destroyed":[{}]}',
        '{"keys":[],"destroyed":7}',
        '{"keys":[1]}',
        '{"keys":7}',
        "not json",
    ],
)
def test_content_of_another_form_is_refused(tmp_path: Path, content: str) -> None:
    header = {"alg": module.ALGORITHM, "enc": "A256GCM", "p2c": 100_000}
    (tmp_path / KEYRING_NAME).write_text(sealed_with(header, content))
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) == "bad-keyring"


def test_a_key_is_asked_for_by_what_it_does(home: Path) -> None:
    keys = Keyring.unlock(home, PASSPHRASE)
    device, sealing, _ = keys.list()
    assert code_of(keys.signing, sealing.kid) == "no-key"
    assert code_of(keys.sealing, device.kid) == "no-key"
    assert code_of(keys.signing, "A" * 43) == "no-key"


def test_a_retired_key_still_opens_but_no_longer_signs_for_its_role(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    old = keys.add_signing("device", "jo.technical", NOW, counted(5))
    keys.retire(old.kid, NOW)
    keys.save()
    again = Keyring.unlock(tmp_path, PASSPHRASE)
    assert again.by_role("device") == ()
    assert again.signing(old.kid).kid == old.kid
    assert again.list()[0].retired_at == NOW


async def test_a_new_passphrase_replaces_the_old_one(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    keys.add_signing("device", "jo.technical", NOW, counted(6))
    await keys.save_in_thread()
    keys.change_passphrase("another four words")
    assert code_of(Keyring.unlock, tmp_path, PASSPHRASE) == "wrong-passphrase"
    assert len(Keyring.unlock(tmp_path, "another four words").list()) == 1


def test_the_index_needs_no_passphrase_and_holds_no_private_member(home: Path) -> None:
    rows = read_index(home)
    assert {row["role"] for row in rows} == {"device", "authority"}
    assert not {"d", "priv"} & {member for row in rows for member in (*row, *row["jwk"])}


def test_a_damaged_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / INDEX_NAME).write_text("[]")
    assert code_of(read_index, tmp_path) == "bad-keyring"


def test_files_are_readable_by_their_owner_only(home: Path) -> None:
    assert {(home / name).stat().st_mode & 0o777 for name in (KEYRING_NAME, INDEX_NAME)} == {0o600}


def test_nothing_of_a_keyring_shows_in_a_repr(home: Path) -> None:
    keys = Keyring.unlock(home, PASSPHRASE)
    shown = repr(keys) + repr(keys.list())
    private: list[Any] = [entry.key.private_jwk() for entry in keys.list()]
    assert PASSPHRASE not in shown
    assert not [jwk for jwk in private if jwk.get("d", jwk.get("priv")) in shown]


def test_a_passphrase_file_is_read_only_if_nobody_else_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POC_PASSPHRASE_FILE", raising=False)
    assert read_passphrase_file(tmp_path) is None
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o644)
    assert code_of(read_passphrase_file, tmp_path) == "passphrase-file-open"
    path.chmod(0o600)
    assert read_passphrase_file(tmp_path) == PASSPHRASE
    path.write_bytes(b"\xff\xfe")
    assert code_of(read_passphrase_file, tmp_path) == "no-such-file"


def test_a_passphrase_file_named_but_missing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POC_PASSPHRASE_FILE", str(tmp_path / "nowhere"))
    assert code_of(read_passphrase_file, tmp_path) == "no-such-file"


def test_a_disk_that_does_not_take_the_file_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").write_text("kept")
    with pytest.raises(UnreachableError) as caught:
        write_private(tmp_path / "folder", b"new")
    assert caught.value.code == "storage-failed"
    assert (tmp_path / "folder" / "x").read_text() == "kept"


def test_two_that_write_one_keyring_at_once_lose_no_key(tmp_path: Path) -> None:
    first, second = (Keyring.create(tmp_path, "four words of it") for _ in range(2))
    now = datetime(2026, 11, 24, tzinfo=UTC)
    kept = first.add_signing("authority", "jo", now, lambda count: b"1" * count)
    first.save()
    second.add_signing("authority", "jo", now, lambda count: b"2" * count)
    with pytest.raises(RefusedError) as refused:
        second.save()
    assert refused.value.code == "home-in-use"
    assert [row["kid"] for row in read_index(tmp_path)] == [kept.kid]
    third = Keyring.unlock(tmp_path, "four words of it")
    first.retire(kept.kid, now)
    first.save()
    with pytest.raises(RefusedError):
        third.save()
    first.save()


def test_a_destroyed_key_is_gone_and_its_absence_is_told(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    old = keys.add_sealing("jo.technical", NOW, counted(7))
    new = keys.add_sealing("jo.technical", NOW, counted(8), replaces=old.kid)
    keys.save()
    assert keys.next_of(old.kid) is new
    keys.destroy(old.kid, NOW + timedelta(days=90))
    assert code_of(keys.destroy, old.kid, NOW) == "key-destroyed"
    assert code_of(keys.destroy, "A" * 43, NOW) == "no-key"
    keys.save()
    again = Keyring.unlock(tmp_path, PASSPHRASE)
    assert code_of(again.sealing, old.kid) == "key-destroyed"
    assert (again.has(old.kid), again.has(new.kid)) == (False, True)
    following = again.next_of(old.kid)
    assert following is not None
    assert following.kid == new.kid
    assert [(gone.kid, gone.destroyed_at) for gone in again.destroyed()] == [
        (old.kid, NOW + timedelta(days=90))
    ]
    gone, kept = read_index(tmp_path)
    assert (gone["kid"], gone["jwk"], gone["destroyed_at"]) == (old.kid, None, "2027-02-22T08:00:00Z")
    assert (kept["kid"], kept["replaces"], kept["destroyed_at"]) == (new.kid, old.kid, None)


def test_the_bytes_of_the_file_before_are_overwritten_at_every_save(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    keys.add_sealing("jo.technical", NOW, counted(7))
    keys.save()
    with (tmp_path / KEYRING_NAME).open("rb") as before:
        old = before.read()
        keys.add_sealing("jo.technical", NOW, counted(8))
        keys.save()
        before.seek(0)
        assert before.read(100) != old[:100]
    assert [path.name for path in tmp_path.iterdir()].count(KEYRING_NAME) == 1
    assert list(tmp_path.glob(".*")) == []


def test_what_an_interrupted_save_left_is_overwritten_by_mend(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    keys.add_sealing("jo.technical", NOW, counted(7))
    keys.save()
    left = [tmp_path / f".{KEYRING_NAME}.before", tmp_path / f".{KEYRING_NAME}.1.part"]
    for path in left:
        path.write_bytes((tmp_path / KEYRING_NAME).read_bytes())
    (tmp_path / INDEX_NAME).write_text('{"keys": []}')
    with left[0].open("rb") as held:
        keys.mend()
        assert held.read() != (tmp_path / KEYRING_NAME).read_bytes()
    assert not any(path.exists() for path in left)
    assert len(read_index(tmp_path)) == 1


def test_mend_leaves_the_keyring_alone_where_the_save_ended_before_its_file_was_in_place(
    tmp_path: Path,
) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    keys.add_sealing("jo.technical", NOW, counted(7))
    keys.save()
    (tmp_path / f".{KEYRING_NAME}.before").hardlink_to(tmp_path / KEYRING_NAME)
    keys.mend()
    assert len(Keyring.unlock(tmp_path, PASSPHRASE).list()) == 1
    (tmp_path / KEYRING_NAME).write_text("of another process")
    (tmp_path / INDEX_NAME).write_text("of another process")
    keys.mend()
    assert (tmp_path / INDEX_NAME).read_text() == "of another process"


def test_a_keyring_that_another_process_wrote_is_read_again(tmp_path: Path) -> None:
    first = Keyring.create(tmp_path, PASSPHRASE)
    assert not first.reload()
    first.add_signing("authority", "jo", NOW, counted(1))
    first.save()
    second = Keyring.unlock(tmp_path, PASSPHRASE)
    second.add_signing("authority", "jo", NOW, counted(2))
    second.save()
    assert not second.reload()
    assert first.reload()
    assert len(first.list()) == 2
    first.save()


async def test_a_new_key_that_the_disk_did_not_take_is_forgotten(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    (tmp_path / KEYRING_NAME).write_text("of another process")
    made = keys.add_sealing("jo.technical", NOW, counted(1))
    with pytest.raises(RefusedError):
        await keys.save_new(made.kid)
    assert not keys.has(made.kid)


def test_a_keyring_of_an_earlier_version_opens(tmp_path: Path) -> None:
    keys = Keyring.create(tmp_path, PASSPHRASE)
    entry = keys.add_signing("authority", "jo", NOW, counted(1))
    jwk = {name: value for name, value in keys.list()[0].private().items() if name != "poc_replaces"}
    header = {"alg": module.ALGORITHM, "enc": "A256GCM", "p2c": 100_000}
    (tmp_path / KEYRING_NAME).write_text(sealed_with(header, json.dumps({"keys": [jwk]})))
    again = Keyring.unlock(tmp_path, PASSPHRASE)
    assert (again.list()[0].kid, again.list()[0].replaces, again.destroyed()) == (entry.kid, None, ())
