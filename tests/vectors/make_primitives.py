"""Write our own vectors for strict JSON, JWS, sealing and signed requests.

    python tests/vectors/make_primitives.py

The same files come out each time. Nothing of `poc` is used, so that the files check it: what must
come out is composed here from the standard library and the crypto library, what must be refused is
stated. One thing cannot be repeated: HPKE draws its own randomness, so the slot already in
`sealed/slots.json` is kept as long as it is there. A private key is named by its `label`.

It is long because a case is one line and there are many: one table per file, nothing else.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

Case = dict[str, Any]

HERE = Path(__file__).resolve().parent
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
TYPES = [
    "poc-statement+jws", "poc-message+jws", "poc-preparation+jws", "poc-cancel+jws", "poc-receipt+jws",
    "poc-retrieval+jws", "poc-acknowledgement+jws", "poc-announcement+jws", "poc-script+jws", "poc-order+jws",
    "poc-state-request+jws",
]  # fmt: skip
MESSAGE_ID = "01900000-0000-7000-8000-000000000001"
CEK = bytes(range(32))
IV = bytes(range(100, 112))


def b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact_json(members: dict[str, Any]) -> bytes:
    """RFC 8785 of ASCII names, ASCII strings and small integers."""
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def sha256(domain: str, *parts: bytes) -> bytes:
    return hashlib.sha256(domain.encode() + b"\0" + b"".join(parts)).digest()


def square_root(value: int) -> int:
    root = pow(value, (P + 3) // 8, P)
    return root if (root * root - value) % P == 0 else root * pow(2, (P - 1) // 4, P) % P


def y_of_order_8() -> int:
    """One of the two y of points of order 8: twice such a point has y = 0, so d y^4 + 2 y^2 - 1 = 0."""
    for root in (square_root(1 + D), -square_root(1 + D)):
        y = square_root((root - 1) * pow(D, -1, P) % P)
        if (D * y**4 + 2 * y**2 - 1) % P == 0:
            return y
    raise AssertionError("the curve has points of order 8")


def y_bytes(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def seed_of_label(label: str) -> bytes:
    """The seed of a test key: anybody can compute it, so it protects nothing and may stand here."""
    return sha256("poc/1 test key", label.encode())


def signer(name: str) -> tuple[Ed25519PrivateKey, dict[str, str], str]:
    private = Ed25519PrivateKey.from_private_bytes(seed_of_label(f"signing {name}"))
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64u(private.public_key().public_bytes_raw())}
    return private, jwk, b64u(hashlib.sha256(compact_json(jwk)).digest())


def sealing(name: str) -> tuple[MLKEM768X25519PrivateKey, dict[str, str], str]:
    expanded = hashlib.shake_256(seed_of_label(f"sealing {name}")).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
    jwk = {"alg": "HPKE-9-KE", "kty": "AKP", "pub": b64u(public)}
    return MLKEM768X25519PrivateKey(mlkem, x25519), jwk, b64u(hashlib.sha256(compact_json(jwk)).digest())


def hpke_public(name: str) -> MLKEM768X25519PublicKey:
    return sealing(name)[0].public_key()


# --- strictjson ---


def json_cases() -> list[Case]:
    def ok(name: str, text: str, canonical: str) -> Case:
        return {"name": name, "expect": "ok", "text": text, "canonical": canonical}

    def bad(name: str, text: str | bytes, line: int, column: int) -> Case:
        given = {"text": text} if isinstance(text, str) else {"hex": text.hex()}
        return {"name": name, "expect": "bad-json", **given, "line": line, "column": column}

    return [
        ok("empty object", "{}", "{}"),
        ok("a bare string", '"a"', '"a"'),
        ok("members are sorted", '{"b": 1,\n "a": [true, false, null]}', '{"a":[true,false,null],"b":1}'),
        ok("members are sorted by UTF-16, not by code point", '{"\ufb33":1,"\U0001f600":2}', '{"\U0001f600":2,"\ufb33":1}'),
        ok("an escaped pair is one character", '"\\ud83d\\ude00"', '"\U0001f600"'),
        ok("an escaped backslash before u is no escape", '"\\\\ud800"', '"\\\\ud800"'),
        ok("controls are escaped in lower case", '"\\u001F\\u0008\\/"', '"\\u001f\\b/"'),
        ok("Arabic stays as it is", '"\u062a\u0645\u0631\u064a\u0646"', '"\u062a\u0645\u0631\u064a\u0646"'),
        ok("largest integer", "9007199254740991", "9007199254740991"),
        ok("smallest integer", "-9007199254740991", "-9007199254740991"),
        ok("minus zero is zero", "-0", "0"),
        ok("a fraction", "4.50", "4.5"),
        ok("an exponent", "1E30", "1e+30"),
        ok("depth 32", "[" * 32 + "]" * 32, "[" * 32 + "]" * 32),
        ok("brackets in strings are not depth", '"' + "[" * 40 + '"', '"' + "[" * 40 + '"'),
        ok("the same name in two objects", '[{"a":1},{"a":2}]', '[{"a":1},{"a":2}]'),
        ok("a name that is also a value", '{"a":"b","b":"a"}', '{"a":"b","b":"a"}'),
        bad("nothing", "", 1, 1),
        bad("only whitespace", " \n ", 2, 2),
        bad("a byte order mark", b"\xef\xbb\xbf{}", 1, 1),
        bad("UTF-16", '{"a":1}'.encode("utf-16-le") + b"\xff", 1, 15),
        bad("a byte that is not UTF-8", b'{"a":\n"\xff"}', 2, 2),
        bad("an overlong encoding", b'"\xc0\xaf"', 1, 2),
        bad("a surrogate as UTF-8", b'"\xed\xa0\x80"', 1, 2),
        bad("a lone high surrogate", '["a", "\\ud800"]', 1, 7),
        bad("a lone low surrogate", '{"\\udc00": 1}', 1, 2),
        bad("two halves the wrong way round", '"\\ude00\\ud83d"', 1, 1),
        bad("a duplicate member", '{"a": 1,\n "a": 1}', 2, 2),
        bad("a duplicate member far down", '{"x": [{"b": {"a": 1, "b": 2, "a": 3}}]}', 1, 31),
        bad("a duplicate member spelled with an escape", '{"a":1,"\\u0061":2}', 1, 8),
        bad("a duplicate empty name", '{"":1,"":2}', 1, 7),
        bad("an integer one too large", "[9007199254740992]", 1, 2),
        bad("an integer one too small", "-9007199254740992", 1, 1),
        bad("an integer of 5000 digits", "[1, " + "9" * 5000 + "]", 1, 5),
        bad("a number that becomes infinite", "[1e999]", 1, 2),
        bad("NaN", "[NaN]", 1, 2),
        bad("Infinity", "Infinity", 1, 1),
        bad("minus Infinity", '{"a":-Infinity}', 1, 6),
        bad("depth 33", "[" * 33 + "]" * 33, 1, 33),
        bad("depth 33 in objects", '{"a":' * 33 + "1" + "}" * 33, 1, 161),
        bad("depth 100000, never closed", "[" * 100_000, 1, 33),
        bad("a closing bracket too many", '{"a":1}}', 1, 8),
        bad("a bracket closed by another", "[1}", 1, 3),
        bad("an object never closed", '{"a":1', 1, 7),
        bad("two values", "{} {}", 1, 4),
        bad("a trailing comma", "[1,]", 1, 4),
        bad("a comment", "[1] // one", 1, 5),
        bad("a name without quotation marks", "{a:1}", 1, 2),
        bad("apostrophes", "['a']", 1, 2),
        bad("a leading zero", "[01]", 1, 3),
        bad("a plus sign", "+1", 1, 1),
        bad("a fraction without digits", "[1.]", 1, 3),
        bad("hexadecimal", "0x10", 1, 2),
        bad("Arabic digits", "[\u0661]", 1, 2),
        bad("a no-break space", "[\u00a01]", 1, 2),
        bad("an unknown escape", '"\\x41"', 1, 2),
        bad("a control character in a string", '"a\tb"', 1, 3),
        bad("a string never closed", '["a', 1, 2),
        bad("many quotation marks, never closed", '"' + '\\"' * 20_000, 1, 1),
        bad("True", "True", 1, 1),
        bad("a zero byte after the value", "1\0", 1, 2),
    ]  # fmt: skip


def encoding_cases() -> list[Case]:
    def text(name: str, value: str, expect: str = "ok", size: int | None = None, data: str = "") -> Case:
        case = {"name": name, "expect": expect, "base64url": value, "size": size}
        return case | ({"hex": data} if expect == "ok" else {})

    def time(name: str, value: str, seconds: int | None = None) -> Case:
        if seconds is None:
            return {"name": name, "expect": "bad-time", "time": value}
        return {"name": name, "expect": "ok", "time": value, "unix_seconds": seconds}

    bad = "bad-base64"
    return [
        text("nothing", "", data=""),
        text("one byte", "_w", data="ff"),
        text("two bytes", "-_8", size=2, data="fbff"),
        text("three bytes", "AAEC", size=3, data="000102"),
        text("padding", "_w==", bad),
        text("spare bits", "_x", bad),
        text("spare bits of two", "-_9", bad),
        text("one character", "A", bad),
        text("five characters", "AAECA", bad),
        text("the other alphabet", "+/8", bad),
        text("a space", "AA EC", bad),
        text("a line end", "AAEC\n", bad),
        text("not ASCII", "\u00c4AEC", bad),
        text("too few bytes", "AAEC", bad, size=4),
        text("too many bytes", "AAEC", bad, size=2),
        time("an ordinary time", "2026-11-24T12:34:56Z", 1795523696),
        time("a leap day", "2028-02-29T00:00:00Z", 1835395200),
        time("the beginning of Unix time", "1970-01-01T00:00:00Z", 0),
        time("a year of three digits", "0999-12-31T23:59:59Z", -30610224001),
        time("no leap day", "2026-02-29T00:00:00Z"),
        time("a leap second", "2016-12-31T23:59:60Z"),
        time("hour 24", "2026-01-01T24:00:00Z"),
        time("month 13", "2026-13-01T00:00:00Z"),
        time("year 0", "0000-01-01T00:00:00Z"),
        time("a fraction", "2026-01-01T00:00:00.0Z"),
        time("an offset", "2026-01-01T00:00:00+00:00"),
        time("no zone", "2026-01-01T00:00:00"),
        time("lower case", "2026-01-01t00:00:00z"),
        time("a space for the T", "2026-01-01 00:00:00Z"),
        time("without seconds", "2026-01-01T00:00Z"),
        time("a week date", "2026-W01-1T00:00:00Z"),
        time("Arabic digits", "\u0662\u0660\u0662\u0666-01-01T00:00:00Z"),
        time("a line end", "2026-01-01T00:00:00Z\n"),
        {"name": "hash of nothing", "expect": "ok", "domain": "poc/1 example", "parts": [], "sha256": sha256("poc/1 example").hex()},
        {"name": "hash of two parts", "expect": "ok", "domain": "poc/1 example", "parts": ["00", "ff01"], "sha256": sha256("poc/1 example", b"\0\xff\x01").hex()},
    ]  # fmt: skip


# --- jws ---


def jws_parts(payload: bytes, header: bytes, name: str) -> dict[str, str]:
    protected = b64u(header)
    signature = signer(name)[0].sign(f"{protected}.{b64u(payload)}".encode())
    return {"protected": protected, "payload": b64u(payload), "signature": b64u(signature)}


def header_of(name: str, typ: str, /, **changed: object) -> bytes:
    members: dict[str, Any] = {"alg": "Ed25519", "kid": signer(name)[2], "typ": typ}
    return compact_json({key: value for key, value in (members | changed).items() if value is not ...})


def jws_cases() -> list[Case]:
    payload = b'{"a":1}'
    typ = TYPES[0]
    jwk, other_jwk = signer("first")[1], signer("second")[1]
    good = jws_parts(payload, header_of("first", typ), "first")

    def case(
        name: str, expect: str, parts: dict[str, str], wanted: str = typ, key: dict[str, str] = jwk
    ) -> Case:
        return {"name": name, "expect": expect, "typ": wanted, "key": key, **parts}

    def header(name: str, expect: str, raw: bytes) -> Case:
        return case(name, expect, jws_parts(payload, raw, "first"))

    kid = signer("first")[2]
    raw_signature = base64.urlsafe_b64decode(good["signature"] + "==")
    s = int.from_bytes(raw_signature[32:], "little")
    malleable = b64u(raw_signature[:32] + (s + ORDER).to_bytes(32, "little"))
    return [
        *(case(f"signed as {name}", "ok", jws_parts(payload, header_of("first", name), "first"), name) for name in TYPES),
        case("an empty payload", "ok", jws_parts(b"", header_of("first", typ), "first")),
        case("a payload that is not JSON", "ok", jws_parts(b"\xff\0\n", header_of("first", typ), "first")),
        case("another payload", "bad-signature", good | {"payload": b64u(b'{"a":2}')}),
        case("a space more in the payload", "bad-signature", good | {"payload": b64u(b'{"a": 1}')}),
        case("another key", "bad-signature", good, key=other_jwk),
        case("a kid that is not the signer's", "bad-signature", jws_parts(payload, header_of("second", typ), "first"), key=other_jwk),
        case("another type", "wrong-type", good, wanted=TYPES[1]),
        case("a signature of zero bytes", "bad-signature", good | {"signature": b64u(bytes(64))}),
        case("S not reduced", "bad-signature", good | {"signature": malleable}),
        case("R of low order", "bad-signature", good | {"signature": b64u(y_bytes(1) + raw_signature[32:])}),
        case("R not canonical", "bad-signature", good | {"signature": b64u(y_bytes(P + 3) + raw_signature[32:])}),
        case("a short signature", "bad-base64", good | {"signature": b64u(raw_signature[:63])}),
        case("a long signature", "bad-base64", good | {"signature": b64u(raw_signature + b"\0")}),
        case("a padded signature", "bad-base64", good | {"signature": good["signature"] + "=="}),
        case("a padded header", "bad-base64", good | {"protected": good["protected"] + "="}),
        header("alg none", "unknown-algorithm", header_of("first", typ, alg="none")),
        header("alg EdDSA", "unknown-algorithm", header_of("first", typ, alg="EdDSA")),
        header("alg HS256", "unknown-algorithm", header_of("first", typ, alg="HS256")),
        header("alg a number", "unknown-algorithm", header_of("first", typ, alg=1)),
        header("an unknown type", "wrong-type", header_of("first", "poc-thing+jws")),
        header("a type in capitals", "wrong-type", header_of("first", "POC-STATEMENT+JWS")),
        header("a type that is a list", "wrong-type", header_of("first", typ, typ=[typ])),
        header("no alg", "bad-form", header_of("first", typ, alg=...)),
        header("no kid", "bad-form", header_of("first", typ, kid=...)),
        header("no typ", "bad-form", header_of("first", typ, typ=...)),
        header("crit", "bad-form", header_of("first", typ, crit=["b64"])),
        header("b64", "bad-form", header_of("first", typ, b64=False)),
        header("jwk", "bad-form", header_of("first", typ, jwk={})),
        header("jku", "bad-form", header_of("first", typ, jku="https://x.example/k")),
        header("x5c", "bad-form", header_of("first", typ, x5c=[])),
        header("zip", "bad-form", header_of("first", typ, zip="DEF")),
        header("kid a number", "bad-form", header_of("first", typ, kid=7)),
        header("kid too short", "bad-base64", header_of("first", typ, kid="AAAA")),
        header("a list", "bad-form", b"[]"),
        header("not JSON", "bad-json", b"{"),
        header("a duplicate member", "bad-json", f'{{"alg":"Ed25519","alg":"Ed25519","kid":"{kid}","typ":"{typ}"}}'.encode()),
        header("members in another order", "not-canonical", f'{{"typ":"{typ}","alg":"Ed25519","kid":"{kid}"}}'.encode()),
        header("a space in the header", "not-canonical", f'{{"alg": "Ed25519","kid":"{kid}","typ":"{typ}"}}'.encode()),
        header("an escape in the header", "not-canonical", f'{{"\\u0061lg":"Ed25519","kid":"{kid}","typ":"{typ}"}}'.encode()),
        header("a header of 1 KiB", "too-large", header_of("first", typ, x="x" * 1024)),
    ]  # fmt: skip


def compact_cases() -> list[Case]:
    jwk = signer("first")[1]
    parts = jws_parts(b"payload", header_of("first", TYPES[9]), "first")
    good = f"{parts['protected']}.{parts['payload']}.{parts['signature']}"

    def case(name: str, expect: str, text: str) -> Case:
        return {"name": name, "expect": expect, "typ": TYPES[9], "key": jwk, "compact": text}

    return [
        case("a compact JWS", "ok", good) | {"payload": parts["payload"]},
        case("nothing", "bad-form", ""),
        case("two parts", "bad-form", f"{parts['protected']}.{parts['payload']}"),
        case("four parts", "bad-form", good + "."),
        case("a detached payload", "bad-signature", f"{parts['protected']}..{parts['signature']}"),
        case("no signature", "bad-base64", f"{parts['protected']}.{parts['payload']}."),
        case("a line end", "bad-base64", good + "\n"),
        case("a space in front", "bad-base64", " " + good),
        case(
            "a padded payload", "bad-base64", f"{parts['protected']}.{parts['payload']}=.{parts['signature']}"
        ),
        case("parts swapped", "bad-json", f"{parts['payload']}.{parts['protected']}.{parts['signature']}"),
    ]


def signing_key_cases() -> list[Case]:
    jwk, kid = signer("first")[1], signer("first")[2]

    def bad(name: str, **changed: object) -> Case:
        members = {key: value for key, value in (jwk | changed).items() if value is not ...}
        return {"name": name, "expect": "bad-key", "jwk": members}

    def point(name: str, y: int, sign: int = 0) -> Case:
        return bad(name, x=b64u(y_bytes(y, sign)))

    low = {
        "0": 0,
        "1": 1,
        "-1": P - 1,
        "of order 8": y_of_order_8(),
        "of order 8, negated": P - y_of_order_8(),
    }
    return [
        {"name": "a key", "expect": "ok", "jwk": jwk, "kid": kid},
        *(point(f"low order: y {name}, sign {sign}", y, sign) for name, y in low.items() for sign in (0, 1)),
        *(point(f"not canonical: y = p + {n}, sign {sign}", P + n, sign) for n in (0, 1, 2, 18) for sign in (0, 1)),
        bad("31 bytes", x=b64u(y_bytes(3)[:31])),
        bad("33 bytes", x=b64u(y_bytes(3) + b"\0")),
        bad("padding", x=jwk["x"] + "="),
        bad("x a number", x=9),
        bad("x null", x=None),
        bad("no x", x=...),
        bad("no crv", crv=...),
        bad("crv X25519", crv="X25519"),
        bad("kty EC", kty="EC"),
        bad("a private member", d="AA"),
        bad("a member more", use="sig"),
    ]  # fmt: skip


# --- sealed ---


def slot_info(protected: str, contact: str) -> bytes:
    digest = hashlib.sha256(protected.encode()).digest()
    return b"JOSE-HPKE rcpt\xffA256GCM\xff" + b"poc/1 slot\0" + digest + contact.encode()


def sealed_once(path: Path) -> dict[str, str]:
    """The slot that is in the file, else a new one. Both open the same; see the module's text."""
    if path.exists():
        kept: dict[str, str] = json.loads(path.read_bytes())["cases"][0]
        return {"ek": kept["ek"], "encrypted_key": kept["encrypted_key"]}
    suite = Suite(KEM.MLKEM768_X25519, KDF.SHAKE256, AEAD.AES_256_GCM)
    sealed = suite.encrypt(CEK, hpke_public("first"), info=slot_info("eyJhIjoxfQ", "jo.duty"))
    return {"ek": b64u(sealed[:1120]), "encrypted_key": b64u(sealed[1120:])}


