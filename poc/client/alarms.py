"""When an alarm is raised and when it ends, and how it sounds: an exercise never as an actual message.

Alarms are kept in ``trust.db`` before they ring, so that none is lost with the process. What rings tells
the short number, the status and the precedence of a message, and nothing of its content or its parties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from poc.client.api import HubClient
from poc.client.evidence import verify_piece
from poc.client.known import Known
from poc.client.standing import head_age
from poc.client.trust_alarms import Alarm, AlarmKind
from poc.client.view import marking
from poc.core.envelope import read_header
from poc.core.evidence import Acknowledgement
from poc.core.receipts import verify_answer
from poc.core.strictjson import format_time, parse, parse_time
from poc.errors import PocError, RefusedError
from poc.logs import log_event

Voice = Literal["actual", "practice", "fault"]
"""How an alarm sounds: of an actual message, of an exercise or test, of the hub or the log."""

REPEAT_SECONDS: Final = {"flash": 30, "immediate": 60, "priority": 5 * 60, "routine": 30 * 60}
_ORDER: Final = ("flash", "immediate", "priority", "routine")
_ASKED_MAX: Final = 20  # open alarms whose evidence is asked for after one sync
_UNSOUND: Final = frozenset(
    {
        "fork",
        "rollback",
        "update-needed",
        "home-damaged",
        "quorum-missing",
        "no-device",
        "bad-request-signature",
    }
)
_NUMBER_CHARS: Final = 12

_ACTUAL: Final = {"en": "ACTUAL MESSAGE", "ar": "رسالة فعلية"}
_FAULTS: Final[dict[str, dict[str, str]]] = {
    "hub": {"en": "THE HUB CANNOT BE REACHED", "ar": "تعذّر الوصول إلى المحور"},
    "log": {"en": "THE LOG OR THE DEVICE OF THIS DESK IS IN DOUBT", "ar": "سجل هذا المكتب أو جهازه محل شك"},
}
_WHAT_TO_DO: Final = {
    "message": {
        "en": "Open your desk as usual: poc message inbox",
        "ar": "افتح مكتبك كالمعتاد: poc message inbox",
    },
    "hub": {
        "en": "Messages may be waiting. Check the line, then reach the operator by voice.",
        "ar": "قد تكون هناك رسائل في الانتظار. تحقق من الاتصال ثم تواصل مع المشغّل صوتيا.",
    },
    "log": {
        "en": "Run poc sync and read what it warns of.",
        "ar": "نفّذ poc sync واقرأ ما يحذر منه.",
    },
}
PRECEDENCES: Final = {"flash": "خاطف", "immediate": "فوري", "priority": "عاجل", "routine": "عادي"}


@dataclass(frozen=True, slots=True)
class Ring:
    """What rings at one moment in one voice: the most urgent alarm of it, and how many there are."""

    voice: Voice
    alarm: Alarm
    numbers: tuple[int, ...]

    @property
    def is_trial(self) -> bool:
        """Whether it is rung to hear how it sounds."""
        return self.alarm.number == 0

    @property
    def short_number(self) -> str:
        """The end of the message's id, by which a command finds it; nothing for a fault."""
        return "" if self.alarm.message is None else self.alarm.message[-_NUMBER_CHARS:]

    def facts(self) -> dict[str, str]:
        """What a program is told, as variables."""
        return {
            "ALARM_KIND": self.alarm.kind,
            "ALARM_VOICE": self.voice,
            "ALARM_STATUS": self.alarm.status,
            "ALARM_PRECEDENCE": self.alarm.precedence,
            "ALARM_NUMBER": self.short_number,
            "ALARM_COUNT": str(len(self.numbers)),
            "ALARM_BANNER": _both(_banner(self.alarm)),
        }

    def lines(self) -> list[str]:
        """What a terminal shows, its banner first and last."""
        banner, alarm = _both(_banner(self.alarm)), self.alarm
        told = []
        if alarm.message is not None:
            arabic = PRECEDENCES.get(alarm.precedence, alarm.precedence)
            named = "none, this is a trial / لا شيء، هذه تجربة" if self.is_trial else self.short_number
            told.append(f"ALARM / إنذار: {alarm.precedence} / {arabic}: message / رسالة {named}")
            if len(self.numbers) > 1:
                told.append(f"and {len(self.numbers) - 1} more / و{len(self.numbers) - 1} غيرها")
        told += _WHAT_TO_DO[alarm.kind].values()
        told.append("Quiet / إسكات: poc responder silence")
        return [banner, *told, banner]


