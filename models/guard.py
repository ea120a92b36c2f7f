"""What Whisper says when nobody said it: loops, credits, thanks to an audience."""

import re
import zlib

from audio.frame import RATE
from models.decoded import Decoded

TOKENS_PER_SECOND = 10
"""More is not speech: angry English and fast Mandarin stay below 7."""

SPARE_TOKENS = 10
"""For what is short and dense: a number, a name that is spelt."""

MAX_COMPRESSION = 2.4
"""Source: openai-whisper, `transcribe`, compression_ratio_threshold."""

NO_SPEECH = 0.5
"""Probability of the no-speech token. Real speech in calls stayed below 0.4, noise
and tones above (docs/evaluation.md)."""

UNSURE_LOGPROB = -0.8
"""Mean log-probability that confirms a suspicion that nobody spoke."""

UNTRUSTED_LOGPROB = -1.5
"""Mean log-probability below which words are guessed, speech or not."""

SUSPICIOUS_NO_SPEECH = 0.3
"""Probability of no speech at which a stock phrase is not believed."""

_CREDITS = re.compile(
    r"(thanks|thank you)( so much| very much)? for watching.*"
    r"|(please )?(like and )?subscribe( to (my|the|our) channel)?.*"
    r"|(subtitles?|captions?|transcription|transcribed|translated) by .*"
    r"|.*amara ?org.*"
    r"|.*点赞.*(订阅|转发|打赏|栏目|频道).*"
    r"|(中文)?字幕(志愿者|组|by|由|提供|制作).*"
    r"|(谢谢|感谢)(大家|您|你)?(的)?(观看|收看|收听).*"
    r"|(优优独播剧场|明镜与点点).*"
)
"""Ends of videos in Whisper's training data; no caller says them."""

_STOCK = re.compile(
    r"you|thank you( very much| so much)?|thanks|bye( bye)?|oh|hmm|the|i|so|okay"
    r"|谢谢(大家)?|嗯|啊|哦"
)
"""What Whisper says to noise, and callers say too."""


def token_limit(n_samples: int) -> int:
    """Most tokens that an utterance of this length can hold."""
    return SPARE_TOKENS + TOKENS_PER_SECOND * n_samples // RATE


def ran_away(decoded: Decoded) -> bool:
    """Tell whether the decoder went on where speech had ended, or in a circle."""
    return not decoded.ended or compression(decoded.text) > MAX_COMPRESSION


def is_invented(decoded: Decoded, text: str) -> bool:
    """Tell whether the words come from the model and not from the caller.

    Args:
        decoded: what the decoder said.
        text: its words, in simplified characters where they are Chinese.
    """
    logprob, no_speech = decoded.mean_logprob, decoded.no_speech_probability
    if logprob < UNTRUSTED_LOGPROB:
        return True
    if no_speech > NO_SPEECH and logprob < UNSURE_LOGPROB:
        return True
    words = " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())
    if no_speech > SUSPICIOUS_NO_SPEECH and _STOCK.fullmatch(words):
        return True
    return _CREDITS.fullmatch(words) is not None


def compression(text: str) -> float:
    """How many times shorter a text gets when it is compressed: loops compress."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def without_loop(text: str) -> str:
    """Return the text with what it says four times or more in a row said once."""
    return re.sub(r"(.{1,200}?)\1{3,}", r"\1", text, flags=re.DOTALL).strip()