def slot_cases(root: Path) -> list[Case]:
    slot = sealed_once(root / "sealed" / "slots.json")
    ek = base64.urlsafe_b64decode(slot["ek"] + "==")
    encrypted = base64.urlsafe_b64decode(slot["encrypted_key"] + "==")

    def case(name: str, expect: str, **changed: str) -> Case:
        given = {
            "label": "sealing first",
            "protected": "eyJhIjoxfQ",
            "contact": "jo.duty",
            **slot,
        }
        return {"name": name, "expect": expect, **given, **changed}

    def flipped(data: bytes, position: int) -> str:
        return b64u(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])

    no = "cannot-open"
    return [
        case("a slot", "ok", cek=CEK.hex()),
        case("another device", no, label="sealing second"),
        case("another header", no, protected="eyJhIjoyfQ"),
        case("another contact", no, contact="jo.technical"),
        case("a longer contact", no, contact="jo.duty2"),
        case("a bit of the ML-KEM part", no, ek=flipped(ek, 0)),
        case("a bit of the X25519 part", no, ek=flipped(ek, 1119)),
        case("an X25519 part of low order", no, ek=b64u(ek[:1088] + bytes(32))),
        case("a short encapsulated key", no, ek=b64u(ek[:1119])),
        case("a byte moved across", no, ek=b64u(ek + encrypted[:1]), encrypted_key=b64u(encrypted[1:])),
        case("a bit of the encrypted key", no, encrypted_key=flipped(encrypted, 0)),
        case("a bit of its tag", no, encrypted_key=flipped(encrypted, 47)),
        case("an encrypted key cut short", no, encrypted_key=b64u(encrypted[:47])),
        case("no encrypted key", no, encrypted_key=""),
    ]


