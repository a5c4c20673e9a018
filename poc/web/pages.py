"""The hub's one public page, in English and Arabic, without script. It never touches a key."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from poc.core.directory import Directory
from poc.core.statement import format_fingerprint
from poc.core.strictjson import format_time
from poc.hub.hub import Hub

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Points of contact</title></head><body>
{body}
</body></html>
"""
_BODY = """<h1>Registry <bdi>{origin}</bdi></h1>
<p>Fingerprint: <bdi><code>{fingerprint}</code></bdi></p>
<pre dir="ltr">{checkpoint}</pre>
{witnesses_en}
<p>To verify, do not trust this page: compare the fingerprint with the one on paper, then run
<code>poc registry join</code> and <code>poc verify</code> on your own desk.</p>{counts_en}
<section lang="ar" dir="rtl">
<h1>السجل <bdi>{origin}</bdi></h1>
{witnesses_ar}
<p>للتحقق لا تثق بهذه الصفحة: قارن البصمة بالبصمة المكتوبة على الورق، ثم شغّل
<bdi><code>poc registry join</code></bdi> و<bdi><code>poc verify</code></bdi> على جهازك.</p>{counts_ar}
</section>"""
_UNPROVED = """<h1>The log is not shown</h1>
<p>The hub is reading its log, or the log did not prove itself. <code>/readyz</code> says which.</p>
<section lang="ar" dir="rtl"><h1>السجل غير معروض</h1>
<p>يقرأ المحور سجله الآن، أو تعذّر إثبات صحة السجل. انظر <bdi><code>/readyz</code></bdi>.</p></section>"""
_EMPTY = """<h1>No registry yet</h1>
<section lang="ar" dir="rtl"><h1>لا يوجد سجل بعد</h1></section>"""


@dataclass(frozen=True, slots=True)
class _Words:
    """What the page says of witnesses, in one language."""

    none: str
    quorum: str
    columns: tuple[str, str, str, str]
    never: str
    ok: str
    silent: str


_ENGLISH: Final = _Words(
    none="No witnesses: the operator could show different logs.",
    quorum="A head counts once {quorum} of {count} witnesses have cosigned it.",
    columns=("Witness", "Entries cosigned", "At", "Now"),
    never="not since the start",
    ok="answers",
    silent="silent",
)
_ARABIC: Final = _Words(
    none="لا يوجد شهود: يستطيع المشغّل أن يعرض سجلات مختلفة.",
    quorum="لا يُعتدّ برأس السجل إلا إذا وقّعه <bdi>{quorum}</bdi> من أصل <bdi>{count}</bdi> شهود.",
    columns=("الشاهد", "القيود الموقّعة", "الوقت", "الآن"),
    never="لم يوقّع منذ بدء التشغيل",
    ok="يجيب",
    silent="صامت",
)


def render(hub: Hub) -> bytes:
    """The page as it stands now."""
    if hub.log.is_empty:
        reason = hub.reason
        empty = reason is not None and reason.code == "no-registry"
        return _FRAME.format(body=_EMPTY if empty else _UNPROVED).encode()
    view = hub.log.view
    counts_en, counts_ar = _counts(view.directory)
    body = _BODY.format(
        origin=escape(view.directory.origin),
        fingerprint=format_fingerprint(view.directory.fingerprint),
        checkpoint=escape(hub.witnesses.published.note.decode()),
        witnesses_en=_witnesses(hub, _ENGLISH),
        witnesses_ar=_witnesses(hub, _ARABIC),
        counts_en=counts_en,
        counts_ar=counts_ar,
    )
    return _FRAME.format(body=body).encode()


def _witnesses(hub: Hub, words: _Words) -> str:
    """The witnesses in force, and how far each has come; or that there are none."""
    directory = hub.log.view.directory
    if directory.quorum == 0:
        return f"<p>{words.none}</p>"
    seats = {seat.witness for seat in directory.seats}
    rows = "".join(
        f"<tr><td><bdi>{escape(asked.seat.witness)}</bdi></td><td>{asked.size}</td>"
        f"<td>{words.never if asked.cosigned_at is None else format_time(asked.cosigned_at)}</td>"
        f"<td>{words.ok if asked.reason is None else words.silent}</td></tr>"
        for asked in hub.witnesses.standing()
        if asked.seat.witness in seats
    )
    head = "".join(f"<th>{column}</th>" for column in words.columns)
    told = words.quorum.format(quorum=directory.quorum, count=len(seats))
    return f"<p>{told}</p><table><tr>{head}</tr>{rows}</table>"


def _counts(directory: Directory) -> tuple[str, str]:
    """How many States and contacts, only where the registry's policy makes that public."""
    if not directory.settings.counts_public:
        return "", ""
    states = sum(state.status == "enrolled" for state in directory.states.values())
    contacts = sum(not contact.withdrawn for contact in directory.contacts.values())
    return (
        f"\n<p>States: {states}. Contacts: {contacts}.</p>",
        f"\n<p>الدول: {states}. نقاط الاتصال: {contacts}.</p>",
    )
