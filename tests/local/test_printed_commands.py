"""Every command that is printed, in a text of the source or a page of the docs, is one that works."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from tests.printed import HOLE, ROOT, printed, strings_of
from vintage.cli.champion import refuse_contradiction
from vintage.cli.main import app
from vintage.errors import SpecError
from vintage.spec.flow import FLOW
from vintage.spec.range import in_airflow

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = typer.main.get_command(app)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OTHERS = """
import contextlib, io, json, sys
from airflow.cli.cli_parser import get_parser
from mlflow.cli import cli

def airflow(words):
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            get_parser().parse_args(words)
    except SystemExit:
        return said.getvalue()
    return ""

def mlflow(words):
    command = cli
    try:
        while hasattr(command, "commands"):
            context = command.make_context(command.name, words[:1], resilient_parsing=True)
            _, command, _ = command.resolve_command(context, words)
            words = words[1:]
        if words:
            command.make_context(command.name, words)
    except Exception as error:
        return str(error) or type(error).__name__
    return ""

asked = json.load(sys.stdin)
print(json.dumps([{"airflow": airflow, "mlflow": mlflow}[each[0]](each[1:]) for each in asked]))
"""


def by_program() -> dict[str, list[tuple[str, list[str]]]]:
    """Program → where each of its commands is printed, and its words."""
    found = defaultdict(list)
    for each in printed():
        program, *words = shlex.split(each.text)
        found[program].append((f"{each.file}: {each.text}", words))
    return found


def refused(words: list[str]) -> str:
    """Why `vintage` does not take a command; a command's name alone is a mention of it."""
    command = PROGRAM
    try:
        while isinstance(command, TyperGroup):
            if not words:
                return ""
            if words[0].startswith("-"):
                # An option of the program itself acts when it is parsed.
                known = {option for each in command.params for option in each.opts}
                return "" if words[0] in known else f"no option {words[0]}"
            context = command.context_class(command)
            _, found, words = command.resolve_command(context, words)
            assert found is not None
            command = found
        if words:
            with suppress(typer.Exit):
                given = command.make_context(command.name, list(words)).params
                if command.name == "promote":
                    wanted = ("date", "version", "force", "why", "set_")
                    refuse_contradiction(**{name: given[name] for name in wanted})
    except (TyperException, SpecError) as error:
        return str(error)
    return ""


def test_every_printed_command_of_vintage_is_taken() -> None:
    found = by_program()["vintage"]
    assert len(found) > 100
    assert {where: why for where, words in found if (why := refused(words))} == {}


def fixes() -> list[tuple[str, str]]:
    """Every text that an error gives as its cure, and its file."""
    return [
        (str(path.relative_to(ROOT)), text)
        for path in sorted((ROOT / "vintage").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for argument in call.keywords
        if argument.arg == "fix"
        for text in strings_of(argument.value)
    ]


def test_a_cure_that_is_a_run_names_its_command() -> None:
    found = fixes()
    assert len(found) > 100
    steps = "|".join(each.job for each in FLOW)
    run = re.compile(rf"\b[Rr]un ((the|a|its) dates?|{HOLE}|{steps}|promote)\b")
    assert run.search("Run the date first.")
    assert run.search("Run snapshot first.")
    assert [each for each in found if "`vintage " not in each[1] and run.search(each[1])] == []


@pytest.mark.parametrize(
    "command",
    [
        "nosuch",
        "--nosuch",
        "nosuch x",
        "show --nosuch x",
        "show --json",
        "promote x --version 12 --force",
        "promote x --version 12 --why y",
    ],
)
def test_a_command_that_would_be_refused_is_found(command: str) -> None:
    assert refused(command.split())


def test_every_printed_target_of_make_exists() -> None:
    targets = {
        each for line in re.findall(r"^([a-z][a-z -]*):", MAKEFILE, re.MULTILINE) for each in line.split()
    }
    variables = set(re.findall(r"\$\(([A-Z]+)\)|^([A-Z]+) \?=", MAKEFILE, re.MULTILINE))
    known = {each for pair in variables for each in pair if each}
    found = by_program()["make"]
    advice = shlex.split(in_airflow("tiny", date(2024, 3, 1), date(2024, 3, 2), {}))
    assert len(found) > 30
    for where, words in [*found, ("vintage plan", advice[1:])]:
        rest = words[2:] if words[:1] == ["-C"] else words
        given = {each.partition("=")[0] for each in rest if "=" in each}
        assert {each for each in rest if "=" not in each} <= targets, where
        assert given <= known, where


def test_every_printed_command_of_airflow_and_mlflow_is_taken(tmp_path: Path) -> None:
    programs = by_program()
    asked = [
        (where, [program, *words])
        for program in ("airflow", "mlflow")
        for where, words in programs[program]
        # A name alone mentions what it does; `mlflow run` needs what comes behind it.
        if any(each.startswith("-") for each in words) or len(words) > 2
    ]
    assert len(asked) >= 4
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    ended = subprocess.run(
        [sys.executable, "-c", OTHERS],
        input=json.dumps([*(words for _, words in asked), ["airflow", "nosuch", "command"]]),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    *answers, wrong = json.loads(ended.stdout.splitlines()[-1])
    assert {where: why for (where, _), why in zip(asked, answers, strict=True) if why} == {}
    assert "nosuch" in wrong
