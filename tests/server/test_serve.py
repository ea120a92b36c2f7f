"""`calmline serve` as a process of its own, stopped in the middle of a call."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from server.events import CallEnded, CallEndReason
from server.store import Store

pytestmark = [pytest.mark.service, pytest.mark.model]

ROOT = Path(__file__).parents[2]
HELLO = {
    "call_id": "c1",
    "agent_id": "a7",
    "consent": "granted",
    "channels": ["customer", "agent"],
    "encoding": "mulaw",
    "rate": 8000,
}


async def stop_in_the_middle(data_dir: Path) -> tuple[int, int]:
    """Return the service's exit status and the code it closed the call with."""
    serving = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("calmline"),
        "serve",
        env={
            **os.environ,
            "CALMLINE_SERVICE_HTTP_PORT": "0",
            "CALMLINE_SERVICE_AUDIO_PORT": "0",
            "CALMLINE_SERVICE_DATA_DIR": str(data_dir),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert serving.stdout is not None
    told = await serving.stdout.readline() + await serving.stdout.readline()
    (audio_url,) = re.findall(r"ws://\S+", told.decode())
    async with connect(audio_url) as socket:
        await socket.send(json.dumps(HELLO))
        await socket.send(b"\xff" * 80_000)
        stored = 0
        while stored < 80_000:
            stored = json.loads(await socket.recv()).get("received_bytes", 0)
        serving.send_signal(signal.SIGTERM)
        try:
            while True:
                await socket.recv()
        except ConnectionClosed:
            code = socket.close_code or 0
    return await serving.wait(), code


def test_a_service_that_is_stopped_ends_and_stores_its_calls(tmp_path: Path) -> None:
    status, code = asyncio.run(stop_in_the_middle(tmp_path))

    store = Store(f"sqlite:///{tmp_path / 'calmline.db'}")
    entries = store.entries("c1")
    store.close()
    assert status == 0
    assert code == 1001
    assert entries[-1].event == CallEnded(CallEndReason.SERVICE_STOPPED, 5.024)
    assert (tmp_path / "audio" / "c1.flac").is_file()
