"""``poc exercise``: opened, pinged, answered in every way, counted, and only successes logged."""

from __future__ import annotations

import pytest

from tests.cli_world import poc, run_here

OPEN = ("exercise", "open", "--title", "en=Ping", "--title", "ar=تجربة")


def refused(outcome, code, exit_code=1):
    assert (outcome.code, outcome.value["code"]) == (exit_code, code), outcome
    assert outcome.value["next"]
    return outcome.value


async def ping_of(home):
    rows = (await poc("message", "inbox", "--json", home=home)).value["messages"]
    return next(row["message"] for row in rows if row["kind"] == "ping")


async def answer(home, word=None):
    assert (await poc("sync", home=home)).code == 0
    message = await ping_of(home)
    shown = (await poc("message", "show", message, "--json", home=home)).value
    typed = word or shown["fields"]["word"]
    return await poc("message", "acknowledge", message, "--word", typed, "--json", home=home)


async def test_a_ping_is_answered_counted_and_its_successes_logged_once(homes):
    control = homes["x-arcc"]
    words = ("--id", "ex-1", "--participants", "all", "--for", "1h", "--cbm", "1", "--answer-within", "10m")
    opened = await poc(*OPEN, *words, "--json", home=control)
    assert opened.code == 0, opened
    assert opened.value["participants"] == ["eg.diplomatic", "jo.technical", "sd.technical"]
    pinged = await poc("exercise", "ping", "ex-1", "--within", "30m", "--json", home=control)
    assert pinged.code == 0, pinged
    assert [ping["state"] for ping in pinged.value["pings"]] == ["accepted"] * 3
    assert (await answer(homes["jo"])).code == 0
    assert (await answer(homes["sd"], "000000")).code == 0
    await poc("sync", home=control)
    tally = await poc("exercise", "tally", "ex-1", "--json", home=control)
    assert tally.value["ping"] == {"sent": 3, "in_time": 1, "late": 0, "retrieved_only": 1, "none": 1}
    grades = {
        row["contact"]: (row["grade"], row["answered_at"] is not None) for row in tally.value["contacts"]
    }
    assert grades == {
        "jo.technical": ("in-time", True),
        "sd.technical": ("retrieved-only", False),
        "eg.diplomatic": ("none", False),
    }  # fmt: skip
    assert "2 can still answer in time" in tally.err
    recorded = await poc("exercise", "tally", "ex-1", "--record", "--json", home=control)
    assert recorded.value["recorded"] == ["jo.technical"]
    again = await poc("exercise", "tally", "ex-1", "--record", home=control)
    assert "nobody new" in again.out
    await poc("sync", home=homes["eg"])
    found = (await poc("lookup", "--json", home=homes["eg"])).value["contacts"]
    assert [row["contact"] for row in found if row["level"] == "tested"] == ["jo.technical"]
    assert (await poc("verify", home=homes["eg"])).code == 0


async def test_an_exercise_is_shown_to_players_and_ends(homes):
    control, jo = homes["x-arcc"], homes["jo"]
    words = ("--participants", "jo.technical,sd.technical", "--for", "1h", "--json")
    opened = (await poc(*OPEN, *words, home=control)).value
    assert opened["exercise"].startswith("ex-")
    await poc("sync", home=jo)
    (jo / "passphrase").unlink()
    (listed,) = (await poc("exercise", "list", "--json", home=jo)).value["exercises"]
    assert (listed["id"], listed["state"], listed["open_now"]) == (opened["exercise"], "open", True)
    shown = (await poc("exercise", "show", opened["exercise"], home=jo)).out.splitlines()
    assert shown[0] == "EXERCISE EXERCISE EXERCISE"
    assert shown[-1] == "تمرين تمرين تمرين"
    ended = await poc("exercise", "end", opened["exercise"], "--json", home=control)
    assert (ended.code, ended.value["state"]) == (0, "ended")
    twice = await poc("exercise", "end", opened["exercise"], "--json", home=control)
    refused(twice, "not-in-this-state")
    pinged = await poc("exercise", "ping", opened["exercise"], "--within", "1h", "--json", home=control)
    refused(pinged, "exercise-not-open")
    again = await poc(*OPEN, "--id", opened["exercise"], *words, home=control)
    refused(again, "id-used")


