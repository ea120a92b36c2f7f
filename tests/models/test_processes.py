"""A transcriber in processes of its own: its answers, its errors, its end."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from audio.frame import RATE
from models.errors import InferenceError, WeightsError
from models.fake import FakeTranscriber
from models.ports import Spoken
from models.processes import ProcessTranscriber
from models.whisper_weights import load_whisper

pytestmark = pytest.mark.model

SECOND = np.zeros(RATE, np.float32)
LATER_S = 30.0

SERVING = """
import sys
from models.fake import FakeTranscriber
from models.processes import ProcessTranscriber
transcriber = ProcessTranscriber(FakeTranscriber, 1)
print(transcriber.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def apart() -> ProcessTranscriber:
    return ProcessTranscriber(partial(FakeTranscriber, fails_on=[2]), 1)


def children(pid: int) -> list[int]:
    """The processes that hold a model: multiprocessing has one more for itself."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in command:
                found.append(int(child))
    return found


def test_answers_and_errors_come_back_in_order(apart: ProcessTranscriber) -> None:
    answers = apart.transcribe_batch([Spoken(SECOND, "en")] * 3)

    assert [str(getattr(one, "text", one)) for one in answers[:2]] == [
        "1.0 seconds"
    ] * 2
    assert isinstance(answers[2], InferenceError)
    assert apart.name == FakeTranscriber.name
    assert apart.take_processor_s() >= 0
    assert apart.take_processor_s() == 0, "what was taken is not counted again"


def test_a_process_that_is_killed_is_replaced(apart: ProcessTranscriber) -> None:
    (before,) = children(os.getpid())
    os.kill(before, signal.SIGKILL)

    transcript = apart.transcribe(SECOND, "en")

    assert transcript.text
    assert children(os.getpid()) not in ([], [before])


def test_what_cannot_be_loaded_says_so_here() -> None:
    with pytest.raises(WeightsError, match="no-such-model"):
        ProcessTranscriber(partial(load_whisper, "no-such-model"), 1)


def test_the_processes_end_with_the_one_that_serves() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline()
        (apart,) = children(serving.pid)
        serving.kill()

    deadline = time.monotonic() + LATER_S
    while Path(f"/proc/{apart}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{apart}").exists()