def voice_of(alarm: Alarm) -> Voice:
    """Only an actual message sounds as one."""
    if alarm.kind != "message":
        return "fault"
    return "actual" if alarm.status == "actual" else "practice"


def _banner(alarm: Alarm) -> dict[str, str]:
    if alarm.kind != "message":
        return _FAULTS[alarm.kind]
    return marking(alarm.status) or _ACTUAL


def _both(text: dict[str, str]) -> str:
    return " / ".join(text.values())


def due_rings(alarms: Sequence[Alarm], now: datetime) -> list[Ring]:
    """What is to ring now: one ring for each voice that has an alarm due, for all its open alarms together.

    However many messages come at once, three programs run at most. Actual messages go first.
    """
    rings = []
    for voice in ("actual", "fault", "practice"):
        own = [alarm for alarm in alarms if voice_of(alarm) == voice]
        if any(_is_due(alarm, now) for alarm in own):
            urgent = min(own, key=lambda alarm: (_ORDER.index(alarm.precedence), alarm.number))
            rings.append(Ring(voice, urgent, tuple(alarm.number for alarm in own)))
    return rings


def _is_due(alarm: Alarm, now: datetime) -> bool:
    """Whether it never rang, or not for its time; a clock set back does not make it wait longer."""
    if alarm.rung_at is None:
        return True
    since = (now - parse_time(alarm.rung_at)).total_seconds()
    return not 0 <= since < REPEAT_SECONDS[alarm.precedence]


def note_messages(known: Known) -> int:
    """Raise an alarm for each verified message nobody has answered; end those answered here or expired."""
    trust, now = known.trust, known.now()
    raised = 0
    with trust.transaction():
        for number, message, item, _ in trust.unalarmed():
            parsed: Any = parse(item)
            header = read_header(parsed["envelope"]["protected"])
            raised += trust.put_message_alarm(
                number, message, header.status, header.precedence, format_time(now),
                format_time(header.expires_at),
            )  # fmt: skip
        trust.end_answered_alarms(format_time(now))
        trust.end_expired_alarms(format_time(now))
    return raised


async def end_answered_elsewhere(known: Known, hub: HubClient) -> int:
    """End the alarms of messages that another device of this contact has acknowledged or declined.

    Its signature says so: a hub that shows none keeps the alarm ringing, and one that makes it up too.
    """
    ended = 0
    waiting = [alarm.message for alarm in known.trust.open_alarms() if alarm.message is not None]
    for message in waiting[:_ASKED_MAX]:
        try:
            shown = await hub.get_json(f"/v1/messages/{message}/evidence")
        except PocError:
            return ended
        texts = shown.get("acknowledgements")
        given = [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
        if any(_is_own_answer(known, message, text) for text in given):
            ended += known.trust.end_alarms("answered", format_time(known.now()), [message])
    return ended


def _is_own_answer(known: Known, message: str, text: str) -> bool:
    try:
        verify_piece(known, message, "acknowledgement", text)
        answer = verify_answer(text, known.directory, root_at=known.root_at)
    except RefusedError:
        return False
    return isinstance(answer, Acknowledgement) and answer.contact == known.party


def note_faults(known: Known, *, trouble: str | None, unreached_seconds: float, bound_seconds: float) -> None:
    """Raise and end the alarms about the hub and the log, each once for as long as what it is about lasts.

    ``trouble`` is why the last sync failed; ``unreached_seconds`` how long ago one succeeded.
    """
    is_lost = trouble is not None and unreached_seconds > bound_seconds
    in_doubt = trouble in _UNSOUND or bool(head_age(known, known.now()))
    _note_fault(known, "hub", is_on=is_lost)
    _note_fault(known, "log", is_on=in_doubt)


def _note_fault(known: Known, kind: AlarmKind, *, is_on: bool) -> None:
    at = format_time(known.now())
    if is_on:
        known.trust.put_fault_alarm(kind, at)
    else:
        known.trust.end_fault_alarm(kind, at)


def trial_ring(now: datetime) -> Ring:
    """A ring of no message, as an exercise sounds."""
    at = format_time(now)
    alarm = Alarm(0, "message", "0" * _NUMBER_CHARS, "exercise", "routine", at, None, 0, None, None, None)
    return Ring("practice", alarm, (0,))


def looked(known: Known, messages: Sequence[str] | None = None) -> None:
    """Somebody looked at these messages, or at all: their alarms end. A disk that fails stops no reading."""
    try:
        known.trust.end_alarms("looked", format_time(known.now()), messages)
    except PocError as error:
        log_event("alarm-failed", program="silence", code=error.code)
