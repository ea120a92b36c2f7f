"""What can be wrong with audio that comes from outside.

AudioError
├── FormatError      the encoding, rate or channel layout is not one we take
├── ShapeError       an array has the wrong type or number of dimensions
├── DamagedError     audio data contradicts its own format (odd length, NaN)
└── PartyError       audio of one party where another party's is required
"""


class AudioError(Exception):
    """Base of every error this package raises on purpose."""


class FormatError(AudioError):
    """The encoding, rate or channel layout is not one that we take."""


class ShapeError(AudioError):
    """An array has the wrong dtype or number of dimensions."""


class DamagedError(AudioError):
    """Audio data contradicts its own format: an odd length, a NaN sample."""


class PartyError(AudioError):
    """Audio of one party arrived where another party's is required."""
