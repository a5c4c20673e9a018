from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_benchmark_runs_and_gives_every_figure_beside_the_first():
    result = subprocess.run(
        [sys.executable, "-m", "tools.bench", "--quick", "--json"], cwd=ROOT, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    value = json.loads(result.stdout)
    for rows in value.values():
        assert len(rows) == 2
        ratios = [name for name in rows[0] if name.endswith("_ratio")]
        assert ratios
        assert all(rows[0][name] == 1.0 for name in ratios)
        assert all(row[name] > 0 for row in rows for name in row)
