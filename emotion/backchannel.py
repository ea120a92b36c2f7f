"""Tells words that support the speaker ("mm-hm", 嗯) from words that take the floor."""

import re
from typing import Final

_EN: Final = re.compile(
    r"""(?:
    m+\ ?-?h+m+ | m+h*m* | h+m+ | uh?[ -]huh | uh+ | a+h+ | o+h+ | aha+ | huh
    | y(?:eah|ep|up|es|a)h? | ok(?:ay|ie)? | k | right | alright | all\ right | sure
    | fine | good | great | cool | lovely | perfect | exactly | absolutely | indeed
    | true | definitely | really | i\ see | i\ know | i\ understand | i\ hear\ you
    | got\ it | gotcha | of\ course | go\ on | go\ ahead | thats?\ right | makes\ sense
    | that\ makes\ sense | that's\ (?:right|fine|true|good) | no\ problem | no\ worries
    | sounds\ good | fair\ enough | thank\ you | thanks | sorry
    )(?:\ +|$)""",
    re.VERBOSE,
)
_ZH: Final = re.compile(
    "[嗯恩哦噢喔唔呃额啊哎诶欸唉呀哈]"
    "|对吧|对|是吗|是的|是|好吧|好嘞|好的|好|行吧|行|成|可以"
    "|没错|没事|没问题|我?(?:明白|了解|知道|理解|清楚|懂)了?"
    "|确实|当然|原来如此|这样|谢谢|您说|你说|对不起|不好意思|[的了啦嘛]"
)


def is_backchannel(text: str, language: str) -> bool:
    """Whether all of an utterance is such words; also where none were made out.

    Whisper writes nothing for a hum or a laugh.

    Args:
        text: as speech recognition wrote it.
        language: ISO 639-1 code; in others than English and Chinese only
            an empty text is one.

    >>> is_backchannel("Mm-hm. Yeah, okay.", "en")
    True
    >>> is_backchannel("No, wait.", "en")
    False
    """
    if language == "zh":
        left = "".join(re.findall(r"\w", text))
        return not _ZH.sub("", left)
    left = " ".join(re.findall(r"[\w'-]+", text.lower()))
    while language == "en" and (found := _EN.match(left)):
        left = left[found.end() :]
    return not left
