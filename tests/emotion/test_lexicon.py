import pytest

from emotion.errors import LexiconError
from emotion.events import WordSign
from emotion.lexicon import CALMING, load_lexicons, parse_lexicon

pytestmark = pytest.mark.unit

HEAD = 'language = "xx"\nversion = "1"\nspaced = true\n'
UNSPACED = HEAD.replace("true", "false")
GROUP = '[[group]]\nsign = "anger"\nweight = 0.5\npatterns = ["argh"]\n'


def test_the_shipped_lexicons_cover_every_sign_in_both_languages() -> None:
    lexicons = load_lexicons()

    assert [lexicon.language for lexicon in lexicons] == ["en", "zh"]
    for lexicon in lexicons:
        assert {group.sign for group in lexicon.groups} == set(WordSign)


def test_only_calming_signs_have_negative_weights() -> None:
    groups = [group for lexicon in load_lexicons() for group in lexicon.groups]

    assert all((group.weight < 0) == (group.sign in CALMING) for group in groups)


def test_a_part_may_use_an_earlier_part() -> None:
    parts = "[parts]\na = 'x'\nb = '<a>y'\n"
    group = '[[group]]\nsign = "anger"\nweight = 1.0\npatterns = ["(?:z)?<b>"]\n'

    lexicon = parse_lexicon(HEAD + parts + group)

    assert lexicon.groups[0].pattern.fullmatch("zxy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= nothing", "must be TOML"),
        ("version = '1'", "needs 'language', a string"),
        ("language = 'xx'", "needs 'spaced', true or false"),
        ("language = 'xx'\nspaced = true\n" + GROUP, "needs 'version', a string"),
        (HEAD, "at least one"),
        ("group = [1]\n" + HEAD, "group 1 must be a table"),
        (HEAD + GROUP.replace("anger", "rage"), "unknown sign 'rage'; known are"),
        (HEAD + GROUP.replace("0.5", "-0.5"), "only calming signs"),
        (HEAD + GROUP.replace("0.5", "0.0"), "a weight in"),
        (HEAD + GROUP.replace("0.5", "'much'"), "a weight in"),
        (HEAD + GROUP.replace('["argh"]', "[]"), "has no patterns"),
        (HEAD + GROUP.replace('["argh"]', '"argh"'), "list of strings"),
        (HEAD + GROUP.replace("argh", "(argh"), "no regular expression"),
        (HEAD + GROUP.replace("argh", "(?:argh)?"), "matches nothing at all"),
        (UNSPACED + GROUP.replace("argh", "(?=b)"), "matches nothing at all"),
        (HEAD + GROUP.replace("argh", "<hm>"), "unknown part 'hm'"),
        (HEAD + GROUP + "guards = ['hm']\n", "unknown guard 'hm'"),
        (HEAD + "guards = 1\n" + GROUP, "'guards' must be a table"),
        (HEAD + "[guards]\nhm = 1\n" + GROUP, "guard 'hm' must be a table"),
        (HEAD + "[guards.hm]\nacross = 'word'\n" + GROUP, "across = 'clause'"),
        (HEAD + "[parts]\nhm = 1\n" + GROUP, "part 'hm' must be a string"),
        (HEAD + "[folds]\nfrom = 'ab'\nto = 'c'\n" + GROUP, "2 characters 'from'"),
    ],
)
def test_a_damaged_lexicon_names_the_place_to_repair(text: str, message: str) -> None:
    with pytest.raises(LexiconError, match=message):
        parse_lexicon(text)
