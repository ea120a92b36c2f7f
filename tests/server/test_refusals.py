"""Whatever the service refuses, it says why in the reader's language."""

# ruff: noqa: RUF001 - sentences in Chinese have Chinese marks

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

import server
from alerts.errors import RulesError
from alerts.faults import Fault
from alerts.ruleset import load_rules, read_rules, rules_to_json
from server.desk.corrections import NewCorrection
from server.desk.errors import QueryError
from server.desk.scorecards import CARDS, scorecards
from server.refusals import Reader, Refusal, codes, placeholders, sentences

pytestmark = pytest.mark.unit

SOURCES = Path(server.__file__).parent
CHINESE = re.compile("[\u4e00-\u9fff]")
NOT_TOLD_BY_CODE = {"told"}
"""Of what earlier versions stored: no code makes it."""


def errors_that_are_told() -> set[str]:
    """Names of the errors whose first argument is a code."""
    names = {"ToldError"}
    classes = [
        node
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    for _ in classes:
        for node in classes:
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            if bases & names:
                names.add(node.name)
    return names - {"FieldError"}


def codes_in_use() -> Iterator[tuple[str, str, set[str]]]:
    """Yield where a code is used, the code, and the parameters that it is given."""
    told = errors_that_are_told()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "")
            if name not in told | {"Refusal"}:
                continue
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            for text in texts:
                if isinstance(text, str):
                    given = {one.arg or "" for one in node.keywords}
                    yield f"{path.name}:{node.lineno}", text, given


def test_every_code_has_a_sentence_in_both_languages_with_the_same_parameters() -> None:
    for code in codes():
        told = sentences(code)
        assert set(told) == set(Reader), code
        names = [set(re.findall(r"{(\w+)", told[reader])) for reader in Reader]
        assert names[0] == names[1] == placeholders(code), code
        if code not in NOT_TOLD_BY_CODE | {"file"}:
            assert CHINESE.search(told[Reader.CHINESE]), code
            assert not CHINESE.search(told[Reader.ENGLISH]), code


def test_every_code_that_is_used_is_there_and_every_one_that_is_there_is_used() -> None:
    used = list(codes_in_use())

    assert len(used) > 60
    for where, code, given in used:
        assert code in codes(), where
        if given:
            assert given - {"headers"} == placeholders(code), where
    text = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    alone = {code for code in codes() if f'"{code}"' not in text}
    assert {code for code in alone if not code.startswith("field_")} == set()


def test_nothing_is_refused_in_words_that_only_one_language_has() -> None:
    raw = [
        path.name
        for path in SOURCES.rglob("*.py")
        if re.search(r"raise HTTPException", path.read_text())
    ]

    assert raw == []


@pytest.mark.parametrize(
    ("header", "reader"),
    [
        ("", Reader.ENGLISH),
        ("en-GB,en;q=0.9", Reader.ENGLISH),
        ("zh", Reader.CHINESE),
        ("zh-CN,zh;q=0.9,en;q=0.8", Reader.CHINESE),
        ("fr", Reader.ENGLISH),
    ],
)
def test_the_language_is_the_one_that_the_reader_names_first(
    header: str, reader: Reader
) -> None:
    assert Reader.of(header) is reader


CARD = CARDS.dump_python(scorecards()[0], mode="json")
QUESTION = CARD["question"][0]


@pytest.mark.parametrize(
    ("change", "english", "chinese"),
    [
        (
            {"title": {"en": "", "zh": "x"}},
            "title > English: at least 1 characters",
            "名称 > 英文：至少 1 个字符",
        ),
        (
            {"question": [QUESTION | {"weight": 0}]},
            "question > 1 > weight: more than 0.0 is expected",
            "问题 > 1 > 权重：应大于 0.0",
        ),
        ({"id": "A B"}, "id: has signs or a length", "代号：包含不允许的字符"),
        ({"question": []}, "question: at least 1, got 0", "问题：至少 1 项，现有 0 项"),
        ({"colour": 1}, "colour: there is no such field", "colour：没有这个字段"),
        ({"version": "x"}, "version: a number is expected", "version：应为数字"),
        (
            {"question": [{k: v for k, v in QUESTION.items() if k != "text"}]},
            "question > 1 > text: missing",
            "问题 > 1 > 文字：未填写",
        ),
    ],
)
def test_what_is_wrong_with_a_field_is_told_with_its_name(
    change: dict[str, object], english: str, chinese: str
) -> None:
    with pytest.raises(ValidationError) as error:
        CARDS.validate_python(CARD | change)

    refusal = Refusal.of_fault(Fault.first(error.value))

    assert refusal.sentence().startswith(english)
    assert refusal.sentence(Reader.CHINESE).startswith(chinese)


def test_a_fault_that_nobody_foresaw_is_told_without_what_came() -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(bytes).validate_python({"secret": 1})

    refusal = Refusal.of_fault(Fault.first(error.value))

    assert refusal.code == "field_invalid"
    assert refusal.sentence(Reader.CHINESE) == "所填内容：值不符合要求"


def test_what_is_wrong_with_rules_is_told_in_both_languages() -> None:
    rules = rules_to_json(load_rules())
    rules["rule"].append(rules["rule"][0])

    with pytest.raises(RulesError) as error:
        read_rules(rules)

    told = Refusal.of_fault(error.value.fault).sentence(Reader.CHINESE)
    assert told == "所填内容：每条规则的编号不能重复，也不能是“help”"


def test_an_error_of_the_desk_is_its_sentence() -> None:
    with pytest.raises(QueryError, match="end_s comes after") as error:
        TypeAdapter(NewCorrection).validate_python(
            {"kind": "not_hostile", "start_s": 3, "end_s": 2}
        )

    assert "结束必须晚于开始" in error.value.refusal.sentence(Reader.CHINESE)


def test_what_the_system_refuses_names_the_file_as_people_know_it() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/secret/path")

    refusal = Refusal.of_file("copy-1", full).named("a.wav")

    assert refusal.sentence() == "a.wav: no space left on the disk"
    assert refusal.sentence(Reader.CHINESE) == "a.wav：磁盘空间已满"


def test_an_error_of_the_system_that_nobody_foresaw_has_its_sign() -> None:
    refusal = Refusal.of_file("a.wav", OSError(errno.ELOOP, "loops"))

    assert refusal.sentence(Reader.CHINESE) == "a.wav：系统拒绝了操作（ELOOP）"


def test_a_refusal_is_kept_and_what_earlier_versions_kept_is_told_as_it_stands() -> (
    None
):
    refusal = Refusal("table_cells", {"line": 3, "cells": 4, "columns": 2})

    assert Refusal.load(refusal.dump()) == refusal
    assert Refusal.load("") is None
    old = Refusal.load("a.wav: the file is empty")
    assert old is not None
    assert old.sentence(Reader.CHINESE) == "a.wav: the file is empty"
