"""What every test shares: hypothesis profiles, full counts, a clean environment."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

LONG = os.environ.get("POC_LONG") == "1"
TEST_VARIABLES = {"POC_LONG", "POC_VECTORS", "POC_SAMPLES"}

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "ci", max_examples=25, derandomize=True, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "long", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile("long" if LONG else "ci")

# A developer's own desk or hub must not reach into a test, nor a test into it.
for _name in [name for name in os.environ if name.upper().startswith("POC_")]:
    if _name not in TEST_VARIABLES:
        del os.environ[_name]


@pytest.fixture
def rounds(record_property: Callable[[str, object], None]) -> Callable[..., int]:
    """How often to do it: `rounds(10, long=50, of="kills of the hub")`, named by the long run."""

    def choose(quick: int, *, long: int, of: str) -> int:
        count = long if LONG else quick
        record_property("full count", f"{count} {of}")
        return count

    return choose


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the long run, what has a full count is `long`: tests that ask for `rounds`, and properties."""
    if not LONG:
        return
    for item in items:
        examples = _examples(item)
        if examples is not None:
            item.user_properties.append(("full count", f"{examples} examples at most"))
        if examples is not None or "rounds" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.long)


def _examples(item: pytest.Item) -> int | None:
    """How many examples hypothesis tries for this test, None where it is no property."""
    function = getattr(item, "obj", None)
    if not getattr(function, "is_hypothesis_test", False):
        return None
    chosen: settings = getattr(function, "_hypothesis_internal_use_settings", settings())
    return chosen.max_examples


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every full count that was run."""
    if not LONG:
        return
    terminalreporter.section("full counts")
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == "full count":
                    terminalreporter.write_line(f"{outcome} {report.nodeid}: {value}")
