from __future__ import annotations

import os
from pathlib import Path

import pytest

from poc.config import DeskSettings, HubSettings, find_home, load_desk_settings, load_hub_settings
from poc.errors import RefusedError

FINGERPRINT = "0123456789abcdef" * 4
DESK = f"""\
hub_url = "https://hub.example.org"
origin = "example.org/cbm"
fingerprint = "{FINGERPRINT}"
"""


@pytest.fixture(autouse=True)
def no_variables_of_ours(monkeypatch):
    for name in [name for name in os.environ if name.startswith("POC_")]:
        monkeypatch.delenv(name)


def home_with(folder, text):
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return folder


def refusal(load, *arguments, **options):
    with pytest.raises(RefusedError) as raised:
        load(*arguments, **options)
    return raised.value


def test_a_hub_without_any_setting_has_its_defaults(tmp_path):
    settings = load_hub_settings(tmp_path)
    assert settings == HubSettings(
        home=tmp_path,
        host="127.0.0.1",
        port=8470,
        public_origin="http://127.0.0.1:8470",
        metrics_host="127.0.0.1",
        metrics_port=None,
        log_level="info",
        clock_confirmed=False,
    )


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path, monkeypatch):
    home = home_with(tmp_path, 'host = "10.0.0.1"\nport = 1001\nlog_level = "error"\n')
    monkeypatch.setenv("POC_HOST", "10.0.0.2")
    monkeypatch.setenv("POC_PORT", "1002")
    settings = load_hub_settings(home, port=1003, log_level=None)
    assert (settings.log_level, settings.host, settings.port) == ("error", "10.0.0.2", 1003)


def test_an_unset_public_origin_follows_the_port_and_a_set_one_does_not(tmp_path):
    assert load_hub_settings(tmp_path, port=9).public_origin == "http://127.0.0.1:9"
    home = home_with(tmp_path, 'public_origin = "https://hub.example.org"\n')
    assert load_hub_settings(home, port=9).public_origin == "https://hub.example.org"


def test_an_empty_variable_counts_as_unset(tmp_path, monkeypatch):
    monkeypatch.setenv("POC_PORT", "")
    assert load_hub_settings(home_with(tmp_path, "port = 1001\n")).port == 1001


@pytest.mark.parametrize("name", ["prot", "hub_url", "home", "clock_confirmed", "Port", "hub"])
def test_an_unknown_name_in_the_file_of_a_hub_stops_the_start_with_its_name(tmp_path, name):
    error = refusal(load_hub_settings, home_with(tmp_path, f'{name} = "x"\n'))
    assert (error.code, error.detail) == ("unknown-setting", name)


@pytest.mark.parametrize("name", ["port", "home", "log_level"])
def test_an_unknown_name_in_the_file_of_a_desk_stops_the_start_with_its_name(tmp_path, name):
    error = refusal(load_desk_settings, home_with(tmp_path, f'{DESK}{name} = "x"\n'))
    assert (error.code, error.detail) == ("unknown-setting", name)


@pytest.mark.parametrize("load", [load_hub_settings, load_desk_settings])
@pytest.mark.parametrize(
    "name", ["POC_PROT", "POC_", "poc_prot", "POC_FINGERPRINT", "POC_ORIGIN", "POC_PARTY"]
)
def test_an_unknown_variable_stops_the_start_with_its_name_even_when_empty(tmp_path, monkeypatch, load, name):
    monkeypatch.setenv(name, "")
    error = refusal(load, home_with(tmp_path, DESK) if load is load_desk_settings else tmp_path)
    assert (error.code, error.detail) == ("unknown-setting", name)


