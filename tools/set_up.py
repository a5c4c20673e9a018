"""Make `.venv` in the project root, with the locked packages and this project: `make setup`.

Only hashed wheels of the lock files are installed. Where this Python cannot make pip (Debian without
python3-venv), the system package is installed if we are root; else the pip wheel of the lock is taken
from the package index and checked against its hash; else the error names the command to run.
Nothing is done when the lock files and pyproject.toml are those of the last run.

Not here: choosing versions (`make lock`). Only the standard library is used: nothing else is there yet.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import http.client
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

PYTHON_MIN = (3, 11)
VERSION = sys.version.split()[0]
LOCKS = ("requirements.txt", "requirements-dev.txt")
INDEX_DEFAULT = "https://pypi.org/simple"
APT = ["apt-get", "install", "-y", "python3-venv"]
FETCH_SECONDS_MAX = 60
FETCH_BYTES_MAX = 16 * 1024 * 1024


class SetUpError(Exception):
    """Set-up cannot go on; the text says what to do."""


def main() -> int:
    """Set up the project this file belongs to. Returns the exit code: 0 ready, 1 not."""
    root = Path(__file__).resolve().parent.parent
    try:
        # One set-up at a time: `make demo` and `make test` may start together.
        with (root / "pyproject.toml").open("rb") as project:
            fcntl.flock(project, fcntl.LOCK_EX)
            set_up(root)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


def set_up(root: Path) -> None:
    """Bring `root/.venv` to what the lock says, or do nothing when it is there. Raises SetUpError."""
    if sys.version_info < PYTHON_MIN:
        raise SetUpError(f"Python 3.11 or newer is needed, not {VERSION}: try `make setup PYTHON=python3.11`")
    venv = root / ".venv"
    python = venv / "bin" / "python"
    stamp, wanted = venv / "set-up.stamp", fingerprint(root)
    if stamp.is_file() and stamp.read_text() == wanted and works(python):
        return
    say(f"making {venv.name} with Python {VERSION}; this is done once")
    if not works(python):
        make_venv(venv, root / LOCKS[0])
    stamp.unlink(missing_ok=True)
    locks = [argument for lock in LOCKS for argument in ("-r", str(root / lock))]
    # --no-deps: the locks hold everything. Older pips would look for `name[extra]` anew, beside the pin.
    pip(python, "install", "--require-hashes", "--no-deps", "--only-binary", ":all:", *locks)
    pip(python, "install", "--no-index", "--no-deps", "--no-build-isolation", "-e", str(root))
    stamp.write_text(wanted)
    say("ready")


def fingerprint(root: Path) -> str:
    """SHA-256 over the lock files, pyproject.toml and the root's path (a moved .venv does not run)."""
    digest = hashlib.sha256(str(root).encode())
    for name in (*LOCKS, "pyproject.toml"):
        digest.update(hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def make_venv(venv: Path, lock: Path) -> None:
    """Make a new environment that has pip, in the first of three ways that works. Raises SetUpError."""
    create = [sys.executable, "-m", "venv", "--clear"]
    # Silent, because venv's own words ask for what is done next.
    if attempt([*create, str(venv)], show=False):
        return
    if install_python3_venv() and attempt([*create, str(venv)], show=False):
        return
    say("no ensurepip: taking the pip of the lock from the package index")
    try:
        if attempt([*create, "--without-pip", str(venv)]):
            install_pip(venv / "bin" / "python", lock)
            return
        reason = "`python3 -m venv --without-pip` fails"
    except (SetUpError, OSError, ValueError, http.client.HTTPException) as error:
        reason = str(error)
    shutil.rmtree(venv, ignore_errors=True)
    raise SetUpError(f"no pip for .venv ({reason}). As root: `{' '.join(APT)}`, then try again.")


def install_python3_venv() -> bool:
    """Install Debian's python3-venv, with fresh package lists if need be. False when that cannot be done."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say("no ensurepip: installing python3-venv")
    return attempt(APT) or (attempt(["apt-get", "update"]) and attempt(APT))


def install_pip(python: Path, lock: Path) -> None:
    """Install the pip the lock names into `python`'s environment. Raises SetUpError, OSError."""
    version, hashes = locked_pip(lock.read_text())
    name = f"pip-{version}-py3-none-any.whl"
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / name
        wheel.write_bytes(fetch_wheel(name, hashes))
        # A wheel is a zip file, and Python runs the pip inside it.
        pip_of_wheel = [str(python), f"{wheel}/pip"]
        if not attempt([*pip_of_wheel, "install", "--no-input", "--no-index", "--no-deps", str(wheel)]):
            raise SetUpError(f"{name} does not install")


def locked_pip(lock: str) -> tuple[str, set[str]]:
    """The version and the SHA-256 hashes that the text of a lock file holds for pip. Raises SetUpError."""
    entry = re.search(r"^pip==(\S+)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", lock, re.MULTILINE)
    if entry is None:
        raise SetUpError("the lock file does not pin pip")
    return entry[1], set(re.findall(r"sha256:([0-9a-f]{64})", entry[2]))


def fetch_wheel(name: str, hashes: set[str]) -> bytes:
    """Fetch pip's wheel from the index (PIP_INDEX_URL), refusing other bytes. Raises SetUpError, OSError."""
    page_url = os.environ.get("PIP_INDEX_URL", "").rstrip("/") or INDEX_DEFAULT
    page_url += "/pip/"
    page = fetch(page_url).decode("utf-8", "replace")
    # PEP 503: one anchor for each file. The hash is checked below, so the page need not be believed.
    for link in re.findall(r'<a\s[^>]*?href\s*=\s*["\']([^"\']+)["\']', page):
        url = urllib.parse.urljoin(page_url, link.replace("&amp;", "&"))
        if urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1] != name:
            continue
        wheel = fetch(urllib.parse.urldefrag(url).url)
        if hashlib.sha256(wheel).hexdigest() not in hashes:
            raise SetUpError(f"{name} from the index does not match the hash in the lock")
        return wheel
    raise SetUpError(f"the index has no {name}")


