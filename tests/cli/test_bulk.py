"""Many contacts of one table, against a running hub: what is checked first, said, and never done twice."""

from __future__ import annotations

import json

import pytest

from poc.core.strictjson import domain_hash
from poc.keyring import Keyring
from tests.cli_world import make_home, poc
from tests.desk_world import PASSPHRASE
from tests.foreign import sample_file
from tests.registry import REGISTRARS

HEADER = "contact,name,الاسم,phone,email,zone,hours,devices\n"
GOOD = 'jo.duty,Duty desk,مكتب المناوبة,"+962 6 555 0101 ext. 7",duty@cert.example,Asia/Amman,24/7,{keys}\n'


@pytest.fixture
async def authority(live, office, tmp_path):
    """The home of Jordan's authority, synced."""
    home = await office("jo", "authority", "jo authority")
    assert (await poc("sync", home=home)).code == 0
    return home


async def duty_keys(live, tmp_path, label="jo.duty 1"):
    """A new office's home with its device's keys, and the file of their public parts."""
    home = await make_home(live, tmp_path / label, "jo.duty")
    (home / "keyring.jwe").unlink()
    keys = Keyring.create(home, PASSPHRASE)
    keys.add_signing("device", "jo.duty", live.now, lambda _: domain_hash("poc/1 test key", label.encode()))
    keys.add_sealing("jo.duty", live.now, lambda _: domain_hash("poc/1 test key", b"seal " + label.encode()))
    keys.save()
    file = tmp_path / f"{label.replace(' ', '-')}.keys.json"
    assert (await poc("key", "export", "jo.duty", "--out", file, home=home)).code == 0
    return home, file


