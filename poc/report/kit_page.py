"""The recovery kit on paper and as a text: a private key for the safe, who may hold it, what it can do.

The sheet alone is enough to restore the key. It is not encrypted: a passphrase would have to be kept for
years beside it, and the safe is what protects both. Groups are made in ``core.kit``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from poc.core.statement import format_fingerprint
from poc.core.strictjson import format_time
from poc.report.paper import Paper, in_two_lines, isolated
from poc.report.request_page import key_fingerprint


@dataclass(frozen=True, slots=True)
class Kit:
    """What a kit says: whose key, which, and its groups. Its printed form shows no group."""

    party: str
    role: str
    kid: str
    groups: Sequence[str]
    made_at: datetime

    def __repr__(self) -> str:
        return f"Kit({self.party}, {self.role}, {self.kid})"


_EN: Final = (
    (
        "Keep this sheet in the safe of the authority, in a sealed envelope signed across the flap. Whoever reads "
        "it has the key. Do not photograph, scan, copy or send it."
    ),
    (
        "Who may hold it: the head of the authority, or the keeper of its safe, never alone; never a registrar, "
        "the operator or a contact."
    ),
    (
        "What it can do: replace all authority keys of the State at once, against those keys too, and replace "
        "itself. It cannot read messages and cannot send any."
    ),
    (
        "To use it: take a machine of the authority, off the network if possible, and run the command above. Type "
        "the 17 groups in order, or paste what the QR code holds. A typing error is found at once, and the group "
        "is named. Compare the key's fingerprint with the one shown."
    ),
    (
        "Afterwards: replace the recovery key as well (poc state rotate --by-recovery --recovery), print a new kit, "
        "destroy this one. If the sheet may have been seen, do the same without delay."
    ),
)
_AR: Final = (
    (
        "تُحفظ هذه الورقة في خزنة الجهة المفوِّضة داخل مظروف مختوم وموقّع على طرفه. من قرأها ملك المفتاح. لا "
        "تُصوَّر ولا تُمسح ضوئياً ولا تُنسخ ولا تُرسل."
    ),
    (
        "من يجوز له حفظها: رئيس الجهة المفوِّضة أو أمين خزنتها، ولا ينفرد بها أحد؛ ولا يحفظها أمين سجل ولا "
        "المشغّل ولا نقطة اتصال."
    ),
    (
        "ما يستطيعه المفتاح: استبدال جميع مفاتيح الجهة المفوِّضة للدولة دفعة واحدة، ولو اعترضت تلك المفاتيح، "
        "واستبدال نفسه. ولا يستطيع قراءة الرسائل ولا إرسالها."
    ),
    (
        "لاستعماله: استعمل جهازاً للجهة المفوِّضة، غير موصول بالشبكة إن أمكن، ونفّذ الأمر أعلاه. اكتب المجموعات "
        "السبع عشرة بترتيبها، أو الصق محتوى رمز QR. يُكشف خطأ الكتابة فوراً ويُذكر رقم المجموعة. ثم قارن بصمة "
        "المفتاح بالبصمة المبيّنة."
    ),
    (
        "بعد ذلك: استبدل مفتاح الاسترداد أيضاً، واطبع ورقة جديدة، وأتلف هذه. وإن احتُمل أن أحداً اطّلع عليها "
        "فافعل ذلك دون إبطاء."
    ),
)


def restore_command(kit: Kit) -> str:
    """What is typed to bring the key back."""
    return f"poc key restore {kit.party}"


def kit_page(kit: Kit) -> bytes:
    """The kit as PDF; the same bytes for the same kit."""
    paper = Paper(f"{kit.party} · {kit.role}", kit.made_at)
    paper.heading("ورقة مفتاح الاسترداد: سرّي، للخزنة", "ar")
    paper.heading("Recovery kit: secret, for the safe")
    paper.row("Authority / الجهة", kit.party, code=True)
    paper.row("Made at / أُعدّت في", format_time(kit.made_at), code=True)
    paper.row("Key / المفتاح", kit.kid, code=True)
    paper.row("Fingerprint / البصمة", in_two_lines(key_fingerprint(kit.kid)), code=True)
    paper.heading("Groups / المجموعات")
    paper.groups(kit.groups, columns=6, numbered=True)
    paper.qr((" ".join(kit.groups).upper(), "the same groups / المجموعات نفسها"))
    paper.row("Command / الأمر", restore_command(kit), code=True)
    paper.rule()
    for paragraph in _EN:
        paper.text(paragraph)
    for paragraph in _AR:
        paper.text(paragraph.replace("QR", isolated("QR")), "ar")
    return paper.data()


def kit_text(kit: Kit) -> str:
    """The kit as a text, for a printer without PDF or a typewriter."""
    lines = [
        "RECOVERY KIT: SECRET, FOR THE SAFE / ورقة مفتاح الاسترداد: سرّي، للخزنة",
        "",
        f"authority: {kit.party}",
        f"made at: {format_time(kit.made_at)}",
        f"key: {kit.kid}",
        f"fingerprint: {format_fingerprint(key_fingerprint(kit.kid))}",
        "",
        *(" ".join(kit.groups[first : first + 6]) for first in range(0, len(kit.groups), 6)),
        "",
        f"to restore: {restore_command(kit)}",
        "",
        *_EN,
        "",
        *_AR,
    ]
    return "\n".join(lines) + "\n"
