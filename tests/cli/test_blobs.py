"""Large attachments at the command line: text at once, files when fetched, plain words when not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tests.cli_world import poc

PLAIN = hashlib.shake_256(b"cli").digest(300_000)


def read_all(paths):
    return [Path(path).read_bytes() for path in paths]


def inbox_of(outcome):
    return outcome.value["messages"][0]["message"]


async def test_a_large_attachment_is_sent_shown_missing_fetched_and_saved(homes, tmp_path):
    jo, sd = homes["jo"], homes["sd"]
    for name in ("report.pdf", "second.bin"):
        (tmp_path / name).write_bytes(PLAIN)
    files = ("--attach", tmp_path / "report.pdf", "--attach", tmp_path / "second.bin")
    words = ("message", "send", "--to", "sd.technical", "--subject", "Report", "--status", "test", *files)
    sent = (await poc(*words, "--json", home=jo)).value
    assert (sent["state"], sent["attachments_waiting"]) == ("accepted", 0)
    assert (await poc("sync", home=sd)).code == 0
    message = inbox_of(await poc("message", "inbox", "--json", home=sd))

    shown = await poc("message", "show", message, home=sd)
    assert (shown.code, "Report" in shown.out) == (0, True)
    assert "not here yet: 303120 bytes, --save DIR fetches them" in shown.out

    config = sd / "config.toml"
    there = config.read_text()
    config.write_text(re.sub("hub_url = .*", 'hub_url = "http://127.0.0.1:9"', there))
    offline = await poc("message", "show", message, "--save", tmp_path / "out", "--json", home=sd)
    assert (offline.code, offline.value["subject"], offline.value["saved"]) == (3, "Report", [])
    assert "attachment 2 (second.bin) is not here yet: 303120 bytes" in offline.err
    assert "[hub-unreachable]" in offline.err
    config.write_text(there)

    listed = await poc("message", "attachments", message, "--fetch", "--json", home=sd)
    assert (listed.code, [a["missing_bytes"] for a in listed.value["attachments"]]) == (0, [0, 0])
    for _ in range(2):
        saved = await poc("message", "show", message, "--save", tmp_path / "out", "--json", home=sd)
        assert saved.code == 0
        assert read_all(saved.value["saved"]) == [PLAIN, PLAIN]
        assert "key" not in saved.value["attachments"][0]
    assert "in the message" not in (await poc("message", "attachments", message, home=sd)).out
