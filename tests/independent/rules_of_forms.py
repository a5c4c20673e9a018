"""Rules between members, which a schema cannot say: from docs/spec/, the pages named beside each."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import Any

from tests.independent.basics import moment, refuse_if, unb64u
from tests.independent.templates import check_template

BODY = r"(?:[a-z]{2}|x-[a-z0-9]{2,16})"


def _sorted(values: list[Any]) -> None:
    refuse_if(any(a >= b for a, b in itertools.pairwise(values)), "bad-form")


def _devices(devices: list[dict[str, Any]]) -> None:
    """statement.md, Device."""
    _sorted([d["number"] for d in devices])
    for device in devices:
        _sorted(device["may"])
        unb64u(device["key"]["x"], 32)


def _body(form: str, body: dict[str, Any]) -> None:
    """statement.md."""
    if form in ("registry.genesis", "registry.policy"):
        _sorted([r["id"] for r in body["registrars"]])
        _sorted(body["statuses"])
        _sorted([k["x"] for k in body["hub_keys"]])
        refuse_if(any(not re.fullmatch(BODY, r["body"]) for r in body["registrars"]), "bad-form")
    if "devices" in body:
        _devices(body["devices"])
    if "device" in body:
        _devices([body["device"]])
    if "authority" in body:
        _sorted([k["x"] for k in body["authority"]["keys"]])
    if form == "state.suspend":
        _sorted(body["scope"])
    if form == "controller.appoint":
        refuse_if(not re.fullmatch(BODY, body["body"]), "bad-form")


def _hours(hours: dict[str, Any]) -> None:
    """card.md: slots of one day touch at most, a date stands once."""
    refuse_if(hours["always"] and hours["weekly"], "bad-form")
    days: dict[str, list[dict[str, Any]]] = {}
    for slot in hours["weekly"]:
        days.setdefault(slot["day"], []).append(slot)
    for exception in hours["exceptions"]:
        refuse_if(exception["date"] in days, "bad-form")
        days[exception["date"]] = exception["slots"]
    for slots in days.values():
        last = ""
        for slot in sorted(slots, key=lambda s: str(s["open"])):
            refuse_if(slot["open"] < last or slot["close"] <= slot["open"], "bad-form")
            last = slot["close"]


def _excluding(form: dict[str, Any]) -> None:
    """message.md."""
    refuse_if((form["status"] == "exercise") != (form["exercise"] is not None), "bad-form")
    refuse_if(form["respond_by"] is not None and form["respond_within_s"] is not None, "bad-form")
    refuse_if(form["status"] == "actual" and form["respond_within_s"] is not None, "bad-form")


def _draft(form: dict[str, Any]) -> None:
    """draft.md."""
    content, chosen = form["content"], form["chosen"]
    _excluding(content)
    named = [r["contact"] for r in content["to"]]
    _sorted(named)
    refuse_if(content["from"]["contact"] in named or content["origin"] != form["origin"], "bad-form")
    refuse_if(len(form["data"]) != len(content["attachments"]), "bad-form")
    for data in form["data"]:
        unb64u(data)
    refuse_if((form["cleared"] is None) != (form["prepared"] is None), "bad-form")
    party = BODY + r"\.[a-z][a-z0-9-]*"
    refuse_if(any(not re.fullmatch(party, c) for c in chosen["to"] + chosen["information"]), "bad-form")


def _times(form: dict[str, Any]) -> None:
    """message.md and envelope.md."""
    _excluding(form)
    start = moment(form["sent_at"])
    if form["not_before"] is not None:
        start = max(start, moment(form["not_before"]))
    refuse_if(moment(form["expires_at"]) - start > dt.timedelta(days=30), "bad-form")


def _message(form: dict[str, Any]) -> None:
    """message.md."""
    _times(form)
    _sorted([(r["contact"], r["kid"]) for r in form["to"]])
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    refuse_if(not re.fullmatch(uuid, form["id"]), "bad-form")
    texts = (form["body"] or {}).get("texts") or []
    refuse_if(texts and [t["role"] for t in texts].count("original") != 1, "bad-form")
    languages = [t["language"] for t in texts]
    refuse_if(len(set(languages)) != len(languages), "bad-form")


# What a receipt of each event names beside its envelope; the contact of a not-needed one may be left open.
NAMED = {
    "accepted": {"slots"},
    "rejected": {"reason"},
    "released": {"slots", "contact"},
    "not-needed": {"slots", "contact", "reason"},
    "recorded": {"contact", "artefact_sha256"},
    "expired": {"contact"},
}


def _receipt(form: dict[str, Any]) -> None:
    """evidence.md."""
    named = NAMED[form["event"]]
    present = {m for m in ("slots", "contact", "artefact_sha256", "reason") if form[m] is not None}
    left_open = {"contact"} if form["event"] == "not-needed" else set()
    refuse_if(not named - left_open <= present <= named, "bad-form")
    of_others = [s for s in form["slots"] or () if s["contact"] != form["contact"]]
    refuse_if(form["contact"] is not None and of_others, "bad-form")


def _next(step: dict[str, Any]) -> None:
    refuse_if((step["at"] is not None) != (step["kind"] == "reply-by"), "bad-form")
    refuse_if((step["contact"] is not None) != (step["kind"] == "passed-to"), "bad-form")


def _exercise(name: str, form: dict[str, Any]) -> None:
    """exercise.md."""
    if name == "announcement":
        _sorted(form["participants"])
        _sorted(form["cbm_refs"])
        refuse_if(any(w["closes_at"] <= w["opens_at"] for w in form["windows"]), "bad-form")
        refuse_if(not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", form["id"]), "bad-form")
    if name == "order":
        order, number = form["order"], form["number"]
        refuse_if((number is None) != (order == "break-out"), "bad-form")
        refuse_if(number is not None and (number == 1) != (form["previous"] is None), "bad-form")
        refuse_if((form["inject"] is not None) != (order == "skip"), "bad-form")
        refuse_if(form["contact"] is not None and order != "break-out", "bad-form")


def _request(form: dict[str, Any]) -> None:
    """state-request.md."""
    keys = form["authority"]["keys"]
    refuse_if(not re.fullmatch(BODY, form["state"]), "bad-form")
    refuse_if(form["authority"]["threshold"] > len(keys), "bad-form")
    refuse_if(form["recovery"] in keys, "bad-form")


def _carriage(form: dict[str, Any]) -> None:
    """carriage.md: it carries something, and of each message one contact's slots."""
    refuse_if(not form["messages"] and not form["answers"] and form["log"] is None, "bad-form")
    for message in form["messages"]:
        contacts = {slot["header"]["contact"] for slot in message["envelope"]["recipients"]}
        refuse_if(len(contacts) != 1, "bad-form")


