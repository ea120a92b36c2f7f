"""What can go wrong with a learned model.

ModelError
├── DataError        recordings to learn from are not what is needed
├── WeightsError     weights are missing, corrupted or cannot be fetched
└── InferenceError   a model could not run on this input
"""


class ModelError(Exception):
    """Base of every error this package raises on purpose."""


class DataError(ModelError):
    """The folder of data is not what the command needs; the message says why."""


class WeightsError(ModelError):
    """Weights are missing, corrupted or unreachable; the message says the repair."""


class InferenceError(ModelError):
    """A model could not run on this input."""
