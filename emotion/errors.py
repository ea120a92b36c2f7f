"""What can be wrong with what this package is given.

EmotionError
├── LexiconError     a lexicon names an unknown sign, guard or part, or is not TOML
├── ParameterError   a setting is outside the range in which it means something
└── OrderError       an event or a moment is older than the one before
"""


class EmotionError(Exception):
    """Base of every error this package raises on purpose."""


class LexiconError(EmotionError):
    """A lexicon cannot be used; the message names the place to repair."""


class ParameterError(EmotionError):
    """A setting is outside the range in which it means something."""


class OrderError(EmotionError):
    """An event or a moment is older than the one before."""
