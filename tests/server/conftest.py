"""A real PostgreSQL, where one is installed, for whatever writes SQL."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _program(name: str) -> str | None:
    places = os.pathsep.join([*map(str, _PLACES), os.environ.get("PATH", "")])
    return shutil.which(name, path=places)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL of the tests' own, on a socket in a folder, gone afterwards."""
    pytest.importorskip("psycopg", reason="pip install 'calmline[postgresql]'")
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is missing; on Debian: apt-get install postgresql")
    # A folder of its own: pytest closes those of its tests to every other user.
    with tempfile.TemporaryDirectory(prefix="calmline-pg-") as name:
        yield from _running(initdb, pg_ctl, Path(name))


def _running(initdb: str, pg_ctl: str, folder: Path) -> Iterator[str]:
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    data = folder / "data"
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)

    def run(*command: str) -> None:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, user=user, cwd=folder
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run(
        initdb, "-D", str(data), "-E", "UTF8", "--locale=C", "-A", "trust", "-U", "desk"
    )
    flags = f"-c listen_addresses= -c fsync=off -k {folder}"
    run(pg_ctl, "-D", str(data), "-w", "-o", flags, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+psycopg://desk@/postgres?host={folder}"
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "-t", "180", "stop")