def table(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def outbox_of(home):
    import sqlite3

    return sqlite3.connect(home / "trust.db").execute("SELECT count(*) FROM outbox").fetchone()[0]


async def test_rows_are_nominated_once_and_the_office_accepts(live, authority, tmp_path):
    desk, keys = await duty_keys(live, tmp_path)
    path = table(tmp_path, HEADER + GOOD.format(keys=keys.name))
    words = ("contact", "nominate", "--from", path, "--json")
    tried = await poc(*words, "--dry-run", home=authority)
    assert (tried.code, tried.value["counts"], outbox_of(authority)) == (0, {"ready": 1}, 0), tried
    assert tried.err.index("phone -> phone") < len(tried.err)
    out = tmp_path / "out"
    done = await poc(*words, "--out", out, home=authority)
    (row,) = done.value["rows"]
    assert (done.code, row["outcome"], row["contact"]) == (0, "file", "jo.duty"), done
    assert (await poc(*words, "--out", out, home=authority)).value["counts"] == {"waits": 1}
    assert (await poc("proposal", "sign", row["file"], home=desk)).code == 0
    assert (await poc("proposal", "submit", row["file"], home=authority)).code == 0
    assert (await poc("sync", home=authority)).code == 0
    assert (await poc(*words, home=authority)).value["counts"] == {"unchanged": 1}
    assert (await poc("sync", home=desk)).code == 0
    shown = await poc("contact", "show", "jo.duty", "--json", home=desk)
    card = shown.value["card"]
    assert card["office"]["names"] == {"en": "Duty desk", "ar": "مكتب المناوبة"}
    assert card["reach"]["channels"][0] == {"kind": "phone", "value": "+96265550101", "label": "ext. 7"}
    assert card["reach"]["hours"]["always"] is True
    changed = table(tmp_path, HEADER + GOOD.format(keys=keys.name).replace("Duty desk", "New desk"))
    done = await poc("contact", "nominate", "--from", changed, "--json", home=authority)
    assert done.value["rows"][0]["outcome"] == "logged", done  # the same devices: nobody else must sign
    fewer = table(tmp_path, f"contact,name,email,devices\njo.duty,Newest,n@cert.example,{keys.name}\n")
    done = await poc("contact", "nominate", "--from", fewer, "--json", home=authority)
    assert done.value["rows"][0]["outcome"] == "logged", done
    card = (await poc("contact", "show", "jo.duty", "--json", home=authority)).value["card"]
    assert card["office"]["names"] == {"en": "Newest", "ar": "مكتب المناوبة"}
    assert (card["reach"]["zone"], card["reach"]["hours"]["always"]) == ("Asia/Amman", True)


BAD = {
    "sd.duty,A desk,,,a@cert.example,,,{keys}": ("devices", "bad-key-file"),
    "jo.duty,A desk,,,a@cert.example,,,none.json": ("devices", "no-such-file"),
    "jo.technical,A desk,,,a@cert.example,,,{keys}": ("devices", "bad-key-file"),
    "jo.duty,A desk,,,a@cert.example,,,": ("devices", "no-key"),
    "jo.duty,A desk,,a@cert.example,,,,{keys}": ("phone", "bad-number"),
    "jo.duty,A desk,,,no address,,,{keys}": ("email", "bad-card"),
    "jo.duty,A desk,,,a@cert.example,Asia Amman,,{keys}": ("zone", "bad-card"),
    "jo.duty,A desk,,,a@cert.example,,always open,{keys}": ("hours", "bad-hours"),
    "jo.duty,A desk,,,a@cert.example,,sun-thu 15:00-08:00,{keys}": ("hours", "bad-card"),
    "jo.duty,,,,a@cert.example,,,{keys}": ("name", "bad-card"),
    "jo.duty,A desk,,,,,,{keys}": ("email", "bad-card"),
    "jo.duty,A\u202edesk,,,a@cert.example,,,{keys}": ("name", "text-control"),
    "Jo duty,A desk,,,a@cert.example,,,{keys}": ("contact", "bad-form"),
    "jo.duty,A desk,,,a@cert.example;b@cert.example;c,,,{keys}": ("email", "bad-card"),
    "jo.other,A desk,,,a@cert.example,,,{keys}": ("role", "bad-form"),
}


async def test_a_row_that_cannot_be_used_keeps_all_from_being_written(live, authority, tmp_path):
    _, keys = await duty_keys(live, tmp_path)
    rows = [GOOD, *(f"{line}\n" for line in BAD)]
    path = table(tmp_path, HEADER + "".join(rows).format(keys=keys.name))
    outcome = await poc("contact", "nominate", "--from", path, "--json", home=authority)
    assert (outcome.code, outcome.value["code"]) == (1, "bad-rows"), outcome
    assert outcome.value["counts"] == {"ready": 1, "left": len(BAD)}
    found = [(row["faults"][0]["column"], row["faults"][0]["code"]) for row in outcome.value["rows"][1:]]
    assert dict(zip(BAD, found, strict=True)) == BAD
    assert [row["line"] for row in outcome.value["rows"]] == [*range(2, len(rows) + 2)]
    assert "cert.example" not in outcome.out
    files = await poc("contact", "nominate", "--from", path, "--out", tmp_path / "out", home=authority)
    assert (files.code, (tmp_path / "out").exists(), outbox_of(authority)) == (1, False, 0)


async def test_rows_with_faults_are_left_out_by_name_if_asked(live, authority, tmp_path):
    _, keys = await duty_keys(live, tmp_path)
    twice = f"jo.duty,Another,,,b@cert.example,,,{keys.name}\n"
    path = table(
        tmp_path,
        "\ufeff" + HEADER.replace(",", ";") + (GOOD.format(keys=keys.name) + twice).replace(",", ";"),
    )
    words = ("contact", "nominate", "--from", path, "--skip-bad")
    done = await poc(*words, "--out", tmp_path / "out", "--json", home=authority)
    assert (done.code, done.value["counts"]) == (0, {"file": 1, "left": 1}), done
    assert "left out: 2 (line 3): contact: row 1 is of the same contact" in done.err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["jo.duty.json"]
    other = table(tmp_path, path.read_text().replace("Duty desk", "Other desk"))
    words = ("contact", "nominate", "--from", other, "--skip-bad")
    assert (await poc(*words, "--json", "--out", tmp_path / "out", home=authority)).value[
        "code"
    ] == "file-exists"
    sent = await poc(*words, "--json", home=authority)
    assert (sent.value["counts"], "cannot sign at the hub" in sent.err) == ({"left": 1, "proposed": 1}, True)
    assert (await poc(*words, "--json", home=authority)).value["counts"] == {"left": 1, "waits": 1}
    people = await poc("contact", "nominate", "--from", other, home=authority)
    assert people.code == 1
    assert "row 1 is of the same contact" in people.out
    assert "--skip-bad" in people.out


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("jo.duty",),
        ("jo.duty", "--card", "x"),
        ("jo.duty", "--from", "x.csv"),
        ("--from", "x.csv", "--role", "duty"),
        ("jo.duty", "--card", "x", "--device", "y", "--skip-bad"),
        ("--from", "{table}", "--map", "a.json", "--map", "b.json"),
        ("--from", "{table}", "--set", "role"),
    ],
)
async def test_words_that_do_not_fit_together_are_refused(tmp_path, words):
    path = str(table(tmp_path, HEADER + "a,b,c,d,e,f,g,h\n"))
    outcome = await poc(
        "contact", "nominate", *(w.format(table=path) for w in words), "--json", home=tmp_path
    )
    assert (outcome.code, outcome.value["code"]) == (2, "usage"), outcome


