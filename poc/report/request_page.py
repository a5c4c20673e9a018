"""The page annexed to a note verbale that asks for enrolment, and a model of the note in three languages.

The page shows what a registrar compares with the request file and reads back by telephone. The model
leaves blanks for whoever writes the note; nothing here names a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from poc.core.state_request import ReadRequest, StateRequest
from poc.core.statement import format_fingerprint
from poc.core.strictjson import format_time, unb64u
from poc.report.paper import Language, Paper, in_two_lines, isolated

_KINDS: Final = {
    "member": "member / عضو",
    "observer": "observer / مراقب",
    "organisation": "organisation / منظمة",
}
_ABOUT: Final[Mapping[Language, str]] = {
    "en": (
        "This page belongs to the note verbale and to the request file of the same fingerprint. It holds "
        "nothing secret. Whoever compares all 64 digits with the file knows that nothing in it was changed."
    ),
    "ar": (
        "هذه الصفحة جزء من المذكرة الشفوية ومن ملف الطلب الذي يحمل البصمة نفسها. ليس فيها سرّ. ومن قارن "
        "الخانات الأربع والستين كلها بالملف علم أن شيئاً فيه لم يُغيَّر."
    ),
}
_READ_BACK: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "For the registrar, in the call-back:",
        "1. Call the office at a number known from elsewhere, never at one given in the note or by the caller.",
        (
            "2. Read back: the State, the kind, the number of authority keys and how many of them must sign, "
            "whether there is a recovery key, and when the request was made."
        ),
        "3. Read the fingerprint of the request aloud, all 16 groups; the office follows on its own copy.",
        "4. Write down when the call was made and where the number was known from; not the number.",
    ),
    "ar": (
        "لأمين السجل، عند معاودة الاتصال:",
        "1. اتصل بالمكتب على رقم معروف من مصدر آخر، لا على رقم ورد في المذكرة أو ذكره المتصل.",
        (
            "2. أعد قراءة: الدولة، والصفة، وعدد مفاتيح الجهة المفوِّضة وكم منها يجب أن يوقّع، وهل يوجد مفتاح "
            "استرداد، ووقت إعداد الطلب."
        ),
        "3. اقرأ بصمة الطلب بصوت عالٍ، بمجموعاتها الست عشرة كلها؛ ويتابعها المكتب على نسخته.",
        "4. دوّن وقت المكالمة ومصدر معرفة الرقم، لا الرقم نفسه.",
    ),
}
BLANK: Final = "____________________"
# {state}, {origin} and {fingerprint} are filled in; the blanks are for whoever writes the note.
NOTES: Final[Mapping[Language, tuple[str, tuple[str, ...]]]] = {
    "ar": (
        "نموذج مذكرة شفوية",
        (
            f"الرقم المرجعي: {BLANK}",
            (
                f"تُهدي وزارة الخارجية في {{state}} أطيب تحياتها إلى {BLANK}، وتتشرف بالإشارة إلى سجل نقاط "
                "الاتصال الوطنية {origin}."
            ),
            (
                "وتتشرف الوزارة بأن تطلب قيد {state} في السجل المذكور، وأن تفيد بأن الجهة المفوَّضة بتسمية نقاط "
                f"اتصالها هي: {BLANK}."
            ),
            "ومفاتيح هذه الجهة مبيّنة في الصفحة المرفقة، وهي جزء لا يتجزأ من هذه المذكرة، وبصمة الطلب هي:",
            "{fingerprint}",
            (
                "وتكون الوزارة ممتنة لو أُعيدت قراءة هذه البصمة هاتفياً على الجهة المذكورة قبل القيد، على رقم معروف "
                f"لدى {BLANK} من مصدر غير هذه المذكرة."
            ),
            "ويقتصر موضوع هذه المذكرة على ترتيبات الاتصال، ولا يمسّ بموقف {state} من أي مسألة كانت.",
            f"وتغتنم الوزارة هذه الفرصة لتعرب لـ{BLANK} عن فائق تقديرها واحترامها.",
            f"حُرّر في {BLANK} بتاريخ {BLANK}",
        ),
    ),
    "en": (
        "Model note verbale",
        (
            f"Reference: {BLANK}",
            (
                f"The Ministry of Foreign Affairs of {{state}} presents its compliments to {BLANK} and has the "
                "honour to refer to the registry of national points of contact {origin}."
            ),
            (
                "The Ministry has the honour to request that {state} be enrolled in that registry, and to convey "
                f"that the office authorised to nominate its points of contact is: {BLANK}."
            ),
            (
                "The keys of that office are set out in the annexed page, which forms an integral part of this "
                "note. The fingerprint of the request is:"
            ),
            "{fingerprint}",
            (
                "The Ministry would be grateful if this fingerprint could be read back by telephone to that "
                f"office before the enrolment, at a number known to {BLANK} from a source other than this note."
            ),
            (
                "This note concerns contact arrangements only and is without prejudice to the position of "
                "{state} on any matter."
            ),
            (
                f"The Ministry avails itself of this opportunity to renew to {BLANK} the assurances of its "
                "highest consideration."
            ),
            f"Done at {BLANK}, on {BLANK}",
        ),
    ),
    "fr": (
        "Modèle de note verbale",
        (
            f"Référence : {BLANK}",
            (
                f"Le Ministère des affaires étrangères de {{state}} présente ses compliments à {BLANK} et a "
                "l’honneur de se référer au registre des points de contact nationaux {origin}."
            ),
            (
                "Le Ministère a l’honneur de demander l’inscription de {state} dans ce registre et de faire "
                f"savoir que le service habilité à désigner ses points de contact est : {BLANK}."
            ),
            (
                "Les clés de ce service figurent sur la page annexée, qui fait partie intégrante de la présente "
                "note. L’empreinte de la demande est :"
            ),
            "{fingerprint}",
            (
                "Le Ministère serait reconnaissant que cette empreinte soit relue par téléphone à ce service "
                f"avant l’inscription, à un numéro connu de {BLANK} par une autre source que la présente note."
            ),
            (
                "La présente note porte uniquement sur les modalités de contact et ne préjuge en rien de la "
                "position de {state} sur quelque question que ce soit."
            ),
            (
                f"Le Ministère saisit cette occasion pour renouveler à {BLANK} les assurances de sa très haute "
                "considération."
            ),
            f"Fait à {BLANK}, le {BLANK}",
        ),
    ),
}


def key_fingerprint(kid: str) -> str:
    """A key's thumbprint in hex: what is read aloud in groups."""
    return unb64u(kid, 32).hex()


