import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.voice_steps import (
    Networks,
    Size,
    StepsNetwork,
    packed,
    padded,
    unpacked,
)

pytestmark = pytest.mark.unit

N_FEATURES = 5


def networks() -> Networks:
    """Two networks whose weights have as many digits as a file keeps."""
    draw = np.random.default_rng(0)
    size = Size(N_FEATURES, channels=4, attention=3, hidden=6, n_emotions=2)
    members = tuple(StepsNetwork(size).eval() for _ in range(2))
    with torch.inference_mode():
        for value in (one for member in members for one in member.parameters()):
            drawn = draw.normal(size=tuple(value.shape)).astype(np.float16)
            value.copy_(torch.from_numpy(drawn))
    centre = np.full(N_FEATURES, 0.5, np.float32)
    return Networks(members, centre, np.ones(N_FEATURES, np.float32), share=0.75)


def window(n_steps: int) -> NDArray[np.float16]:
    draw = np.random.default_rng(n_steps)
    return draw.normal(size=(n_steps, N_FEATURES)).astype(np.float16)


def test_a_window_gets_the_same_beside_a_longer_one() -> None:
    alone = networks().weighed([window(3)])

    beside = networks().weighed([window(9), window(3), window(4)])

    assert beside[1] == pytest.approx(alone[0], abs=1e-5)
    assert beside[0] != pytest.approx(alone[0], abs=1e-2)


def test_one_step_is_a_window_too() -> None:
    assert np.isfinite(networks().weighed([window(1)])).all()


def test_the_steps_come_in_any_order() -> None:
    steps = window(7)

    assert networks().weighed([steps[::-1]]) == pytest.approx(
        networks().weighed([steps]), abs=1e-5
    )


def test_members_are_averaged_and_weighed() -> None:
    both = networks()
    windows = [window(5), window(8)]
    heard = padded(windows, both.centre, both.scale)

    with torch.inference_mode():
        alone = [one(*heard).anger.numpy() for one in both.members]

    expected = 0.75 * np.mean(alone, axis=0)
    assert both.weighed(windows) == pytest.approx(expected, abs=1e-5)


def test_arrays_hold_all_that_a_network_is() -> None:
    again = unpacked(packed(networks()))

    assert again.weighed([window(6)]) == pytest.approx(
        networks().weighed([window(6)]), abs=1e-6
    )


def test_no_networks_need_no_arrays() -> None:
    assert packed(Networks()) == {}
    assert unpacked({"weight": np.zeros(3, np.float32)}).members == ()
    assert Networks().weighed([window(4)]).tolist() == [0]
