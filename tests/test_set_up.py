from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.version import Version

from tools import set_up

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {name: (ROOT / name).read_text(encoding="utf-8") for name in set_up.LOCKS}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NOTHING_LISTENS = "http://127.0.0.1:9/simple"


def pins(lock):
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+) \\$", lock, re.MULTILINE))


def asked_for(lines):
    """Name -> least version, of lines such as `aiohttp>=3.13`."""
    return dict(line.split(">=") for line in lines if re.match("[a-z]", line))


def numbers(version):
    return [int(part) for part in version.split(".")]


OPTIONAL = PROJECT["project"]["optional-dependencies"]
RUNTIME = asked_for([*PROJECT["project"]["dependencies"], *OPTIONAL["paper"]])
SET_UP, DEVELOPMENT = (
    asked_for((ROOT / name).read_text(encoding="utf-8").splitlines())
    for name in ("requirements-setup.in", "requirements-dev.in")
)
LOCKED = {name: version for lock in LOCKS.values() for name, version in pins(lock).items()}


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_pins_and_hashes_and_names_no_index(name):
    for line in LOCKS[name].splitlines():
        assert re.fullmatch(
            r"[a-z0-9.-]+==[0-9][\w.]* \\|    --hash=sha256:[0-9a-f]{64}( \\)?| *#.*|", line
        ), line
    assert not re.search(r"://|index|find-links|trusted-host", LOCKS[name])


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name):
    assert (
        len(re.findall(r"^\S+==\S+ \\\n    --hash", LOCKS[name], re.MULTILINE)) == len(pins(LOCKS[name])) > 0
    )


def test_the_two_locks_agree():
    runtime, development = map(pins, LOCKS.values())
    shared = runtime.keys() & development.keys()
    assert {name: runtime[name] for name in shared} == {name: development[name] for name in shared}


@pytest.mark.parametrize(("name", "least"), {**RUNTIME, **SET_UP, **DEVELOPMENT}.items())
def test_what_is_asked_for_is_locked_in_a_version_that_fits(name, least):
    assert numbers(LOCKED[name]) >= numbers(least)


def test_what_runs_needs_nothing_of_what_tests_need():
    runtime = pins(LOCKS["requirements.txt"])
    assert {*RUNTIME, *SET_UP} <= runtime.keys()
    assert not DEVELOPMENT.keys() & runtime.keys()


@pytest.mark.parametrize("name", [*RUNTIME, *DEVELOPMENT])
def test_what_is_installed_here_is_what_the_locks_say(name):
    # 1.002 and 1.2 are one version.
    assert Version(importlib.metadata.version(name)) == Version(LOCKED[name])


def test_every_dependency_has_its_line_in_the_decision():
    decision = (ROOT / "docs" / "adr" / "0001-dependencies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z0-9-]+) \| [^|]+ \| [^|]+ \|$", decision, re.MULTILINE)
    assert [name for name in rows if name != "package"] == list(RUNTIME)
    assert [name for name in {**SET_UP, **DEVELOPMENT} if name not in decision] == []


@pytest.fixture
def index():
    """A package index on loopback: path -> bytes. Keeps the headers it was asked with."""
    served: dict[str, bytes] = {}
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append({"path": self.path, **self.headers})
            body = served.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, served, asked
    server.shutdown()
    thread.join()
    server.server_close()


WHEEL = "pip-1.0-py3-none-any.whl"


def serve_wheel(served, name, data):
    link = f'<a href="../../files/{name}#sha256=00" data-requires-python="&gt;=3.9">{name}</a>'
    served["/simple/pip/"] = f'<a href="../../files/pip-1.0.tar.gz">pip-1.0.tar.gz</a><br/>{link}'.encode()
    served[f"/files/{name}"] = data
    return hashlib.sha256(data).hexdigest()


def test_the_pip_of_the_lock_is_fetched_from_the_index_named_in_the_environment(index, monkeypatch):
    port, served, _ = index
    digest = serve_wheel(served, WHEEL, b"wheel")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple/")
    assert set_up.fetch_wheel(WHEEL, {"0" * 64, digest}) == b"wheel"


def test_the_credentials_of_an_index_travel_in_the_header_only(index, monkeypatch):
    port, served, asked = index
    digest = serve_wheel(served, WHEEL, b"wheel")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:p%40ss@127.0.0.1:{port}/simple")
    assert set_up.fetch_wheel(WHEEL, {digest}) == b"wheel"
    expected = "Basic " + base64.b64encode(b"user:p@ss").decode()
    assert [request["Authorization"] for request in asked] == [expected, expected]