def request_page(read: ReadRequest) -> bytes:
    """The annexed page and the model notes as one PDF; the same bytes for the same request."""
    request = read.request
    paper = Paper(f"{request.state} · {read.fingerprint[:16]}", request.made_at)
    paper.heading("طلب القيد في سجل نقاط الاتصال", "ar")
    paper.heading("Request for enrolment in a registry of points of contact")
    paper.text(_ABOUT["ar"], "ar")
    paper.text(_ABOUT["en"])
    paper.rule()
    _say_what_is_asked(paper, request)
    paper.heading("Fingerprint of the request / بصمة الطلب")
    paper.groups(format_fingerprint(read.fingerprint).split(), columns=8)
    _show_keys(paper, read)
    for language in ("ar", "en"):
        first, *steps = _READ_BACK[language]
        paper.text(first, language, strong=True)
        for step in steps:
            paper.text(step, language)
    for language, (title, _) in NOTES.items():
        paper.page()
        paper.heading(title, language)
        for paragraph in note_verbale(read, language):
            paper.text(paragraph, language)
    return paper.data()


def note_verbale(read: ReadRequest, language: Language) -> list[str]:
    """The paragraphs of the model note in a language, with what the request tells filled in."""
    names = read.request.names.official
    state = names.get(language) or names.get("en") or next(iter(names.values()))
    filled = {
        "state": state,
        "origin": isolated(read.request.origin),
        "fingerprint": isolated(format_fingerprint(read.fingerprint)),
    }
    return [paragraph.format(**filled) for paragraph in NOTES[language][1]]


def _say_what_is_asked(paper: Paper, request: StateRequest) -> None:
    paper.row("Registry / السجل", request.origin, code=True)
    paper.row("Fingerprint / البصمة", in_two_lines(request.genesis_fingerprint), code=True)
    paper.row("State / الدولة", request.state, code=True)
    for language, name in sorted(request.names.official.items()):
        short = request.names.short.get(language)
        paper.row(f"Name ({language})", name if short in (None, name) else f"{name} · {short}")
    paper.row("Kind / الصفة", _KINDS[request.kind])
    keys = len(request.authority.keys)
    paper.row("Keys / المفاتيح", f"{keys}; {request.authority.threshold} of them must sign")
    paper.row("Recovery / الاسترداد", "none / لا يوجد" if request.recovery is None else "yes, below / نعم")
    paper.row("Made at / أُعدّ في", format_time(request.made_at), code=True)


def _show_keys(paper: Paper, read: ReadRequest) -> None:
    request = read.request
    paper.heading("Keys / المفاتيح")
    recovery = None if request.recovery is None else request.recovery.kid
    for number, kid in enumerate(request.kids(), start=1):
        what = "Recovery key" if kid == recovery else f"Authority key {number}"
        paper.row(what, in_two_lines(key_fingerprint(kid)), code=True)
        paper.row("", kid, code=True)
    keys = " ".join(key_fingerprint(kid).upper() for kid in request.kids())
    paper.qr((read.fingerprint.upper(), "request / الطلب"), (keys, "keys / المفاتيح"))
