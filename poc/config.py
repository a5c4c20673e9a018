"""Settings of hub, desk and witness: from the command line, else ``POC_…`` variables, else ``config.toml``.

A home is a folder; its ``config.toml`` is flat, one name per line. An empty variable counts as unset.
A name nobody knows stops the start, so that a misspelt setting is never silently its default.
``docs/settings.md`` is made from the descriptions here (``make docs-tables``).

Not here: the registry's own settings, which stand in its log; passphrases, which have files of their own.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from poc.core.form import PARTY_PATTERN, Origin, is_state
from poc.core.statement import parse_fingerprint
from poc.errors import PocError, RefusedError

CONFIG_NAME: Final = "config.toml"
ENV_PREFIX: Final = "POC_"
ENV_ELSEWHERE: Final[Mapping[str, str]] = {
    "POC_PASSPHRASE_FILE": "the file to read the passphrase from, instead of `passphrase` in the home",
    "POC_VECTORS": "tests: the folder of other people's test vectors",
    "POC_SAMPLES": "tests and demo: the folder of sample documents",
    "POC_LONG": "tests: 1 runs the full counts",
}

_WEB_ORIGIN: Final = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?"
)

_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def _web_origin(value: str) -> str:
    if not _WEB_ORIGIN.fullmatch(value):
        raise ValueError("give scheme, host and port in lower case, as in https://hub.example.org, no path")
    _ = urlsplit(value).port  # ValueError above 65535
    return value


def read_web_origin(text: str) -> str:
    """A hub's address as typed: capitals and one ``/`` at its end pass. Raises ``ValueError``."""
    return _web_origin(text.strip().lower().removesuffix("/"))


def _fingerprint(value: str) -> str:
    try:
        return parse_fingerprint(value)
    except PocError as error:
        raise ValueError(error.message) from None


def _party(value: str) -> str:
    if not is_state(value) and not PARTY_PATTERN.match(value):
        raise ValueError("give an id such as jo, jo.technical or x-las.registrar-1")
    return value


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("give an address such as 127.0.0.1, or a network such as 10.1.0.0/16") from None
    return value


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("give a number")  # noqa: TRY004 (pydantic expects ValueError)
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise ValueError("give segments of a path, as /witness, without a slash at the end; or nothing")
    return value


Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...], Field(max_length=50)]
Port = Annotated[int, BeforeValidator(_not_bool), Field(ge=1, le=65535)]
Host = Annotated[str, Field(min_length=1, max_length=255)]
WebOrigin = Annotated[str, AfterValidator(_web_origin)]
Address = Annotated[str, Field(max_length=254, pattern=r"^[!-?A-~]+@[A-Za-z0-9.-]+$")]
Network = Annotated[str, AfterValidator(_network)]
WebhookHost = Annotated[
    str, Field(max_length=260, pattern=r"^([a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?$")
]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]


_MAIL_ONLY_IN_FILE: Final = frozenset(
    {"mail_server", "mail_tls", "mail_from", "mail_user", "mail_password_file", "mail_ca_file"}
)


class _HomeSettings(BaseSettings):
    """What the settings of all programs share: where they come from, and that nothing else is taken."""

    not_in_file: ClassVar[frozenset[str]] = frozenset({"home"})
    not_in_environment: ClassVar[frozenset[str]] = frozenset()

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    home: Path = Field(description="The folder that holds everything of this program: `--home`.")


class MailSettings(_HomeSettings):
    """How mail is sent. Only in the file, so that a variable of another shell leads no mail elsewhere."""

    mail_server: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$")] | None = Field(
        None,
        description="The mail server, as `mail.example.org` or with `:port`: at a desk for "
        "`poc monitor --mail`, at a hub for nudges. Unset: no mail.",
    )
    mail_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How mail is encrypted on its way to the server: `starttls` (port 587), `tls` (465), "
        "or `none` (25), which sends them in plain text and never a password.",
    )
    mail_from: Address | None = Field(None, description="The address that mail comes from.")
    mail_user: Annotated[str, Field(max_length=254)] | None = Field(
        None, description="The user name at the mail server. Unset: none is given."
    )
    mail_password_file: Path | None = Field(
        None, description="The file (mode 0600) that holds its password; relative to the home."
    )
    mail_ca_file: Path | None = Field(
        None,
        description="The CA certificates the mail server is trusted by; relative to the home. "
        "Unset: the system's.",
    )


