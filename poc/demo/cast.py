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
    "technical": {
        "en": "National CERT, duty desk (demo)",
        "ar": "المركز الوطني للاستجابة للطوارئ الحاسوبية، المناوبة (عرض توضيحي)",
        "fr": "CERT national, permanence (démo)",
    },
}
_HOSTS: Final = {"diplomatic": "mfa", "technical": "cert"}
# Offices that switch machine receipts off: they show that reading alone leaves no trace unless wanted.
QUIET: Final = frozenset({"km.diplomatic", "so.diplomatic", "ye.diplomatic", "dj.diplomatic"})


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
        return {
            "office": {"names": _OFFICES[self.role], "visibility": "parties"},
            "reach": {
                "channels": [
                    {"kind": "email", "value": f"desk@{host}", "label": "desk"},
                    {"kind": "web", "value": f"https://{host}", "label": None},
                ],
                "zone": self.state.zone,
                "hours": {"weekly": weekly},
                "languages": ["ar", "en", "fr"],
                "visibility": "parties",
            },
        }


def states() -> list[DemoState]:
    """The 22 States."""
    return demo_states()


def contacts() -> list[DemoContact]:
    """Two contacts of each State, sorted by id."""
    return [DemoContact(f"{state.id}.{role}", state, role) for state in states() for role in sorted(_OFFICES)]
