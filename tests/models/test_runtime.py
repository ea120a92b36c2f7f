"""What the models may use of the machine."""

import subprocess
import sys

import pytest

from models.runtime import check_device

pytestmark = pytest.mark.model

_MANY_LENGTHS = """
import re
import numpy as np
from models.memory import return_memory
from models.packed_linear import Precision
from models.runtime import prepare_torch
from models.whisper_encoder import CutEncoder
from models.whisper_weights import load_whisper

def held_mb():
    return_memory()
    rollup = open("/proc/self/smaps_rollup").read()
    return int(re.search(r"^Anonymous: +(\\d+)", rollup, re.MULTILINE)[1]) / 1024

prepare_torch(1)
encoder = CutEncoder(load_whisper(), Precision.FLOAT32)
noise = np.random.default_rng(0).standard_normal(16000 * 6).astype(np.float32)
lengths = range(16000, len(noise), 1280)
encoder.encode(noise)
before = held_mb()
for length in lengths:
    encoder.encode(noise[:length])
print(held_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
def test_utterances_of_many_lengths_leave_little_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MANY_LENGTHS],
        capture_output=True,
        text=True,
        check=True,
    )
    # 150 MB where the kernels of every length are kept.
    assert float(done.stdout) < 40


@pytest.mark.parametrize("device", ["cuda:99", "tpu", ""])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="expected one of cpu"):
        check_device(device)
