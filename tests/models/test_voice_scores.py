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


def test_honest_probabilities_err_only_where_anger_is_as_frequent_as_expected() -> None:
    expected, met = 0.25, np.array([True, True, True, False])

    asked = np.full(4, expected)

    assert calibration_error(asked, met) == pytest.approx(0.5)
    assert calibration_error(asked, met, expected) == pytest.approx(0)


def test_a_share_cannot_be_kept_where_one_class_is_missing() -> None:
    angry = np.array([True, True])

    assert calibration_error(np.full(2, 0.9), angry, 0.2) == pytest.approx(0.1)


def test_a_recording_scores_the_mean_of_its_windows() -> None:
    mean = of_recordings(np.array([1.0, 3.0, 5.0]), np.array([7, 7, 9]))

    assert mean.tolist() == [2.0, 5.0]
