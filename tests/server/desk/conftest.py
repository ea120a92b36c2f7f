"""A real PostgreSQL for the desk's queries, where one is installed."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _program(name: str) -> str | None:
    places = os.pathsep.join([*map(str, _PLACES), os.environ.get("PATH", "")])
    return shutil.which(name, path=places)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of the tests' own, on a socket in a folder, gone afterwards."""
    pytest.importorskip("psycopg", reason="pip install 'calmline[postgresql]'")
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is missing; on Debian: apt-get install postgresql")
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    folder = tmp_path_factory.mktemp("postgresql")
    data = folder / "data"
    if user is not None:
        for place in (folder, *folder.parents[:2]):
            place.chmod(0o755)
        owner = pwd.getpwnam(user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)

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