async def test_with_several_exercises_or_none_the_sender_is_told_which(homes):
    control, jo = homes["x-arcc"], homes["jo"]
    send = ("message", "send", "--subject", "S", "--to", "eg.diplomatic", "--json")
    none = refused(await poc(*send, home=jo), "no-exercise")
    assert none["candidates"] == []
    words = ("--participants", "jo.technical,sd.technical", "--for", "1h")
    for name in ("ex-1", "ex-2"):
        assert (await poc(*OPEN, "--id", name, *words, home=control)).code == 0
    await poc("sync", home=jo)
    lacking = refused(await poc(*send, home=jo), "no-exercise")
    assert lacking["candidates"] == ["ex-1", "ex-2"]
    assert "lacks eg.diplomatic" in lacking["message"]
    named = refused(await poc(*send, "--exercise", "ex-1", home=jo), "exercise-lacks-side")
    assert "eg.diplomatic" in named["message"]
    both = ("message", "send", "--subject", "S", "--to", "sd.technical", "--json")
    several = refused(await poc(*both, home=jo), "several-exercises")
    assert several["candidates"] == ["ex-1", "ex-2"]
    assert (await poc(*both, "--exercise", "ex-2", home=jo)).value["state"] == "accepted"


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("open", "--title", "en=T", "--participants", "all"), "usage", 2),
        (("open", "--participants", "all", "--for", "1h"), "usage", 2),
        (("open", "--title", "T", "--participants", "all", "--for", "1h"), "usage", 2),
        (
            ("open", "--title", "en=T", "--title", "en=U", "--participants", "all", "--for", "1h"),
            "bad-form",
            1,
        ),
        (("open", "--title", "en=T", "--participants", "all", "--for", "1h", "--id", "Ex 1"), "bad-form", 1),
        (("open", "--title", "en=T", "--participants", "", "--for", "1h"), "bad-form", 1),
        (("open", "--title", "en=T", "--participants", "jo.tecnical", "--for", "1h"), "unknown-contact", 1),
        (("open", "--title", "en=T", "--participants", "all", "--closes", "2020-01-01T00:00Z"), "usage", 2),
        (("open", "--title", "en=T", "--participants", "all", "--for", "1h", "--cbm", "9"), "usage", 2),
        (("open", "--title", "en=T", "--participants", "all", "--for", "1h", "--level", "L9"), "usage", 2),
        (("open", "--title", "en=a\x1b[2Jb", "--participants", "all", "--for", "1h"), "bad-form", 1),
        (
            ("open", "--title", "en=T", "--participants", "all", "--for", "1h", "--id", "ex-kept"),
            "id-used",
            1,
        ),
        (("end", "ex-none"), "exercise-unknown", 1),
        (("show", "ex-none"), "exercise-unknown", 1),
        (("show", "\x1b[2J"), "exercise-unknown", 1),
        (("ping", "ex-none", "--within", "1h"), "exercise-unknown", 1),
        (("ping",), "usage", 2),
        (("ping", "ex-kept", "--within", "0"), "usage", 2),
        (("ping", "ex-kept", "--within", "1h", "--to", "jo.nobody"), "unknown-contact", 1),
        (("tally", "ex-none"), "exercise-unknown", 1),
        (("tally",), "usage", 2),
    ],
)
def test_what_cannot_be_exercised_is_refused(kept, words, code, exit_code):
    refused(run_here("exercise", *words, "--json", home=kept["x-arcc"]), code, exit_code)
    assert len(run_here("exercise", "list", "--json", home=kept["x-arcc"]).value["exercises"]) == 1


def test_only_a_controller_opens_an_exercise(kept):
    words = ("--participants", "all", "--for", "1h", "--json")
    refused(run_here(*OPEN, *words, home=kept["jo"]), "right-missing")
    refused(run_here("exercise", "end", "ex-kept", "--json", home=kept["jo"]), "right-missing")


def test_a_hub_that_is_down_leaves_pings_in_the_outbox(kept):
    words = ("exercise", "ping", "ex-kept", "--within", "10m", "--to", "jo.technical", "--json")
    pinged = run_here(*words, home=kept["x-arcc"])
    assert (pinged.code, [ping["state"] for ping in pinged.value["pings"]]) == (0, ["waiting"])
    assert "kept in the outbox" in pinged.err
    tally = run_here("exercise", "tally", "ex-kept", "--json", home=kept["x-arcc"]).value
    assert tally["ping"]["sent"] == 3
    assert sum(count for name, count in tally["ping"].items() if name != "sent") == 3


def test_players_see_no_grades(kept):
    tally = run_here("exercise", "tally", "ex-kept", "--json", home=kept["jo"]).value
    assert (tally["ping"]["sent"], tally["contacts"]) == (0, [])