@pytest.mark.long
async def test_a_public_list_is_recorded_by_two_registrars(live, office, tmp_path):
    path = sample_file("contacts", "national-certs.json")
    first, second = [await office(name, "registrar", name) for name in REGISTRARS]
    for home in (first, second):
        assert (await poc("sync", home=home)).code == 0
    words = (
        "contact",
        "record",
        "--from",
        path,
        "--set",
        "role=technical",
        "--source",
        "a public list",
        "--json",
    )
    refused = await poc(*words, home=first)
    assert (refused.code, refused.value["code"]) == (1, "bad-rows"), refused
    faults = [(row["row"], f["column"], f["code"]) for row in refused.value["rows"] for f in row["faults"]]
    names = [one["name"] for one in json.loads(path.read_text())]
    wrong = [names[number - 1] for number, _, _ in faults]
    assert (wrong, {fault[1:] for fault in faults}) == (
        ["NCSC-NL", "SingCERT"],
        {("emergencyContact", "bad-number")},
    )
    done = await poc(*words, "--skip-bad", home=first)
    counts = done.value["counts"]
    assert (done.code, counts["left"], counts["proposed"]) == (0, 2, len(names) - 2), done
    rows = {row["contact"]: row for row in done.value["rows"]}
    assert rows["br.technical"]["notes"] == ["emergencyContact: taken as empty"]
    assert (await poc(*words, "--skip-bad", home=first)).value["counts"] == {
        "left": 2,
        "waits": len(names) - 2,
    }
    other = await poc(*words, "--skip-bad", home=second)
    assert other.value["counts"] == {"left": 2, "waits": len(names) - 2}
    assert "cannot compare" in other.value["rows"][0]["notes"][-1]
    for row in rows.values():
        if row["proposal"]:
            assert (await poc("proposal", "sign", row["proposal"], home=second)).code == 0
    for home in (first, second):
        assert (await poc("sync", home=home)).code == 0
    again = await poc(*words, "--skip-bad", home=first)
    assert again.value["counts"] == {"left": 2, "unchanged": len(names) - 2}
    shown = await poc("contact", "show", "ca.technical", "--json", home=second)
    numbers = [c["value"] for c in shown.value["card"]["reach"]["channels"] if c["kind"] == "phone"]
    assert (shown.value["level"], [len(n) for n in numbers], numbers[0][:2]) == ("listed", [12], "+1")


async def test_a_team_of_another_form_is_recorded_and_its_damaged_file_is_refused_where_it_is(
    office, tmp_path
):
    path = sample_file("contacts", "global-irt-single-team.json")
    home = await office(REGISTRARS[0], "registrar", REGISTRARS[0])
    words = ("--set", "role=technical", "--source", "a list", "--dry-run", "--json")
    tried = await poc("contact", "record", "--from", path, *words, home=home)
    assert [row["contact"] for row in tried.value["rows"]] == ["lu.technical"], tried
    text = path.read_text().replace('"country" :', '"country"', 1)
    line = text[: text.index('"country"')].count("\n") + 1
    damaged = table(tmp_path, text, "damaged.json")
    outcome = await poc("contact", "record", "--from", damaged, *words, home=home)
    assert (outcome.code, outcome.value["code"]) == (1, "bad-json")
    assert f"line {line} column" in outcome.value["message"]