class HubSettings(MailSettings):
    """What a hub needs to know before it opens its home."""

    # A standing confirmation would switch the check of the clock off for good.
    not_in_file: ClassVar[frozenset[str]] = frozenset({"home", "clock_confirmed", "disregard_witness"})
    not_in_environment: ClassVar[frozenset[str]] = _MAIL_ONLY_IN_FILE

    host: Host = Field("127.0.0.1", description="The address to listen on.")
    port: Port = Field(8470, description="The port to listen on. It does not change `public_origin`.")
    public_origin: WebOrigin = Field(
        default_factory=lambda known: f"http://127.0.0.1:{known.get('port')}",
        description="Scheme, host and port by which desks reach the hub: what requests are signed for, "
        "whatever `Host` says. Unset: `http://127.0.0.1:` and the port.",
    )
    tls_certificate: Path | None = Field(
        None,
        description="The certificate chain (PEM) with which the hub itself speaks TLS; relative to the home. "
        "Unset: plain HTTP, for a proxy on the same machine. SIGHUP reads it anew.",
    )
    tls_key: Path | None = Field(
        None, description="Its key (PEM, mode 0600, without a passphrase); relative to the home."
    )
    trusted_proxies: Annotated[tuple[Network, ...], Field(max_length=64)] = Field(
        (),
        description='Addresses or networks of your own reverse proxies, as `["127.0.0.1"]`: of a request '
        "from one of them, the last hop of `X-Forwarded-For` is taken for the client's address. Unset: "
        "nobody's word counts, and all clients behind a proxy share the rates of its address.",
    )
    metrics_host: Host = Field("127.0.0.1", description="The address `/metrics` listens on.")
    metrics_port: Port | None = Field(None, description="The port of `/metrics`. Unset: no metrics.")
    log_level: LogLevel = Field("info", description="The least severe lines to log.")
    allow_networks: Annotated[tuple[IPvAnyNetwork, ...], Field(max_length=32)] = Field(
        (),
        description="Networks that the hub may call although they are not public, for witnesses and "
        'webhooks, as `["10.20.0.0/16"]`; a webhook there may also be plain `http`.',
    )
    webhook_hosts: Annotated[tuple[WebhookHost, ...], Field(max_length=1000)] = Field(
        (),
        description="The hosts, each approved by the operator, that webhooks for nudges may be at, as "
        '`["gateway.example.org"]`; with `:port` where it is not 443.',
    )
    disregard_witness: tuple[str, ...] = Field(
        (),
        description="For one start: ids of witnesses whose contradiction is not to stop this hub. "
        "On the command line `--disregard-witness ID`, once for each; not in the file.",
    )
    clock_confirmed: bool = Field(
        default=False,
        description="For one start: the clock is right although it is days ahead of the log's last entry. "
        "On the command line `--clock-confirmed`; not in the file.",
    )