def sealing_key_cases() -> list[Case]:
    jwk, kid = sealing("first")[1:]
    raw = base64.urlsafe_b64decode(jwk["pub"] + "==")

    def bad(name: str, **changed: object) -> Case:
        members = {key: value for key, value in (jwk | changed).items() if value is not ...}
        return {"name": name, "expect": "bad-key", "jwk": members}

    def half(name: str, x25519: bytes) -> Case:
        return bad(f"X25519 half: {name}", pub=b64u(raw[:1184] + x25519))

    return [
        {"name": "a key", "expect": "ok", "label": "sealing first", "jwk": jwk, "kid": kid},
        half("zero", bytes(32)),
        half("one", (1).to_bytes(32, "little")),
        half("minus one", (P - 1).to_bytes(32, "little")),
        half("of order 8", bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
        half("p", P.to_bytes(32, "little")),
        half("the same key with the top bit set", raw[1184:1215] + bytes([raw[1215] | 128])),
        half("p + 9", (P + 9).to_bytes(32, "little")),
        bad("an ML-KEM half that is not reduced", pub=b64u(b"\xff" * 1184 + raw[1184:])),
        bad("a byte short", pub=b64u(raw[:-1])),
        bad("a byte long", pub=b64u(raw + b"\0")),
        bad("only ML-KEM", pub=b64u(raw[:1184])),
        bad("padding", pub=jwk["pub"] + "=="),
        bad("pub a list", pub=[]),
        bad("no pub", pub=...),
        bad("a weaker suite", alg="HPKE-3-KE"),
        bad("integrated encryption", alg="HPKE-9"),
        bad("kty OKP", kty="OKP"),
        bad("a private member", priv="AA"),
        bad("a member more", kid=kid),
    ]


def content_cases() -> list[Case]:
    plaintext = b"the content"
    sealed = AESGCM(CEK).encrypt(IV, plaintext, b"eyJhIjoxfQ")

    def case(name: str, expect: str, **changed: str) -> Case:
        given = {"cek": CEK.hex(), "iv": IV.hex(), "protected": "eyJhIjoxfQ"}
        return {"name": name, "expect": expect, **given, "ciphertext": sealed[:-16].hex(), "tag": sealed[-16:].hex(), **changed}  # fmt: skip

    no = "cannot-open"
    empty = AESGCM(CEK).encrypt(IV, b"", b"")
    return [
        case("content", "ok", plaintext=plaintext.hex()),
        case("no content, no header", "ok", protected="", ciphertext="", tag=empty.hex(), plaintext=""),
        case("another header", no, protected="eyJhIjoyfQ"),
        case("another IV", no, iv=bytes(12).hex()),
        case("another key", no, cek=bytes(32).hex()),
        case("a bit of the ciphertext", no, ciphertext=(bytes([sealed[0] ^ 1]) + sealed[1:-16]).hex()),
        case("a bit of the tag", no, tag=(sealed[-16:-1] + bytes([sealed[-1] ^ 1])).hex()),
        case("a tag of 12 bytes", no, tag=sealed[-16:-4].hex()),
        case("no tag", no, tag=""),
        case("a byte of the tag moved across", no, ciphertext=sealed[:-15].hex(), tag=sealed[-15:].hex()),
        case("a key of 128 bits", no, cek=CEK[:16].hex()),
        case("an IV of 16 bytes", no, iv=bytes(16).hex()),
    ]


def code_cases() -> list[Case]:
    message_id = MESSAGE_ID.encode()
    key = sha256("poc/1 answer-key", CEK, message_id)
    text = b"poc/1 answer\0" + message_id + b"\0jo.duty\x00493817"
    slot = {
        "contact": "jo.duty",
        "kid": sealing("first")[2],
        "sequence": 7,
        "release_at": None,
        "in_place_of": None,
    }
    held = slot | {"sequence": None, "release_at": "2026-11-24T12:00:00Z", "in_place_of": "jo.technical"}
    salt = bytes(range(16))
    four = ("eyJhIjoxfQ", "ZGVm", "Z2hp", "amts")
    commit = b64u(sha256("poc/1 commit", CEK, message_id))
    basis = {"cek": CEK.hex(), "id": MESSAGE_ID}
    voice = int.from_bytes(sha256("poc/1 voice", CEK, message_id), "big") % 10**8
    digest = hashlib.sha256(".".join(four).encode()).hexdigest()

    def slot_case(name: str, expect: str, members: dict[str, Any], salt: bytes) -> Case:
        case = {"name": name, "of": "slot", "expect": expect, "salt": salt.hex(), "slot": members}
        return case | (
            {"value": b64u(sha256("poc/1 slot", salt, compact_json(members)))} if expect == "ok" else {}
        )

    def padding(name: str, expect: str, length: int, total: int, last: int = 0) -> Case:
        return {
            "name": name,
            "of": "padding",
            "expect": expect,
            "length": length,
            "total": total,
            "last": last,
        }

    no = "bad-padding"
    return [
        {"name": "a commitment", "of": "commitment", "expect": "ok", **basis, "value": commit},
        {"name": "a commitment to another id", "of": "commitment", "expect": "wrong-commitment", **basis, "id": MESSAGE_ID[:-1] + "2", "value": commit},
        {"name": "a commitment to another key", "of": "commitment", "expect": "wrong-commitment", **basis, "cek": bytes(32).hex(), "value": commit},
        {"name": "a commitment cut short", "of": "commitment", "expect": "wrong-commitment", **basis, "value": commit[:-1]},
        {"name": "no commitment", "of": "commitment", "expect": "wrong-commitment", **basis, "value": ""},
        {"name": "a commitment not in ASCII", "of": "commitment", "expect": "wrong-commitment", **basis, "value": commit[:-1] + "\u00e4"},
        {"name": "a voice code", "of": "voice", "expect": "ok", **basis, "value": f"{voice:08}"},
        {"name": "an answer", "of": "answer", "expect": "ok", **basis, "contact": "jo.duty", "word": "493817", "value": b64u(hmac.digest(key, text, "sha256"))},
        slot_case("a slot", "ok", slot, salt),
        slot_case("a held slot", "ok", held, salt),
        slot_case("a salt of 15 bytes", "bad-form", slot, salt[:15]),
        slot_case("a salt of 17 bytes", "bad-form", slot, salt + b"\0"),
        {"name": "an envelope digest", "of": "envelope", "expect": "ok", "parts": list(four), "value": digest},
        *(padding(f"{length} bytes in {total}", "ok", length, total) for length, total in PADDED),
        padding("one byte of padding too few", no, 5000, 5119),
        padding("one byte of padding too many", no, 5000, 5121),
        padding("not padded to the least", no, 100, 2048),
        padding("padded to the next step", no, 5000, 5376),
        padding("more than there is", no, 4097, 4096),
        padding("less than nothing", no, -1, 4096),
        padding("a last byte that is not zero", no, 100, 4096, last=1),
    ]  # fmt: skip


# Worked by hand from the definition: E = floor(log2 L), S = floor(log2 E) + 1, round up to 2^(E-S).
PADDED = [
    (0, 4096), (1, 4096), (4095, 4096), (4096, 4096), (4097, 4352), (4352, 4352), (4353, 4608),
    (5000, 5120), (8191, 8192), (8192, 8192), (8193, 8704), (65535, 65536), (65537, 67584),
    (1000000, 1015808), (1048576, 1048576), (1048577, 1081344),
]  # fmt: skip


# --- httpsig ---


def signed_headers(params: str, method: str, target: str, body: bytes) -> dict[str, str]:
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    lines = [f'"@method": {method}', f'"@target-uri": {target}', f'"content-digest": {digest}']
    base = "\n".join([*lines, f'"@signature-params": {params}'])
    signature = base64.b64encode(signer("first")[0].sign(base.encode())).decode()
    return {"Content-Digest": digest, "Signature-Input": f"poc={params}", "Signature": f"poc=:{signature}:"}


def request_cases() -> list[Case]:
    kid, jwk = signer("first")[2], signer("first")[1]
    created = 1795523696
    components = '("@method" "@target-uri" "content-digest")'
    nonce = b64u(bytes(range(16)))
    method, target, body = "PUT", "https://hub.example/v1/messages/1?a=b", b'{"a":1}'
    good_params = f'{components};created={created};keyid="{kid}";nonce="{nonce}";alg="ed25519";tag="poc/1"'
    good = signed_headers(good_params, method, target, body)
    unsigned, no, skew = "not-signed", "bad-request-signature", "clock-skew"

    def case(
        name: str, expect: str, headers: dict[str, str] | list[list[str]] = good, **changed: Any
    ) -> Case:
        pairs = headers if isinstance(headers, list) else [[key, value] for key, value in headers.items()]
        basis = {"method": method, "target": target, "body": body.decode(), "key": jwk, "now": created}
        return {"name": name, "expect": expect, "headers": pairs, **basis, **changed}

    def spelled(name: str, old: str, new: str, expect: str = no) -> Case:
        params = good_params.replace(old, new)
        return case(name, expect, signed_headers(params, method, target, body))

    def changed(name: str, header: str, value: str) -> Case:
        return case(name, no, good | {header: value})

    def without(header: str) -> dict[str, str]:
        return {key: value for key, value in good.items() if key != header}

    pairs = [[key, value] for key, value in good.items()]
    empty = signed_headers(good_params, "GET", target, b"")
    raw = base64.b64decode(good["Signature"][5:-1])
    return [
        case("a request", "ok"),
        case("an empty body", "ok", empty, method="GET", body=""),
        case("header names in other case", "ok", {key.upper(): value for key, value in good.items()}),
        case("other headers beside", "ok", good | {"Host": "elsewhere.example", "Date": "now"}),
        case("60 seconds early", "ok", now=created - 60),
        case("60 seconds late", "ok", now=created + 60),
        case("61 seconds early", skew, now=created - 61),
        case("61 seconds late", skew, now=created + 61),
        case("a day late", skew, now=created + 86400),
        case("another method", no, method="POST"),
        case("another host", no, target="https://hub2.example/v1/messages/1?a=b"),
        case("another scheme", no, target="http://hub.example/v1/messages/1?a=b"),
        case("another path", no, target="https://hub.example/v1/messages/2?a=b"),
        case("another query", no, target="https://hub.example/v1/messages/1?a=c"),
        case("no query", no, target="https://hub.example/v1/messages/1"),
        case("another body", "digest-mismatch", body='{"a":2}'),
        case("no body", "digest-mismatch", body=""),
        case("another body with its own digest", no, good | {"Content-Digest": empty["Content-Digest"]}, body=""),
        case("another key", no, key=signer("second")[1]),
        case("no header at all", unsigned, {}),
        case("no Signature", unsigned, without("Signature")),
        case("no Signature-Input", unsigned, without("Signature-Input")),
        case("no Content-Digest", unsigned, without("Content-Digest")),
        case("Signature twice", no, [*pairs, ["signature", good["Signature"]]]),
        case("Content-Digest twice", no, [*pairs, ["content-digest", good["Content-Digest"]]]),
        changed("another label", "Signature-Input", good["Signature-Input"].replace("poc=", "sig=", 1)),
        changed("two signatures", "Signature-Input", good["Signature-Input"] + ", x=()"),
        changed("an empty Signature-Input", "Signature-Input", ""),
        changed("a signature with another label", "Signature", good["Signature"].replace("poc", "sig")),
        changed("a signature cut short", "Signature", f"poc=:{base64.b64encode(raw[:63]).decode()}:"),
        changed("a signature of zero bytes", "Signature", f"poc=:{base64.b64encode(bytes(64)).decode()}:"),
        changed("a signature in base64url", "Signature", f"poc=:{'_' * 85}w==:"),
        changed("spare bits in the signature", "Signature", f"poc=:{'A' * 85}B==:"),
        changed("a space in the signature", "Signature", good["Signature"].replace("poc=:", "poc= :")),
        changed("sha-512", "Content-Digest", good["Content-Digest"].replace("256", "512")),
        changed("two digests", "Content-Digest", good["Content-Digest"] + ", " + good["Content-Digest"]),
        changed("a digest without colons", "Content-Digest", good["Content-Digest"].replace(":", "")),
        changed("a digest of zero bytes", "Content-Digest", "sha-256=::"),
        changed("spare bits in the digest", "Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=:"),
        spelled("a component less", ' "content-digest"', ""),
        spelled("a component more", '"content-digest"', '"content-digest" "date"'),
        spelled("a component twice", '"@method"', '"@method" "@method"'),
        spelled("components in another order", '"@method" "@target-uri"', '"@target-uri" "@method"'),
        spelled("a component with a parameter", '"content-digest"', '"content-digest";req'),
        spelled("a parameter less", f';nonce="{nonce}"', ""),
        spelled("a parameter twice", f";created={created}", f";created={created};created={created}"),
        spelled("a parameter more", f";created={created}", f";created={created};expires={created + 60}"),
        spelled("parameters in another order", f';created={created};keyid="{kid}"', f';keyid="{kid}";created={created}'),
        spelled("another tag", "poc/1", "poc/2"),
        spelled("another algorithm", "ed25519", "hmac-sha256"),
        spelled("spaces between parameters", ";nonce", "; nonce"),
        spelled("a time with a zero in front", f"created={created}", f"created=0{created}"),
        spelled("a time with a fraction", f"created={created}", f"created={created}.0"),
        spelled("a time as text", f"created={created}", f'created="{created}"'),
        spelled("a negative time", f"created={created}", f"created=-{created}"),
        spelled("a time of twelve digits", f"created={created}", "created=999999999999"),
        spelled("a kid of another size", kid, kid[:-1]),
        spelled("a kid that is not base64url", kid, kid[:-1] + "="),
        spelled("a nonce of 15 bytes", nonce, b64u(bytes(15))),
        spelled("a nonce of 49 bytes", nonce, b64u(bytes(49))),
        spelled("a nonce with spare bits", nonce, nonce[:-1] + "x"),
        spelled("a nonce of an impossible length", nonce, nonce + "AAA"),
        spelled("a nonce with a quotation mark", nonce, nonce + '\\"'),
        spelled("a nonce of 48 bytes", nonce, b64u(bytes(48)), "ok"),
        case("a method that carries a line", no, method='PUT\n"@target-uri": https://x.example/'),
        case("a method in lower case", no, method="put"),
        case("a target that carries a line", no, target=target + '\n"content-digest": x'),
        case("a target with a space", no, target=target + " x"),
        case("a target not in ASCII", no, target=target + "\u00e4"),
        case("no target", no, target=""),
    ]  # fmt: skip


def build(root: Path = HERE) -> dict[str, str]:
    """Every file, by its path under ``root``, as the text it must hold."""
    files = {
        "strictjson/parse.json": ("Reading strict JSON; `text` or UTF-8 as `hex`", json_cases()),
        "strictjson/encodings.json": ("base64url, times and domain hashes", encoding_cases()),
        "jws/signatures.json": ("Detached signatures; `payload` is base64url", jws_cases()),
        "jws/compact.json": ("Compact JWS", compact_cases()),
        "jws/keys.json": ("Ed25519 public keys", signing_key_cases()),
        "sealed/keys.json": ("HPKE-9-KE public keys", sealing_key_cases()),
        "sealed/slots.json": ("Content keys sealed to a device", slot_cases(root)),
        "sealed/content.json": ("A256GCM content", content_cases()),
        "sealed/codes.json": ("Commitments, codes, slot hashes, padding", code_cases()),
        "httpsig/requests.json": ("Signed requests; `now` in Unix seconds", request_cases()),
    }
    return {
        path: json.dumps({"about": about, "cases": cases}, indent=1) + "\n"
        for path, (about, cases) in files.items()
    }


def main() -> None:
    for path, text in build().items():
        target = HERE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
