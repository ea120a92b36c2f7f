"""Who is the customer, from what they say."""

import json
import tomllib
from pathlib import Path

import pytest

from audio.frame import Party
from emotion.roles import (
    FIRST_TO_SPEAK,
    TOLD,
    RoleParams,
    Roles,
    Said,
    load_role_reader,
)

pytestmark = pytest.mark.unit

SCRIPTS = Path(__file__).parent / "data" / "roles.jsonl"
DEMO = Path(__file__).parents[2] / "evaluation" / "demo"


def said(*lines: tuple[str, str], language: str = "en") -> list[Said]:
    return [
        Said(speaker, float(index), index + 0.9, text, language)
        for index, (speaker, text) in enumerate(lines)
    ]


def read(*lines: tuple[str, str], language: str = "en") -> Roles:
    return load_role_reader().read(said(*lines, language=language), ["a", "b"])


def test_a_greeting_with_the_company_tells_the_agent() -> None:
    roles = read(
        ("a", "Thank you for calling Blue Harbor, how can I help you?"),
        ("b", "I'm calling about my bill."),
    )

    assert roles.customer == "b"
    assert roles.party_of("a") is Party.AGENT
    assert roles.party_of("b") is Party.CUSTOMER
    assert roles.confidence > 0.95


def test_the_customer_may_speak_first() -> None:
    roles = read(
        ("b", "Hello? I'm calling about my order, it never came."),
        ("a", "I'm sorry to hear that. Could I have your order number, please?"),
    )

    assert roles.customer == "b"


def test_chinese_is_read_as_well() -> None:
    roles = read(
        ("a", "您好。很高兴为您服务。请问有什么可以帮您"),
        ("b", "我想问一下我的快递怎么还没到"),
        language="zh",
    )

    assert roles.customer == "b"


@pytest.mark.parametrize(
    "lines",
    [
        [("a", "Hello."), ("b", "Hello. Nice weather today.")],
        [("a", "Right."), ("b", "Yes."), ("a", "Good."), ("b", "Bye.")],
    ],
)
def test_words_that_tell_nothing_leave_the_parties_unknown(
    lines: list[tuple[str, str]],
) -> None:
    roles = read(*lines)

    assert roles.customer is None
    assert roles.party_of("a") is Party.UNKNOWN
    assert roles.confidence < RoleParams().least_confidence


def test_one_voice_alone_has_no_role() -> None:
    only = said(("a", "How can I help you?"))

    assert load_role_reader().read(only, ["a"]).customer is None


def test_a_second_agent_is_an_agent_too() -> None:
    lines = said(
        ("a", "Thanks for calling, how can I help?"),
        ("b", "I want to cancel my contract, nobody came."),
        ("a", "Let me put you through to my colleague."),
        ("c", "Customer service, this is Tom, can I have your account number please?"),
        ("b", "My account number is four two."),
    )

    roles = load_role_reader().read(lines, ["a", "b", "c"])

    assert roles.customer == "b"
    assert roles.party_of("c") is Party.AGENT


def test_a_sign_counts_only_so_often() -> None:
    greeting = ("a", "How can I help you?")

    roles = read(*[greeting] * 10, ("b", "Hm."))

    counted = {each.sign: each.count for each in roles.evidence}
    assert counted["greeting"] == RoleParams().most


def test_what_somebody_knows_about_the_call_outweighs_the_guess() -> None:
    lines = said(("b", "Hello."), ("a", "Hello."))

    roles = load_role_reader().read(lines, ["a", "b"], first=Party.CUSTOMER)

    assert roles.customer == "b"
    assert [each.sign for each in roles.evidence] == [TOLD]


def test_the_evidence_comes_strongest_first() -> None:
    roles = read(("a", "How can I help you, sir?"), ("b", "My router is broken."))

    assert roles.evidence[0].sign == "greeting"
    assert roles.evidence[-1].sign == "mine"


@pytest.mark.parametrize(("hello", "language"), [("Hello?", "en"), ("喂 你好。", "zh")])
def test_who_only_picks_up_the_telephone_is_nobody_yet(
    hello: str, language: str
) -> None:
    roles = read(("a", hello), ("b", "Hm."), language=language)

    assert roles.evidence == ()


def test_who_said_nothing_has_no_role() -> None:
    assert read() == Roles(None, 0.5, ())


def test_nothing_said_in_other_languages_counts() -> None:
    roles = read(("a", "How can I help you?"), language="fr")

    assert {each.sign for each in roles.evidence} == {FIRST_TO_SPEAK}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_demo_calls_are_told_right(language: str) -> None:
    script = tomllib.loads((DEMO / f"script.{language}.toml").read_text("utf-8"))
    lines = [(line["party"], line["text"]) for line in script["line"]]

    roles = load_role_reader().read(
        said(*lines, language=language), ["customer", "agent"]
    )

    assert roles.customer == "customer"


def test_at_most_one_script_in_ten_is_told_wrong_and_most_are_told() -> None:
    calls = [json.loads(line) for line in SCRIPTS.read_text("utf-8").splitlines()]
    reader = load_role_reader()

    customers = [
        reader.read(
            said(
                *((line[0], line[1]) for line in call["lines"]), language=call["lang"]
            ),
            ["c", "a"],
        ).customer
        for call in calls
    ]

    assert len(calls) >= 30
    assert customers.count("a") <= len(calls) // 10
    assert customers.count("c") >= len(calls) * 8 // 10


@pytest.mark.parametrize("wrong", [{"least_confidence": 0.4}, {"most": 0}])
def test_parameters_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RoleParams(**wrong)  # type: ignore[arg-type]  # one is an int
