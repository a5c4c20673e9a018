"""Build the hub and run it: ``python server.py --home DIR``. It never prompts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from poc.config import find_home, load_hub_settings
from poc.errors import PocError
from poc.logs import start_logs
from poc.web.serve import check_home, not_started, run

_OPTIONS = ("host", "metrics_port", "clock_confirmed", "disregard_witness")


def main() -> int:
    """Read the command line and the settings, then serve until told to stop."""
    parser = argparse.ArgumentParser(description="The hub of a registry of points of contact.")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, help="0: any free port")
    parser.add_argument("--metrics-port", type=int)
    parser.add_argument("--clock-confirmed", action="store_true", default=None)
    parser.add_argument("--disregard-witness", action="append", metavar="ID", help="for one start; see docs")
    given = parser.parse_args()
    options = {name: getattr(given, name) for name in _OPTIONS}
    start_logs("info")
    try:
        check_home(find_home(given.home))
        settings = load_hub_settings(given.home, port=given.port or None, **options)
    except PocError as error:
        return not_started(error)
    return run(settings, 0 if given.port == 0 else settings.port)


if __name__ == "__main__":
    sys.exit(main())