def fetch(url: str) -> bytes:
    """The bytes at `url`. Raises SetUpError for too many or an odd scheme, OSError on the way."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise SetUpError(f"a package index is at http or https, not {parts.scheme}")
    user, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(parts._replace(netloc=host).geturl())  # noqa: S310  scheme is checked
    if user:
        credentials = base64.b64encode(urllib.parse.unquote(user).encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
    trust = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    with urllib.request.urlopen(request, timeout=FETCH_SECONDS_MAX, context=trust) as answer:  # noqa: S310
        data: bytes = answer.read(FETCH_BYTES_MAX + 1)
    if len(data) > FETCH_BYTES_MAX:
        raise SetUpError(f"more than {FETCH_BYTES_MAX} bytes at the index")
    return data


def pip(python: Path, *arguments: str) -> None:
    """Run pip of the environment; its errors go to standard error, its warnings nowhere. Or SetUpError."""
    command = [str(python), "-m", "pip", "--no-input", "--disable-pip-version-check", "-qq", *arguments]
    if not attempt(command):
        raise SetUpError(f"`pip {arguments[0]}` failed; its own words stand above")


def works(python: Path) -> bool:
    """True when `python` runs, is of this version, and has pip."""
    check = f"import sys, pip; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    return python.exists() and attempt([str(python), "-c", check], show=False)


def attempt(command: list[str], *, show: bool = True) -> bool:
    """Run a program with no standard input; its output goes to our standard error. True on success."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PIP_ROOT_USER_ACTION": "ignore"}
    output = sys.stderr if show else subprocess.DEVNULL
    try:
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
    except OSError as error:
        print(f"set-up: {command[0]}: {error.strerror}", file=sys.stderr)
        return False
    return done.returncode == 0


def say(text: str) -> None:
    """Tell the person what happens, on standard error."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
