"""The hub's one public page, in English and Arabic, without script. It never touches a key."""

from __future__ import annotations

from html import escape

from poc.core.directory import Directory
from poc.core.statement import format_fingerprint
from poc.hub.hub import Hub

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Points of contact</title></head><body>
{body}
</body></html>
"""
_BODY = """<h1>Registry <bdi>{origin}</bdi></h1>
<p>Fingerprint: <bdi><code>{fingerprint}</code></bdi></p>
<pre dir="ltr">{checkpoint}</pre>
<p>No witnesses: the operator could show different logs.</p>
<p>To verify, do not trust this page: compare the fingerprint with the one on paper, then run
<code>poc registry join</code> and <code>poc verify</code> on your own desk.</p>{counts_en}
<section lang="ar" dir="rtl">
<h1>السجل <bdi>{origin}</bdi></h1>
<p>لا يوجد شهود: يستطيع المشغّل أن يعرض سجلات مختلفة.</p>
<p>للتحقق لا تثق بهذه الصفحة: قارن البصمة بالبصمة المكتوبة على الورق، ثم شغّل
<bdi><code>poc registry join</code></bdi> و<bdi><code>poc verify</code></bdi> على جهازك.</p>{counts_ar}
</section>"""
_UNPROVED = """<h1>The log is not shown</h1>
<p>The hub is reading its log, or the log did not prove itself. <code>/readyz</code> says which.</p>
<section lang="ar" dir="rtl"><h1>السجل غير معروض</h1>
<p>يقرأ الخادم سجله الآن، أو تعذّر إثبات صحة السجل. انظر <bdi><code>/readyz</code></bdi>.</p></section>"""
_EMPTY = """<h1>No registry yet</h1>
<section lang="ar" dir="rtl"><h1>لا يوجد سجل بعد</h1></section>"""


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
        checkpoint=escape(view.checkpoint.decode()),
        counts_en=counts_en,
        counts_ar=counts_ar,
    )
    return _FRAME.format(body=body).encode()


def _counts(directory: Directory) -> tuple[str, str]:
    """How many States and contacts, only where the registry's policy makes that public."""
    if not directory.settings.counts_public:
        return "", ""
    states = sum(state.status == "enrolled" for state in directory.states.values())
    contacts = sum(not contact.withdrawn for contact in directory.contacts.values())
    return (
        f"\n<p>States: {states}. Contacts: {contacts}.</p>",
        f"\n<p>الدول: {states}. جهات الاتصال: {contacts}.</p>",
    )
