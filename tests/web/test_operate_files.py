"""The files an operator copies: each metric, label, option and path they name is one there is."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from poc.cli.main import NOUNS, _global_options, build_parser
from poc.hub.health import CHECKS
from poc.hub.metrics import Metrics
from poc.limits import BLOB_BYTES_MAX, BODY_BYTES_MAX, MIB
from poc.witness.metrics import WitnessMetrics
from tests.web.test_metrics import families

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "docs" / "operate"
ALERTS = (FILES / "alerts.yml").read_text("utf-8")
DASHBOARD = json.loads((FILES / "grafana.json").read_text("utf-8"))
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")
UNITS = sorted(FILES.glob("*.service"))
OF_PROMETHEUS = {"up": {"job"}}
EVERYWHERE = {"job", "instance", "le"}


def labels_of():
    """Every series by its full name, with its labels."""
    found = dict(OF_PROMETHEUS)
    for metric in (*vars(Metrics()).values(), *vars(WitnessMetrics()).values()):
        labels = set(getattr(metric, "_labelnames", ()))
        for family in getattr(metric, "collect", list)():
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            found[family.name + suffix] = labels
            if family.type == "histogram":
                found |= {family.name + end: labels | {"le"} for end in ("_bucket", "_sum", "_count")}
    found["poc_build_info"] = {"version", "sqlite"}
    return found


SERIES = labels_of()


def expressions():
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [*re.findall(r"^ +expr: (.+)$", ALERTS, re.MULTILINE), *panels]


def named(expression):
    return set(re.findall(r"\b(?:poc_[a-z_]+|up)\b", expression))


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_of_an_expression_is_one_there_is(expression):
    names = named(expression)
    assert names
    assert names <= SERIES.keys()
    known = set().union(*(SERIES[name] for name in names)) | EVERYWHERE
    for inside in re.findall(r"\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+) *(?:=~|!~|!=|=)", inside)) <= known
    for inside in re.findall(r"\b(?:by|without) \(([^)]*)\)", expression):
        assert {name.strip() for name in inside.split(",")} <= known


def test_a_metric_that_is_none_would_be_found():
    assert named("sum(rate(poc_no_such_total[5m]))") - SERIES.keys() == {"poc_no_such_total"}


def rules():
    """(name, its lines) of each rule."""
    parts = re.split(r"^ +- alert: (\w+)\n", ALERTS, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(("name", "rule"), rules(), ids=[name for name, _ in rules()])
def test_a_rule_says_how_urgent_it_is_what_happened_and_what_to_do(name, rule):
    assert re.search(r"^ +labels: \{severity: (?:page|ticket)\}$", rule, re.MULTILINE)
    assert re.search(r"^ +summary: .{20,}$", rule, re.MULTILINE)
    assert re.search(r"^ +action: .{10,}$", rule, re.MULTILINE)
    (expression,) = re.findall(r"^ +expr: (.+)$", rule, re.MULTILINE)
    known = set().union(*(SERIES[metric] for metric in named(expression))) | EVERYWHERE
    assert set(re.findall(r"\$labels\.(\w+)", rule)) <= known


def test_the_page_of_metrics_names_every_alert_at_its_metric_and_no_other():
    for name, rule in rules():
        (expression,) = re.findall(r"^ +expr: (.+)$", rule, re.MULTILINE)
        for metric in named(expression) - {"up"}:
            section = re.split(rf"^## {metric.removesuffix('_bucket')}$", PAGE, flags=re.MULTILINE)[1]
            assert re.search(rf"\b{name}\b", section.split("\n## ")[0]), (name, metric)
    told = {name for line in re.findall(r"^Alerts: (.+)\.$", PAGE, re.MULTILINE) for name in line.split(", ")}
    assert told == {name for name, rule in rules() if "poc_" in rule}


def test_the_dashboard_shows_every_metric():
    shown = set().union(*(named(target["expr"]) for p in DASHBOARD["panels"] for target in p["targets"]))
    for metric in families():
        assert any(name.startswith(metric) for name in shown), metric
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            known = set().union(*(SERIES[name] for name in named(target["expr"]))) | EVERYWHERE
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known


def test_the_page_names_every_row_of_readyz():
    assert all(f"`{name}`" in PAGE for name in CHECKS)


def test_prometheus_itself_takes_the_rules():
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    subprocess.run(["promtool", "check", "rules", FILES / "alerts.yml"], check=True, capture_output=True)


# --- units of systemd ---


HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "CapabilityBoundingSet": "", "AmbientCapabilities": "", "UMask": "0077", "StateDirectoryMode": "0700",
    "MemoryDenyWriteExecute": "yes", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes", "RestrictSUIDSGID": "yes", "LockPersonality": "yes", "LimitCORE": "0",
    "SystemCallArchitectures": "native", "ProtectKernelModules": "yes", "ProtectKernelTunables": "yes",
    "ProtectControlGroups": "yes", "ProtectClock": "yes", "ProtectProc": "invisible", "PrivateUsers": "yes",
    "Restart": "on-failure", "RestartPreventExitStatus": "1 2",
}  # fmt: skip


def settings(unit):
    """Every setting of a unit as a list of its values, in order."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_there_is_a_unit_for_each_program():
    assert [unit.stem for unit in UNITS] == ["poc-hub", "poc-responder", "poc-witness"]


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_a_unit_gives_its_program_no_more_than_it_needs(unit):
    found = settings(unit)
    assert {name: found.get(name) for name in HARDENED} == {name: [value] for name, value in HARDENED.items()}
    assert found["SystemCallFilter"] == ["@system-service", "~@privileged"]
    (user,) = found["User"]
    assert user != "root"
    assert found["StateDirectory"] == [user]
    assert found["LoadCredential"] == [f"passphrase:/etc/{user}/passphrase"]
    assert found["Environment"] == ["POC_PASSPHRASE_FILE=%d/passphrase"]


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_what_a_unit_starts_is_a_command_there_is(unit):
    (command,) = settings(unit)["ExecStart"]
    program, *words = shlex.split(command)
    assert program.startswith("/opt/poc/.venv/bin/")
    if program.endswith("python"):
        server = (ROOT / "server.py").read_text("utf-8")
        assert words[0] == "/opt/poc/server.py"
        assert all(f'"{word}"' in server for word in words if word.startswith("--"))
        return
    words, home, _ = _global_options(words)
    assert home == f"/var/lib/{settings(unit)['StateDirectory'][0]}"
    if words[0] not in NOUNS:
        pytest.skip(f"`poc {words[0]}` is not there yet")
    assert build_parser(words[0]).parse_args(words).run


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_systemd_itself_takes_the_unit_and_finds_it_tight(unit, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    here = tmp_path / unit.name
    text = unit.read_text("utf-8").replace("/opt/poc/.venv/bin/", "/bin/").replace("/bin/poc", "/bin/true")
    here.write_text(text.replace("/bin/python", "/bin/true"), "utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", here], check=False, capture_output=True, text=True, timeout=60
    )
    assert (verified.returncode, verified.stderr.strip()) == (0, "")
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", here],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert security.returncode == 0, security.stdout[-400:]


# --- proxies ---


def test_the_proxies_let_through_what_the_hub_takes_and_little_more():
    assert BODY_BYTES_MAX <= BLOB_BYTES_MAX
    megabytes = BLOB_BYTES_MAX // MIB + 1
    assert f"client_max_body_size {megabytes}m;" in (FILES / "nginx.conf").read_text("utf-8")
    assert f"max_size {megabytes}MB" in (FILES / "Caddyfile").read_text("utf-8")


def test_no_proxy_writes_the_address_of_a_desk_to_a_log():
    assert "access_log off;" in (FILES / "nginx.conf").read_text("utf-8")
    assert not re.search(r"^\s*log\b", (FILES / "Caddyfile").read_text("utf-8"), re.MULTILINE)
