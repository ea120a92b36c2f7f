import pytest

from emotion.backchannel import is_backchannel

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Mm-hm.", "en"),
        ("mhm yeah", "en"),
        ("Uh-huh, okay, I see.", "en"),
        ("right right right", "en"),
        ("嗯", "zh"),
        ("嗯嗯,对对对", "zh"),
        ("好的好的,我知道了。", "zh"),
        ("哦,这样啊", "zh"),
        ("", "en"),
        ("...", "zh"),
        ("", "fr"),
    ],
)
def test_words_that_support_the_speaker(text: str, language: str) -> None:
    assert is_backchannel(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No, wait.", "en"),
        ("yes but that's not what I asked", "en"),
        ("okay so what now", "en"),
        ("I see what you're doing", "en"),
        ("不是", "zh"),
        ("你听我说", "zh"),
        ("好什么好", "zh"),
        ("对,但是不行", "zh"),
        ("oui", "fr"),
    ],
)
def test_words_that_take_the_floor(text: str, language: str) -> None:
    assert not is_backchannel(text, language)