def _whole(name: str, form: dict[str, Any]) -> None:
    if name == "state-request":
        _request(form)
    if name == "statement":
        refuse_if(
            (form["version"] == 1) != (form["version"] is not None and form["previous"] is None), "bad-form"
        )
        refuse_if(form["version"] is None and form["previous"] is not None, "bad-form")
    if name == "script":
        unb64u(form["salt"], 32)
        _sorted([i["number"] for i in form["injects"]])
        for inject in form["injects"]:
            _sorted(inject["cbm_refs"])
    if name == "opening":
        unb64u(form["salt"], 32)
        refuse_if(len(unb64u(form["bytes"])) > 48 * 1024, "bad-form")
    if name == "card.reach":
        _hours(form["hours"])
        refuse_if(not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", form["zone"]), "bad-form")
    if name == "evidence-file":
        refuse_if(not all(form["receipts"] + form["retrievals"] + form["acknowledgements"]), "bad-form")
    if name == "snapshot":
        _sorted([[held["contact"], held["opening"]["part"]] for held in form["openings"] or ()])
        _sorted([key["pub"] for key in form["sealing_keys"]])
    if name == "carriage":
        _carriage(form)
    if name == "draft":
        _draft(form)
    if name == "sealed-draft":
        _sorted([slot["header"]["kid"] for slot in form["recipients"]])
    if name == "envelope":
        for slot in form["recipients"]:
            unb64u(slot["header"]["salt"], 16)


def check_whole(name: str, form: dict[str, Any]) -> None:
    """Refuse a value whose members do not go together."""
    if name.startswith("body."):
        _body(name[5:], form)
    elif name == "message":
        _message(form)
    elif name == "envelope-header":
        _times(form)
    elif name == "receipt":
        _receipt(form)
    elif name in ("retrieval", "acknowledgement"):
        _next(form["next"])
    elif name == "template":
        check_template(form)
    elif name in ("announcement", "order"):
        _exercise(name, form)
    else:
        _whole(name, form)
