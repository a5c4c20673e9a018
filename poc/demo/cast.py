"""Who takes part in the demo: offices that do not exist, reached at addresses in reserved domains.

States come from ``states``; what the cast does stands in ``scenes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from poc.demo.states import DemoState, demo_states

ORIGIN: Final = "demo.example/arab-cbm"
REGISTRARS: Final = ("x-las.registrar-1", "x-arcc.registrar-1")
CONTROLLER: Final = "x-arcc.controller-1"
WITNESSES: Final = ("eg.witness", "om.witness", "tn.witness")
PASSPHRASE: Final = "only for the demonstration"  # noqa: S105 (said in the name)
BODY_NAMES: Final = {
    "x-las.registrar-1": {"en": "Registry office (demo)", "ar": "مكتب السجل (عرض توضيحي)"},
    "x-arcc.registrar-1": {"en": "Second registry office (demo)", "ar": "مكتب السجل الثاني (عرض توضيحي)"},
    CONTROLLER: {"en": "Exercise control (demo)", "ar": "إدارة التمرين (عرض توضيحي)"},
}
_OFFICES: Final = {
    "diplomatic": {
        "en": "Ministry of Foreign Affairs, cyber desk (demo)",
        "ar": "وزارة الخارجية، مكتب الفضاء السيبراني (عرض توضيحي)",
        "fr": "Ministère des affaires étrangères, bureau cyber (démo)",
    },
    "duty": {
        "en": "Duty officer at all hours (demo)",
        "ar": "الضابط المناوب على مدار الساعة (عرض توضيحي)",
        "fr": "Officier de permanence (démo)",
    },
    "technical": {
        "en": "National CERT, duty desk (demo)",
        "ar": "المركز الوطني للاستجابة للطوارئ الحاسوبية، المناوبة (عرض توضيحي)",
        "fr": "CERT national, permanence (démo)",
    },
}
_HOSTS: Final = {"diplomatic": "mfa", "duty": "duty", "technical": "cert"}
_OF_EACH_STATE: Final = ("diplomatic", "technical")
# Offices that switch machine receipts off: they show that reading alone leaves no trace unless wanted.
QUIET: Final = frozenset({"km.diplomatic", "so.diplomatic", "ye.diplomatic", "dj.diplomatic"})
# The State in which nobody answers in time: an alternate and a duty contact stand in, one after the other.
ADDRESSEE: Final = "lb.diplomatic"
ALTERNATES: Final = {"lb.technical": ADDRESSEE}
DUTY: Final = "lb.duty"
# The office with two devices: the second prepares what the first releases. It is named by its home.
PREPARING_HOME: Final = "dz.technical.second"
PREPARING_OFFICE: Final = "dz.technical"


@dataclass(frozen=True, slots=True)
class DemoContact:
    """One office: its id, its State, its role."""

    id: str
    state: DemoState
    role: str

    def card(self) -> dict[str, Any]:
        """Its card, in the form of a card file."""
        host = f"{_HOSTS[self.role]}.{self.state.id}.example"
        opens, closes = ("08:00", "15:00") if self.role == "diplomatic" else ("07:30", "16:30")
        weekly = [{"day": day, "open": opens, "close": closes} for day in self.state.workdays]
        is_always_open = self.id in {ADDRESSEE, DUTY}  # so that the demo goes the same way at any hour
        return {
            "office": {"names": _OFFICES[self.role], "visibility": "parties"},
            "reach": {
                "channels": [
                    {"kind": "email", "value": f"desk@{host}", "label": "desk"},
                    {"kind": "web", "value": f"https://{host}", "label": None},
                ],
                "zone": self.state.zone,
                "hours": {"always": True} if is_always_open else {"weekly": weekly},
                "languages": ["ar", "en", "fr"],
                "visibility": "parties",
            },
        }


def states() -> list[DemoState]:
    """The 22 States."""
    return demo_states()


def contacts() -> list[DemoContact]:
    """Two contacts of each State, sorted by id: those that take part in the exercise."""
    return [DemoContact(f"{state.id}.{role}", state, role) for state in states() for role in _OF_EACH_STATE]


def homes() -> list[tuple[str, str, str]]:
    """Every home but the hub's and the witnesses': its name, its party, the role of its keys."""
    found = [(contact.id, contact.id, "device") for contact in offices()]
    found.append((PREPARING_HOME, PREPARING_OFFICE, "device"))
    found += [(state.id, state.id, "authority") for state in states()]
    found.append((CONTROLLER, CONTROLLER, "device"))
    return found + [(registrar, registrar, "registrar") for registrar in REGISTRARS]


def offices() -> list[DemoContact]:
    """Every contact of the demo: two of each State, and the duty contact of one."""
    duty = [DemoContact(DUTY, state, "duty") for state in states() if state.id == DUTY.partition(".")[0]]
    return [*contacts(), *duty]
