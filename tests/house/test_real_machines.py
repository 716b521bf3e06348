"""`./run demo` on real machines: this one, made inhospitable, and a Debian with nothing on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.machine import UTILITIES, copy_project

pytestmark = pytest.mark.slow

# The way to the package index is the machine's own affair; the tests hand it on.
NETWORK = ("PIP_", "UV_", "SSL_CERT", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "no_proxy")
PACKAGES = "python3,ca-certificates"


def network_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(NETWORK)}


def can_drop_network() -> bool:
    return (
        shutil.which("unshare") is not None
        and subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode == 0
    )


def megabytes(folder: Path) -> float:
    """What the files hold, each once, bytecode that was compiled while running aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    sizes = {path.stat().st_ino: path.stat().st_size for path in files if path.suffix != ".pyc"}
    return sum(sizes.values()) / 1e6


def test_no_compiler_no_utf8_no_home_and_a_space(tmp_path: Path) -> None:
    """Also: the second time without the network, and what the installation weighs."""
    project = copy_project(tmp_path / "a folder with spaces")
    tools = tmp_path / "bin"
    tools.mkdir()
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    for name in UTILITIES:
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    (tools / "python3").symlink_to(python)
    uv = subprocess.run(
        [sys.executable, "-c", "import uv; print(uv.find_uv_bin())"],
        capture_output=True,
        text=True,
        check=False,
    )
    if uv.returncode == 0:
        (tools / "uv").symlink_to(uv.stdout.strip())
    environment = {
        "PATH": str(tools),
        "LC_ALL": "C",
        "HOME": "/proc",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    command = [shutil.which("dash") or "/bin/sh", "./run", "demo"]
    first = subprocess.run(
        command, cwd=project, env=environment | network_settings(), capture_output=True, check=False
    )
    assert first.returncode == 0, first.stderr.decode(errors="replace")
    assert b"normwise: setting up, once: Python 3." in first.stderr
    assert (project / "normwise-run" / "report.html").is_file()
    assert (project / "normwise-why.html").is_file()
    assert megabytes(project / ".venv") <= 700

    offline = ["unshare", "-n"] if can_drop_network() else []
    unreachable = {"PIP_INDEX_URL": "http://localhost:1", "UV_INDEX_URL": "http://localhost:1"}
    again = subprocess.run(
        [*(shutil.which(word) or word for word in offline[:1]), *offline[1:], *command],
        cwd=project, env=environment | unreachable, capture_output=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr.decode(errors="replace")
    assert b"setting up" not in again.stderr


class Chroot:
    """A minimal Debian in a folder; commands run in mount and, if asked, network namespaces of their own."""

    def __init__(self, root: Path):
        self.root = root

    def run(
        self, command: str, *, network: bool = True, user: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        inside = (
            f'mount -t proc proc "{self.root}/proc" && mount --rbind /dev "{self.root}/dev" && '
            f'exec chroot --userspec={user}:{user} "{self.root}" /usr/bin/env -i "$@"'
        )
        base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/proc", **environment}
        settings = [f"{name}={value}" for name, value in (network_settings() | base).items()]
        flags = ["-m"] if network else ["-m", "-n"]
        return subprocess.run(
            ["unshare", *flags, "sh", "-c", inside, "sh", *settings, "sh", "-c", command],
            capture_output=True, text=True, check=False, errors="replace",
        )  # fmt: skip


@pytest.fixture
def debian(tmp_path: Path) -> Chroot:
    missing = [tool for tool in ("debootstrap", "unshare", "chroot") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and debootstrap; root: {os.geteuid() == 0}, missing: {missing}")
    root = tmp_path / "debian"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip(f"debootstrap could not fetch Debian: {made.stdout.strip().splitlines()[-1:]}")
    for name in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf"):
        if Path("/", name).is_file():
            shutil.copy(Path("/", name), root / name)
    certificates = root / "etc/ssl/certs/ca-certificates.crt"
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", certificates)
    return Chroot(root)


def test_a_bare_debian(debian: Chroot) -> None:
    """Without venv it names the package; with it the demonstration works, for a user who has no home."""
    project = copy_project(debian.root / "srv" / "my project")
    subprocess.run(["chown", "-R", "65534:65534", str(project.parent)], check=True)
    nobody = 65534
    assert debian.run("command -v make || command -v g++ || command -v cc || command -v uv").stdout == ""

    without = debian.run("cd '/srv/my project' && ./run demo", user=nobody)
    assert without.returncode == 2, without.stderr
    last = without.stderr.splitlines()[-1]
    assert last == "normwise: Python 3.11 is here without its venv module; run: apt install python3.11-venv"

    line = last.partition("run: ")[2]
    installed = debian.run(f"apt-get update && {line} -y", HOME="/root", DEBIAN_FRONTEND="noninteractive")
    assert installed.returncode == 0, installed.stderr
    first = debian.run("cd '/srv/my project' && ./run demo", user=nobody)
    assert first.returncode == 0, first.stdout + first.stderr
    assert (project / "normwise-run" / "report.html").is_file()
    assert (project / "normwise-why.html").is_file()

    again = debian.run("cd '/srv/my project' && ./run demo", network=False, user=nobody)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "setting up" not in again.stderr
