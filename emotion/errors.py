"""What can be wrong with what this package is given.

EmotionError
├── LexiconError     a lexicon names an unknown sign, guard or part, or is not TOML
├── WordModelError   weights of the word model are damaged or of another format
├── TrainingError    there is nothing to learn from these lines, or SciPy is missing
├── ParameterError   a setting is outside the range in which it means something
└── OrderError       an event or a moment is older than the one before
"""


class EmotionError(Exception):
    """Base of every error this package raises on purpose."""


class LexiconError(EmotionError):
    """A lexicon cannot be used; the message names the place to repair."""


class WordModelError(EmotionError):
    """A word model cannot be used; the message says how to repair it."""


class TrainingError(EmotionError):
    """A model cannot be trained like this; the message says what is missing."""


class ParameterError(EmotionError):
    """A setting is outside the range in which it means something."""


class OrderError(EmotionError):
    """An event or a moment is older than the one before."""
