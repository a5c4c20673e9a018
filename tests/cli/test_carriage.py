"""``poc message export`` and ``import``, ``poc sync --export`` and ``--from``: desks whose hub is gone."""

from __future__ import annotations

import email
import json
import os
import shutil
import subprocess
import sys
from email.policy import default

import pytest

from tests.cli_world import run_here

SUBJECT = "A notice by hand"


def run(home, *words, code=0):
    outcome = run_here(*words, "--json", home=home)
    assert outcome.code == code, outcome
    return outcome.value


def send(home, *more):
    words = ("--to", "sd.technical", "--subject", SUBJECT, "--text", "By hand", "--status", "test")
    sent = run(home, "message", "send", *words, *more)
    assert sent["state"] == "waiting"
    return sent["id"]


def test_a_message_goes_by_mail_and_its_acknowledgement_comes_back_by_file(kept, tmp_path):
    jo, sd = kept["jo"], kept["sd"]
    message = send(jo)
    mail, back = tmp_path / "to-sudan.eml", tmp_path / "back.json"
    written = run(jo, "message", "export", message[-12:], "--eml", mail)
    assert [(f["file"], f["contact"]) for f in written["files"]] == [(str(mail), "sd.technical")]
    assert mail.stat().st_mode & 0o777 == 0o600
    read = email.message_from_bytes(mail.read_bytes(), policy=default)
    assert (read["To"], read["From"]) == ("desk@sd.technical.example", "desk@jo.technical.example")
    assert SUBJECT.encode() not in mail.read_bytes()

    taken = run(sd, "message", "import", mail)
    assert [(m["message"], m["state"], m["new"]) for m in taken["messages"]] == [(message, "retrieved", True)]
    shown = run(sd, "message", "show", message)
    assert shown["subject"] == SUBJECT
    assert "no-anchor" in [warning["code"] for warning in shown["warnings"]]
    assert run(sd, "message", "acknowledge", message, "--officer", "07")["state"] == "waiting"
    assert len(run(sd, "message", "export", "--answers", message, "--out", back)["files"]) == 1

    answers = run(jo, "message", "import", back)["answers"]
    assert [(a["outcome"], a["recorded"]) for a in answers] == [("retrieved", False), ("acknowledged", False)]
    table = run_here("message", "outbox", home=jo).out
    assert "unproven" in table
    told = run_here("message", "import", back, home=jo)
    assert "time is unproven; it was here" in told.out
    assert "nothing is repeated" in run_here("message", "import", mail, home=sd).out


def test_each_of_several_has_a_file_of_its_own_and_nothing_is_written_over(kept, tmp_path):
    jo = kept["jo"]
    message = send(jo, "--info", "eg.diplomatic")
    out = tmp_path / "notice.json"
    files = run(jo, "message", "export", message, "--out", out)["files"]
    names = ["notice-eg.diplomatic.json", "notice-sd.technical.json"]
    assert sorted(path.name for path in tmp_path.glob("notice*")) == names
    assert run(kept["sd"], "message", "import", files[0]["file"], code=1)["code"] == "no-slot-for-key"
    assert run(jo, "message", "export", message, "--out", out, code=1)["code"] == "file-exists"
    one = run(jo, "message", "export", message, "--to", "sd.technical", "--out", out)["files"]
    assert [f["file"] for f in one] == [str(out)]
    assert out.read_bytes() == (tmp_path / names[1]).read_bytes()


WRONG = (
    (("message", "export", "ffffffff", "--out", "x"), 1),
    (("message", "export", "ID"), 2),
    (("message", "export", "ID", "--out", "x", "--eml", "y"), 2),
    (("message", "export", "ID", "--answers", "--to", "sd.technical", "--out", "x"), 2),
    (("message", "export", "ID", "--to", "eg.duty", "--out", "x"), 1),
    (("message", "export", "ID", "--out", "absent/x"), 3),
    (("message", "export", "ID", "--out", "kept"), 1),
    (("message", "import", "absent"), 2),
    (("message", "import", "/dev/null"), 1),
    (("sync", "--since", "3"), 2),
    (("sync", "--export", "x", "--since", "many"), 2),
    (("sync", "--export", "x", "--since", "9999"), 1),
    (("sync", "--export", "x", "--from", "y"), 2),
    (("sync", "--from", "absent"), 2),
    (("sync", "--from", "/dev/null"), 1),
)


def test_what_was_asked_wrongly_is_refused_with_a_next_step_and_writes_nothing(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent = run(kept["jo"], "message", "outbox")["messages"][0]["id"]
    for words, code in WRONG:
        outcome = run_here(*(sent if word == "ID" else word for word in words), "--json", home=kept["jo"])
        assert outcome.code == code, outcome
        assert outcome.value["next"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_log_and_a_snapshot_go_by_file(kept, tmp_path):
    update, snapshot = tmp_path / "log.json", tmp_path / "snapshot.json"
    size = run(kept["jo"], "sync", "--export", update, "--since", "2")["size"]
    assert b"+999" not in update.read_bytes()
    assert json.loads(update.read_bytes())["log"]["first"] == 2
    assert run(kept["sd"], "sync", "--from", update)["entries"] == 0
    run(kept["jo"], "snapshot", "export", snapshot)
    taken = run(kept["sd"], "sync", "--from", snapshot)
    assert (taken["size"], taken["entries"], taken["refused"]) == (size, 0, [])
    assert "every one verified here" in run_here("sync", "--from", update, home=kept["eg"]).out


@pytest.mark.long
def test_export_and_import_need_no_network_at_all(kept, tmp_path):
    unshare = ["unshare", "--net", "--map-root-user"]
    found = shutil.which("unshare") is not None
    if not found or subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("a network namespace of one's own is not permitted here")
    message, out = send(kept["jo"]), tmp_path / "m.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POC_")}
    for home, words in (
        (kept["jo"], ("message", "export", message, "--out", out)),
        (kept["sd"], ("message", "import", out)),
    ):
        command = [*unshare, sys.executable, "-m", "poc.cli.main", "--home", home, *words]
        done = subprocess.run(
            list(map(str, command)), env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "verified (retrieved)" in done.stdout
