import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.errors import WeightsError
from models.voice import PERMISSIVE, RESEARCH
from models.voice_features import Sound
from models.voice_head import Card, VoiceHead, load_head
from models.voice_steps import Networks, Size, StepsNetwork

pytestmark = pytest.mark.unit

CARD = Card(
    name="voice-test",
    version="1",
    licence="CC0-1.0",
    trained_on=("made-up",),
    encoder="0123456789abcdef",
    blocks=(1,),
)


def head() -> VoiceHead:
    return VoiceHead(
        card=CARD,
        centre=np.array([1, 2, 3, 4], np.float32),
        scale=np.array([1, 2, 1, 2], np.float32),
        weight=np.array([1, 0, -1, 0.5], np.float32),
        hidden=np.array([[0, 2, 0, 0], [0, 0, 0, 1]], np.float16),
        hidden_bias=np.array([-1, 0], np.float32),
        output=np.array([1, -2], np.float32),
        bias=0.25,
        slope=2.0,
        offset=-0.5,
    )


def sound(pooled: NDArray[np.float32], n_steps: int = 3) -> Sound:
    draw = np.random.default_rng(n_steps)
    return Sound(pooled, draw.normal(size=(n_steps, 5)).astype(np.float16))


def listening() -> VoiceHead:
    """A head with two networks that hear steps."""
    draw = np.random.default_rng(0)
    members = tuple(StepsNetwork(Size(5, 4, 3, 6, 2)).eval() for _ in range(2))
    with torch.inference_mode():
        for value in (one for member in members for one in member.parameters()):
            drawn = draw.normal(size=tuple(value.shape)).astype(np.float16)
            value.copy_(torch.from_numpy(drawn))
    centre, scale = np.full(5, 0.5, np.float32), np.ones(5, np.float32)
    return replace(head(), networks=Networks(members, centre, scale, share=0.7))


def saved(folder: Path) -> Path:
    path = folder / "head.npz"
    head().save(path)
    return path


def test_the_centre_of_the_features_gives_the_calibrated_bias() -> None:
    one = head()

    logit = one.logit(sound(one.centre))

    assert logit == pytest.approx(2.0 * 0.25 - 0.5)
    assert one.probability(sound(one.centre)) == pytest.approx(0.5)


def test_features_are_standardised_before_they_are_weighed() -> None:
    one = replace(head(), output=np.zeros(2, np.float32))

    logit = one.logit(sound(np.array([2, 2, 3, 8], np.float32)))

    assert logit == pytest.approx(2.0 * (1 * 1 + 0.5 * 2 + 0.25) - 0.5)


def test_hidden_units_count_only_above_their_threshold() -> None:
    one = replace(head(), weight=np.zeros(4, np.float32))

    silent = one.logit(sound(np.array([1, 2.5, 3, 2], np.float32)))
    loud = one.logit(sound(np.array([1, 4, 3, 6], np.float32)))

    assert silent == pytest.approx(2.0 * 0.25 - 0.5)
    assert loud == pytest.approx(2.0 * ((2 * 1 - 1) - 2 * 1 + 0.25) - 0.5)


def test_hidden_units_take_the_features_of_the_last_block() -> None:
    one = replace(
        head(),
        weight=np.zeros(4, np.float32),
        hidden=np.array([[1, 0]], np.float16),
        hidden_bias=np.zeros(1, np.float32),
        output=np.ones(1, np.float32),
    )

    logit = one.logit(sound(np.array([100, 100, 5, 100], np.float32)))

    assert logit == pytest.approx(2.0 * (2 + 0.25) - 0.5)


def test_many_windows_get_what_each_gets_alone() -> None:
    one = listening()
    features = np.random.default_rng(0).normal(2, 3, (5, 4)).astype(np.float32)
    sounds = [sound(row, n) for n, row in enumerate(features, 1)]

    together = one.logits(features, [each.steps for each in sounds])

    assert together == pytest.approx([one.logit(each) for each in sounds], abs=1e-4)


def test_networks_hear_the_steps_and_nothing_else() -> None:
    one, pooled = listening(), head().centre

    logits = [one.logit(sound(pooled, n)) for n in (3, 4)]

    assert logits[0] != pytest.approx(logits[1], abs=1e-3)
    assert [head().logit(sound(pooled, n)) for n in (3, 4)] == [0.0, 0.0]


def test_networks_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    listening().save(path)

    again = load_head(path)

    heard = sound(head().centre)
    assert again.logit(heard) == pytest.approx(listening().logit(heard), abs=1e-5)
    assert len(again.networks.members) == 2


@pytest.mark.parametrize("sign", [-1, 1])
def test_extreme_features_keep_the_probability_a_number(sign: int) -> None:
    far = np.array([sign * 1e30, 0, 0, 0], np.float32)

    assert head().probability(sound(far)) == pytest.approx((1 + sign) / 2, abs=1e-9)


def test_a_head_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    features = np.array([0.5, -1, 2, 7], np.float32)

    again = load_head(saved(tmp_path))

    assert replace(again.card, checksum="") == CARD
    assert again.logit(sound(features)) == pytest.approx(head().logit(sound(features)))


def test_saving_leaves_nothing_but_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path)

    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_says_the_repair(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"missing; reinstall calmline"):
        load_head(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 cut"])
def test_a_file_that_is_no_archive_is_corrupted(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match="corrupted; reinstall"):
        load_head(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_corrupted(share: float, tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(WeightsError, match="corrupted"):
        load_head(path)


def rewritten(path: Path, **changes: object) -> None:
    with np.load(path) as archive:
        parts = {name: archive[name] for name in archive.files}
    card = json.loads(parts["card"].tobytes()) | changes
    parts["card"] = np.frombuffer(json.dumps(card).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, **parts)


def test_numbers_that_do_not_fit_the_checksum_are_corrupted(tmp_path: Path) -> None:
    path = saved(tmp_path)
    rewritten(path, checksum="0" * 64)

    with pytest.raises(WeightsError, match="corrupted"):
        load_head(path)


def test_a_card_with_unknown_fields_is_corrupted(tmp_path: Path) -> None:
    path = saved(tmp_path)
    rewritten(path, surprise="!")

    with pytest.raises(WeightsError, match="corrupted"):
        load_head(path)


def test_another_format_is_told_apart_from_damage(tmp_path: Path) -> None:
    path = saved(tmp_path)
    rewritten(path, format=99)

    with pytest.raises(WeightsError, match=r"format 99, expected \d"):
        load_head(path)


def test_an_archive_with_pickled_objects_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "head.npz"
    with path.open("wb") as file:
        np.savez(file, card=np.array([{"format": 1}], object))

    with pytest.raises(WeightsError, match="corrupted"):
        load_head(path)


def test_the_research_head_is_whole_small_and_marked() -> None:
    one = load_head(RESEARCH)

    assert one.card.name == "voice-research"
    assert one.card.licence == "CC-BY-NC-SA-4.0"
    assert one.card.trained_on == ("banglaser", "nemo", "ravdess")
    assert RESEARCH.stat().st_size < 2_000_000


def test_the_shipped_head_is_whole_small_and_free_to_use() -> None:
    one = load_head(PERMISSIVE)

    assert one.card.name == "voice-permissive"
    assert one.card.licence == "CC-BY-4.0"
    assert one.card.trained_on == ("banglaser",)
    assert len(one.networks.members) == 4
    assert PERMISSIVE.stat().st_size < 2_000_000
