"""What can go wrong with a learned model.

ModelError
├── WeightsError     weights are missing, corrupted or cannot be fetched
└── InferenceError   a model could not run on this input
"""


class ModelError(Exception):
    """Base of every error this package raises on purpose."""


class WeightsError(ModelError):
    """Weights are missing, corrupted or unreachable; the message says the repair."""


class InferenceError(ModelError):
    """A model could not run on this input."""