def test_a_wheel_with_another_hash_is_refused(index, monkeypatch):
    port, served, _ = index
    serve_wheel(served, WHEEL, b"wheel")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    with pytest.raises(set_up.SetUpError, match="does not match the hash"):
        set_up.fetch_wheel(WHEEL, {"0" * 64})


def test_an_index_without_that_wheel_is_refused(index, monkeypatch):
    port, served, _ = index
    serve_wheel(served, WHEEL, b"wheel")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    with pytest.raises(set_up.SetUpError, match="the index has no"):
        set_up.fetch_wheel("pip-2.0-py3-none-any.whl", {"0" * 64})


def test_an_endless_answer_is_refused(index, monkeypatch):
    port, served, _ = index
    served["/x"] = b"x" * 11
    monkeypatch.setattr(set_up, "FETCH_BYTES_MAX", 10)
    with pytest.raises(set_up.SetUpError, match="more than 10 bytes"):
        set_up.fetch(f"http://127.0.0.1:{port}/x")


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "/x"])
def test_only_http_is_fetched(url):
    with pytest.raises(set_up.SetUpError, match="http or https"):
        set_up.fetch(url)


def test_the_lock_pins_pip_with_its_hashes():
    version, hashes = set_up.locked_pip(LOCKS["requirements.txt"])
    assert version == pins(LOCKS["requirements.txt"])["pip"]
    assert len(hashes) >= 2


@pytest.mark.parametrize("lock", ["", "pip==1.0\n", "pip==1.0 \\\n    --hash=md5:00\n", "# pip==1.0 \\\n"])
def test_a_lock_that_does_not_pin_pip_is_refused(lock):
    with pytest.raises(set_up.SetUpError, match="does not pin pip"):
        set_up.locked_pip(lock)


@pytest.fixture
def python_without_ensurepip(tmp_path, monkeypatch):
    """As on Debian without python3-venv: venv fails unless pip is left out; no apt-get in reach."""
    shim = tmp_path / "bin" / "python3"
    shim.parent.mkdir()
    shim.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--without-pip*) ;; "-m venv"*) exit 1 ;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    shim.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(shim))
    monkeypatch.setenv("PATH", str(shim.parent))


@pytest.fixture
def bundled_pip():
    """The wheel of pip that this Python's ensurepip carries."""
    found = importlib.util.find_spec("ensurepip")
    folders = [Path(found.origin).parent / "_bundled"] if found and found.origin else []
    wheels = [
        wheel for folder in [*folders, Path("/usr/share/python-wheels")] for wheel in folder.glob("pip-*.whl")
    ]
    if not wheels:
        pytest.skip("this Python carries no pip wheel")
    return wheels[0]


@pytest.mark.usefixtures("python_without_ensurepip")
@pytest.mark.long
def test_without_ensurepip_the_pip_of_the_lock_is_installed(tmp_path, index, bundled_pip, monkeypatch):
    port, served, _ = index
    digest = serve_wheel(served, bundled_pip.name, bundled_pip.read_bytes())
    lock = tmp_path / "lock.txt"
    lock.write_text(f"pip=={bundled_pip.name.split('-')[1]} \\\n    --hash=sha256:{digest}\n")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    set_up.make_venv(tmp_path / "venv", lock)
    assert set_up.works(tmp_path / "venv" / "bin" / "python")


@pytest.mark.usefixtures("python_without_ensurepip")
def test_without_ensurepip_and_index_the_error_names_the_command_and_leaves_no_venv(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", NOTHING_LISTENS)
    with pytest.raises(set_up.SetUpError, match="apt-get install -y python3-venv"):
        set_up.make_venv(tmp_path / "venv", ROOT / "requirements.txt")
    assert not (tmp_path / "venv").exists()


def test_an_older_python_is_refused_with_the_way_to_name_another(tmp_path, monkeypatch):
    monkeypatch.setattr(set_up, "PYTHON_MIN", (99, 0))
    with pytest.raises(set_up.SetUpError, match="PYTHON="):
        set_up.set_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("changed", ["requirements.txt", "requirements-dev.txt", "pyproject.toml"])
def test_a_change_of_the_locks_or_the_project_asks_for_set_up_again(tmp_path, changed):
    for name in (*set_up.LOCKS, "pyproject.toml"):
        (tmp_path / name).write_text("before")
    before = set_up.fingerprint(tmp_path)
    assert set_up.fingerprint(tmp_path) == before
    (tmp_path / changed).write_text("after")
    assert set_up.fingerprint(tmp_path) != before


def test_a_python_without_pip_or_of_another_version_does_not_work(tmp_path):
    python = tmp_path / "python"
    assert not set_up.works(python)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert not set_up.works(python)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert set_up.works(python)
