"""Audio of a call in, the parties' frames, segments and turn-taking out.

Pure: no clock, no files, no learned model. The path of a call's audio:

- `Framer` takes bytes, or samples that somebody else decoded, and returns one
  `Frame` of each party for every 32 ms of the call.
- `CrossTalk` takes the frames of one moment and says which of them hold no more than
  somebody else's voice.
- `Endpointer` takes one party's frames with the speech detector's probabilities
  and returns `SpeechStarted`, `SpeechEnded` and the `Segment`s to transcribe.
- `TurnTaking` takes both parties' `SpeechStarted` and `SpeechEnded` and returns
  overlaps, interruptions, response latencies and long silences.
"""

from audio.codec import AudioFormat, Encoding, decode, encode
from audio.crosstalk import CrossTalk, CrossTalkParams
from audio.endpointer import Endpointer, EndpointerEvent, EndpointerParams
from audio.errors import (
    AudioError,
    DamagedError,
    FormatError,
    PartyError,
    ShapeError,
)
from audio.events import (
    Interrupted,
    LongSilence,
    Overlapped,
    Responded,
    SpeechEnded,
    SpeechStarted,
    TurnTakingEvent,
)
from audio.frame import (
    FRAME_S,
    FRAME_SAMPLES,
    RATE,
    CustomerWindow,
    Frame,
    Party,
    Segment,
)
from audio.framer import Framer
from audio.resampler import Resampler
from audio.speakers import Router, Timeline, Turn
from audio.turn_taking import TurnTaking, TurnTakingParams

__all__ = [
    "FRAME_S",
    "FRAME_SAMPLES",
    "RATE",
    "AudioError",
    "AudioFormat",
    "CrossTalk",
    "CrossTalkParams",
    "CustomerWindow",
    "DamagedError",
    "Encoding",
    "Endpointer",
    "EndpointerEvent",
    "EndpointerParams",
    "FormatError",
    "Frame",
    "Framer",
    "Interrupted",
    "LongSilence",
    "Overlapped",
    "Party",
    "PartyError",
    "Resampler",
    "Responded",
    "Router",
    "Segment",
    "ShapeError",
    "SpeechEnded",
    "SpeechStarted",
    "Timeline",
    "Turn",
    "TurnTaking",
    "TurnTakingEvent",
    "TurnTakingParams",
    "decode",
    "encode",
]