def test_variables_of_tests_commands_and_the_other_program_are_known(tmp_path, monkeypatch):
    for name in ("POC_HOME", "POC_VECTORS", "POC_LONG", "POC_SAMPLES", "POC_PASSPHRASE_FILE"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("POC_HUB_URL", "https://other.example.org")
    assert load_hub_settings(tmp_path).home == tmp_path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", '"secret"'),
        ("port", "0"),
        ("port", "65536"),
        ("port", "true"),
        ("port", "[8470]"),
        ("metrics_port", "-1"),
        ("host", '""'),
        ("host", "7"),
        ("log_level", '"secret"'),
        ("public_origin", '"hub.example.org"'),
        ("public_origin", '"ftp://hub.example.org"'),
        ("public_origin", '"https://hub.example.org/"'),
        ("public_origin", '"https://hub.example.org/secret"'),
        ("public_origin", '"https://HUB.example.org"'),
        ("public_origin", '"https://user:secret@hub.example.org"'),
        ("public_origin", '"https://hub.example.org:70000"'),
        ("public_origin", '"https://hub.example.org:"'),
        ("public_origin", '"https://hub.example.org?secret"'),
        ("public_origin", '"https://hub.example.org\\n"'),
        ("public_origin", '"https://"'),
    ],
)
def test_a_bad_value_in_the_file_is_refused_with_its_name_and_without_its_value(tmp_path, name, value):
    error = refusal(load_hub_settings, home_with(tmp_path, f"{name} = {value}\n"))
    assert error.code == "bad-setting"
    assert error.detail.startswith(f"{name}: ")
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hub_url", "hub.example.org"),
        ("origin", "https://example.org/cbm"),
        ("fingerprint", FINGERPRINT[:-1]),
        ("fingerprint", "x" * 64),
        ("party", "JO"),
        ("party", "jo.technical.2"),
        ("party", ""),
    ],
)
def test_a_bad_value_of_a_desk_is_refused_with_its_name(tmp_path, name, value):
    lines = [line for line in DESK.splitlines() if not line.startswith(name)]
    error = refusal(load_desk_settings, home_with(tmp_path, "\n".join([*lines, f'{name} = "{value}"'])))
    assert error.code == "bad-setting"
    assert error.detail.startswith(f"{name}: ")


def test_a_bad_value_of_a_variable_is_refused_with_the_name_of_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("POC_PORT", "secret")
    error = refusal(load_hub_settings, tmp_path)
    assert error.code == "bad-setting"
    assert error.detail.startswith("POC_PORT: ")
    assert "secret" not in str(error)


def test_a_bad_value_on_the_command_line_is_refused_with_its_name(tmp_path):
    assert refusal(load_hub_settings, tmp_path, port=0).detail.startswith("port: ")


def test_a_desk_reads_its_pin_however_the_fingerprint_is_grouped(tmp_path):
    grouped = " ".join(FINGERPRINT[i : i + 4].upper() for i in range(0, 64, 4))
    home = home_with(tmp_path, DESK.replace(FINGERPRINT, grouped) + 'party = "jo.technical"\n')
    assert load_desk_settings(home) == DeskSettings(
        home=home,
        hub_url="https://hub.example.org",
        origin="example.org/cbm",
        fingerprint=FINGERPRINT,
        party="jo.technical",
    )


@pytest.mark.parametrize("party", ["jo", "x-las", "jo.technical", "x-las.registrar-1"])
def test_any_holder_of_a_home_may_be_its_party(tmp_path, party):
    assert load_desk_settings(home_with(tmp_path, f'{DESK}party = "{party}"\n')).party == party


def test_the_way_to_the_hub_may_be_changed_for_one_command(tmp_path, monkeypatch):
    monkeypatch.setenv("POC_HUB_URL", "http://[::1]:8470")
    assert load_desk_settings(home_with(tmp_path, DESK)).hub_url == "http://[::1]:8470"


@pytest.mark.parametrize("missing", ["hub_url", "origin", "fingerprint"])
def test_a_desk_without_its_pin_is_refused_with_what_is_missing(tmp_path, missing):
    text = "\n".join(line for line in DESK.splitlines() if not line.startswith(missing))
    assert refusal(load_desk_settings, home_with(tmp_path, text)).detail.startswith(f"{missing}: ")


@pytest.mark.parametrize(
    "data", [b"port = ", b"port: 8470", b"\xff\xfe", b"port = 1\nport = 2\n", b"[port\n"]
)
def test_a_file_that_is_not_toml_is_refused_with_its_path(tmp_path, data):
    (tmp_path / "config.toml").write_bytes(data)
    error = refusal(load_hub_settings, tmp_path)
    assert error.code == "bad-setting"
    assert error.detail.startswith(f"{tmp_path / 'config.toml'}: ")


def test_a_file_that_cannot_be_read_is_refused_with_its_path(tmp_path):
    (tmp_path / "config.toml").mkdir()
    assert refusal(load_hub_settings, tmp_path).code == "bad-setting"


def test_the_home_is_the_one_given_else_that_of_the_variable(monkeypatch):
    monkeypatch.setenv("POC_HOME", "/from/variable")
    assert find_home(Path("/given")) == Path("/given")
    assert find_home(None) == Path("/from/variable")
    assert load_hub_settings().home == Path("/from/variable")


@pytest.mark.parametrize("value", ["", None])
def test_without_any_home_the_error_says_how_to_name_one(monkeypatch, value):
    if value is not None:
        monkeypatch.setenv("POC_HOME", value)
    error = refusal(find_home, None)
    assert error.code == "bad-setting"
    assert "--home" in error.detail
