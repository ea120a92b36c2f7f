import numpy as np
import pytest

from models.voice_scores import auc, calibration_error, of_recordings

pytestmark = pytest.mark.unit


def test_auc_counts_pairs_in_the_right_order_and_ties_as_half() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.8])
    angry = np.array([False, False, True, True])

    assert auc(scores, angry) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_auc_of_one_class_is_not_a_number() -> None:
    assert np.isnan(auc(np.array([0.1, 0.2]), np.array([True, True])))


def test_calibration_error_of_honest_and_of_boastful_probabilities() -> None:
    angry = np.array([True, False, False, False])

    assert calibration_error(np.full(4, 0.25), angry) == pytest.approx(0)
    assert calibration_error(np.full(4, 0.95), angry) == pytest.approx(0.7)


def test_a_recording_scores_the_mean_of_its_windows() -> None:
    mean = of_recordings(np.array([1.0, 3.0, 5.0]), np.array([7, 7, 9]))

    assert mean.tolist() == [2.0, 5.0]