class DeskSettings(MailSettings):
    """Which registry a desk belongs to. Only the way to the hub may be changed from outside the file."""

    # What a home is pinned to stands in the home alone: a variable left over from another shell moves no pin.
    not_in_environment: ClassVar[frozenset[str]] = _MAIL_ONLY_IN_FILE | {
        *("origin", "fingerprint", "party", "hub_ca_file", "mail_to"),
        *("alarm_command", "alarm_sound", "alarm_practice_sound", "on_message"),
    }

    hub_url: WebOrigin = Field(description="The hub's public origin.")
    origin: Origin = Field(description="The registry's origin, as in its genesis. Only in the file.")
    fingerprint: Annotated[str, AfterValidator(_fingerprint)] = Field(
        description="The genesis fingerprint, in full: 64 hex digits. Only in the file."
    )
    party: Annotated[str, AfterValidator(_party)] | None = Field(
        None, description="The id of the holder of this home. Unset: a reader. Only in the file."
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = Field(
        "en", description="The language this desk writes in and is shown forms in, such as `ar`."
    )
    hub_ca_file: Path | None = Field(
        None,
        description="CA certificates (PEM) that the hub's may be signed by, beside the system's; relative to "
        "the home. Only in the file.",
    )
    mail_to: Annotated[tuple[Address, ...], Field(max_length=20)] = Field(
        (), description='The addresses that mail goes to, as `["watch@example.org"]`.'
    )
    alarm_command: Words = Field(
        (),
        description='For `poc responder run`: a program run at every ring, as `["/usr/local/bin/page", '
        '"duty"]`, without a shell; what it is told stands in [operate](operate.md#a-responder).',
    )
    alarm_sound: Words = Field(
        (),
        description="A program that plays the sound of an actual message and of a fault, as "
        '`["aplay", "/srv/actual.wav"]`.',
    )
    alarm_practice_sound: Words = Field(
        (), description="The same for exercises and tests; `alarm_sound` is never run for those."
    )
    alarm_hub_minutes: Annotated[int, BeforeValidator(_not_bool), Field(ge=1, le=1440)] = Field(
        10, description="How long the hub may be out of reach before the responder raises an alarm."
    )
    on_message: Words = Field(
        (),
        description="A program run once for each message received, while `poc responder run` or `poc inbox "
        "follow` runs; see [operate](operate.md#hooks-and-the-api).",
    )
    api_port: Port = Field(8490, description="The port of `poc api serve`, on 127.0.0.1 alone.")
    echo_per_hour: Annotated[int, BeforeValidator(_not_bool), Field(ge=0, le=1000)] = Field(
        12, description="How many replies `poc responder echo` gives one sender in an hour."
    )


class WitnessSettings(_HomeSettings):
    """Where a witness listens. Which logs it watches stands in its record: `poc witness add-log`."""

    host: Host = Field("127.0.0.1", description="The address to listen on.")
    port: Port = Field(8480, description="The port to listen on.")
    prefix: Annotated[str, Field(max_length=200), AfterValidator(_prefix)] = Field(
        "", description="What stands before `/add-checkpoint` in the address, such as `/witness`."
    )
    check_rules: bool = Field(
        default=False,
        description="Start only if the entries of every log watched are checked: "
        "`poc witness add-log --check-rules`.",
    )
    metrics_host: Host = Field("127.0.0.1", description="The address `/metrics` listens on.")
    metrics_port: Port | None = Field(None, description="The port of `/metrics`. Unset: no metrics.")
    log_level: LogLevel = Field("info", description="The least severe lines to log.")


SettingsT = TypeVar("SettingsT", bound=_HomeSettings)


def find_home(given: Path | None) -> Path:
    """The home of this run: the one given, else ``POC_HOME``. Raises ``bad-setting`` without either."""
    named = given or os.environ.get("POC_HOME")
    if not named:
        raise RefusedError("bad-setting", "home: give --home DIR or set POC_HOME")
    return Path(named)


def load_hub_settings(home: Path | None = None, **command_line: object) -> HubSettings:
    """The settings of the hub at a home; an option that is None was not given.

    Raises ``unknown-setting`` with its name, ``bad-setting`` with its name and never its value.
    """
    return _load(HubSettings, find_home(home), command_line)


def load_desk_settings(home: Path | None = None, **command_line: object) -> DeskSettings:
    """The settings of the desk at a home; raises as :func:`load_hub_settings` does."""
    return _load(DeskSettings, find_home(home), command_line)


def load_witness_settings(home: Path | None = None, **command_line: object) -> WitnessSettings:
    """The settings of the witness at a home; raises as :func:`load_hub_settings` does."""
    return _load(WitnessSettings, find_home(home), command_line)


def _load(model: type[SettingsT], home: Path, command_line: Mapping[str, object]) -> SettingsT:
    from_environment = _check_environment(model)
    in_file = _read_file(model, home / CONFIG_NAME)
    given = {name: value for name, value in command_line.items() if value is not None}
    # What is passed wins over the environment, so the file passes only what the environment leaves open.
    from_file = {name: value for name, value in in_file.items() if name not in from_environment}
    values: dict[str, Any] = {**from_file, **given, "home": home}
    try:
        return model(**values)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        name = str(fault["loc"][0])
        shown = name if name in values else from_environment.get(name, name)
        raise RefusedError("bad-setting", f"{shown}: {fault['msg'].removeprefix('Value error, ')}") from None


def _check_environment(model: type[_HomeSettings]) -> dict[str, str]:
    """What the environment gives of ``model``, name -> variable. Unknown variables are refused."""
    known = {
        f"{ENV_PREFIX}{name}".upper()
        for settings in (HubSettings, DeskSettings, WitnessSettings)
        for name in settings.model_fields.keys() - settings.not_in_environment
    }
    given = {}
    for variable, value in os.environ.items():
        if not variable.upper().startswith(ENV_PREFIX):
            continue
        if variable.upper() not in known and variable not in ENV_ELSEWHERE:
            raise RefusedError("unknown-setting", variable)
        name = variable[len(ENV_PREFIX) :].lower()
        if value and name in model.model_fields:
            given[name] = variable
    return given


def _read_file(model: type[_HomeSettings], path: Path) -> dict[str, object]:
    """What the file says, or nothing where there is none; values are not checked yet."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RefusedError("bad-setting", f"{path}: {error.strerror}") from None
    except ValueError as error:
        why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise RefusedError("bad-setting", f"{path}: {why}") from None
    for name in values:
        if name not in model.model_fields.keys() - model.not_in_file:
            raise RefusedError("unknown-setting", name)
    return values
