"""The set-up's decisions: which Python and Java it takes, what it says when there is none, what it builds."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# What the scripts call; a PATH of these alone has no Java, no uv and no apt-get.
TOOLS = """
    sh bash cat cksum cp date dirname env find grep head id ls mkdir mv rm sed tail tr wc sleep uname basename
"""


@dataclass(frozen=True)
class Machine:
    """A checkout with nothing but the set-up in it, on a machine whose programs the test chooses."""

    checkout: Path
    bin: Path
    jvms: Path

    def environment(self, **variables: str) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "HOME": str(self.checkout.parent),
            "VINTAGE_INSTALL": "never",
            "VINTAGE_JVM_DIR": str(self.jvms),
            **variables,
        }

    def setup(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs the whole set-up."""
        return run(["sh", str(self.checkout / "local" / "setup.sh")], self.environment(**variables))

    def call(self, functions: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Calls functions of the set-up by themselves."""
        script = 'set -eu; root=$PWD; venv=$root/.venv; cache=$root/.cache; mkdir -p "$cache"; '
        for room in ("words", "system", "python", "java", "archive"):
            script += f". local/setup/{room}.sh; "
        return run(["sh", "-c", script + functions], self.environment(**variables), cwd=self.checkout)

    def java(self, home: Path, version: str, *, complete: bool = True) -> Path:
        """A program that answers as that Java would."""
        modules = "exit 1" if not complete else ":"
        program(
            home / "bin" / "java",
            f"""
            case "$*" in
                *--add-modules*) {modules} ;;
                *-XshowSettings*) echo "    java.home = {home}" >&2 ;;
            esac
            echo 'openjdk version "{version}" 2024-01-16' >&2
            """,
        )
        return home


def run(
    command: list[str], environment: dict[str, str], *, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def new_machine(folder: Path, name: str) -> Machine:
    made = Machine(folder / name / "vintage", folder / "bin", folder / "jvms")
    shutil.copytree(CHECKOUT / "local" / "setup", made.checkout / "local" / "setup")
    shutil.copy(CHECKOUT / "local" / "setup.sh", made.checkout / "local")
    made.bin.mkdir()
    made.jvms.mkdir()
    for tool in TOOLS.split():
        found = shutil.which(tool)
        assert found, tool
        (made.bin / tool).symlink_to(found)
    program(made.bin / "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    return made


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return new_machine(tmp_path, "plain")


@pytest.fixture
def spaced_machine(tmp_path: Path) -> Machine:
    return new_machine(tmp_path, "with a space")


def test_without_any_java_it_says_what_to_do(spaced_machine: Machine) -> None:
    ended = spaced_machine.setup()
    assert ended.returncode == 1
    assert "no suitable Java: expected 17 or later, found none" in ended.stderr
    assert "apt-get install openjdk-17-jre-headless" in ended.stderr
    assert not (spaced_machine.checkout / ".cache" / "env.sh").exists()


def test_an_old_java_is_named_with_its_place(spaced_machine: Machine, tmp_path: Path) -> None:
    home = spaced_machine.java(tmp_path / "old java", "11.0.22")
    ended = spaced_machine.setup(JAVA_HOME=str(home))
    assert ended.returncode == 1
    assert f"expected 17 or later, found 11 in {home}" in ended.stderr


def test_java_8_calls_itself_1_8(machine: Machine, tmp_path: Path) -> None:
    ended = machine.call("find_java", JAVA_HOME=str(machine.java(tmp_path / "eight", "1.8.0_402")))
    assert ended.returncode == 1
    assert "found 8 in" in ended.stderr


def test_a_java_home_that_fits_is_taken_whatever_else_there_is(machine: Machine, tmp_path: Path) -> None:
    machine.java(machine.jvms / "java-17", "17.0.9")
    chosen = machine.java(tmp_path / "my java", "25.0.1")
    assert machine.call('find_java; echo "$java_home"', JAVA_HOME=str(chosen)).stdout.strip() == str(chosen)


def test_an_old_java_home_is_passed_over_and_told(machine: Machine, tmp_path: Path) -> None:
    good = machine.java(machine.jvms / "java-21", "21.0.2")
    old = machine.java(tmp_path / "old", "11.0.22")
    ended = machine.call('find_java; echo "$java_home"', JAVA_HOME=str(old))
    assert ended.stdout.strip() == str(good)
    assert f"JAVA_HOME={old} is no Java 17 or later" in ended.stderr


def test_a_java_that_spark_is_tested_on_comes_before_a_newer_one(machine: Machine, tmp_path: Path) -> None:
    newer = machine.java(tmp_path / "newer", "25.0.1")
    (machine.bin / "java").symlink_to(newer / "bin" / "java")
    assert machine.call('find_java; echo "$java_home"').stdout.strip() == str(newer)
    tested = machine.java(machine.jvms / "java-17", "17.0.9")
    assert machine.call('find_java; echo "$java_home"').stdout.strip() == str(tested)


def test_a_java_without_the_modules_of_spark_is_not_taken(machine: Machine) -> None:
    machine.java(machine.jvms / "cut-down", "17.0.9", complete=False)
    assert machine.call("find_java").returncode == 1
    whole = machine.java(machine.jvms / "whole", "17.0.9")
    assert machine.call('find_java; echo "$java_home"').stdout.strip() == str(whole)


def test_without_a_python_that_fits_it_says_what_to_do(machine: Machine) -> None:
    program(machine.bin / "python3", 'echo "Python 3.9.2"; exit 1')
    ended = machine.setup()
    assert ended.returncode == 1
    assert "expected one of 3.11 3.12 3.13 on the PATH, found Python 3.9.2" in ended.stderr
    assert "apt-get install python3 python3-venv" in ended.stderr


def test_a_python_that_does_not_work_is_passed_over(machine: Machine, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    program(broken / "python3", "exit 127")
    ended = machine.call('find_python; echo "$python"', PATH=f"{broken}:{machine.bin}")
    assert ended.stdout.strip() == str(machine.bin / "python3")


def test_a_python_that_one_names_must_fit(machine: Machine) -> None:
    ended = machine.call("find_python", VINTAGE_PYTHON="/nowhere/python3")
    assert ended.returncode == 1
    assert "VINTAGE_PYTHON=/nowhere/python3 is no Python of 3.11 3.12 3.13" in ended.stderr


def test_a_python_without_venv_is_told_how_to_get_it(machine: Machine) -> None:
    program(machine.bin / "python3", 'case "$*" in *version_info*) echo 3.12 ;; *) exit 1 ;; esac')
    ended = machine.call("python=python3; find_uv")
    assert ended.returncode == 1
    assert "its venv or ensurepip is missing" in ended.stderr
    assert "apt-get install python3.12-venv" in ended.stderr


@pytest.mark.parametrize(
    ("version", "used"),
    [("0.4.30", False), ("0.7.22", False), ("0.8.0", True), ("0.13.9", True), ("1.2", True)],
)
def test_a_uv_too_old_for_the_lock_is_not_used(machine: Machine, version: str, used: bool) -> None:
    program(machine.bin / "uv", f'echo "uv {version} (abc 2026-01-01)"')
    assert (machine.call("uv_fits uv").returncode == 0) is used


@pytest.mark.parametrize("word", ["plain", "two words", "it's", "$HOME `id`", 'a"b', "back\\slash"])
def test_a_word_survives_the_shell(machine: Machine, word: str) -> None:
    assert machine.call(f'eval "printf %s $(quoted {shlex.quote(word)})"').stdout == word


class TestArchive:
    """When the class archive is built, with a stand-in for spark-submit that counts its calls."""

    @pytest.fixture
    def spark(self, machine: Machine, tmp_path: Path) -> Path:
        home = tmp_path / "spark"
        (home / "jars").mkdir(parents=True)
        (home / "jars" / "core.jar").write_text("one")
        program(
            home / "bin" / "spark-submit",
            f"""
            if [ "$1" = --version ]; then
                echo "org.apache.spark.Some source: shared objects file (top)"; exit
            fi
            echo built >>{shlex.quote(str(tmp_path / "calls"))}
            for word in "$@"; do
                case $word in *ArchiveClassesAtExit=*)
                    file=${{word#*ArchiveClassesAtExit=}}
                    echo classes >"${{file%% *}}"
                esac
            done
            """,
        )
        machine.java(machine.jvms / "java", "17.0.9")
        return home

    def make(self, machine: Machine, spark: Path) -> subprocess.CompletedProcess[str]:
        places = (
            f"java_home={shlex.quote(str(machine.jvms / 'java'))}; spark_home={shlex.quote(str(spark))}; "
        )
        return machine.call(places + 'make_archive; echo "$archive"')

    def calls(self, tmp_path: Path) -> int:
        log = tmp_path / "calls"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def test_it_is_built_once(self, machine: Machine, spark: Path, tmp_path: Path) -> None:
        first = self.make(machine, spark)
        # As another environment does that takes its packages from the same cache.
        (tmp_path / "another.jar").hardlink_to(spark / "jars" / "core.jar")
        second = self.make(machine, spark)
        assert (first.returncode, second.returncode) == (0, 0)
        assert Path(first.stdout.strip()).read_text() == "classes\n"
        assert (second.stdout, second.stderr) == (first.stdout, "")
        assert self.calls(tmp_path) == 1

    @pytest.mark.parametrize("change", ["truncated", "another Spark", "another Java"])
    def test_it_is_built_anew_when_it_would_not_do(
        self, machine: Machine, spark: Path, tmp_path: Path, change: str
    ) -> None:
        archive = Path(self.make(machine, spark).stdout.strip())
        if change == "truncated":
            archive.write_text("cl")
        elif change == "another Spark":
            (spark / "jars" / "core.jar").write_text("another")
        else:
            machine.java(machine.jvms / "java", "17.0.10")
        again = Path(self.make(machine, spark).stdout.strip())
        assert again.read_text() == "classes\n"
        assert self.calls(tmp_path) == 2
        assert [path.name for path in again.parent.glob("*.jsa")] == [again.name]

    def test_a_failure_is_one_line_and_is_not_repeated(self, machine: Machine, spark: Path) -> None:
        program(spark / "bin" / "spark-submit", "echo no room; exit 1")
        first, second = self.make(machine, spark), self.make(machine, spark)
        assert (first.returncode, first.stdout) == (0, "\n")
        assert "no archive could be made" in first.stderr.splitlines()[-1]
        assert (second.returncode, second.stderr) == (0, "")
        assert not list((machine.checkout / "data" / "cds").glob(".building*"))

    def test_an_archive_that_no_jvm_takes_is_not_kept(self, machine: Machine, spark: Path) -> None:
        submit = spark / "bin" / "spark-submit"
        submit.write_text(submit.read_text().replace("shared objects file (top)", "jrt:/java.base"))
        assert self.make(machine, spark).stdout == "\n"
        assert not list((machine.checkout / "data" / "cds").glob("*.jsa"))

    def test_a_path_that_archives_do_not_support_is_told_once(
        self, spaced_machine: Machine, tmp_path: Path
    ) -> None:
        absent = tmp_path / "spark"
        first, second = self.make(spaced_machine, absent), self.make(spaced_machine, absent)
        assert (first.stdout, second.stdout) == ("\n", "\n")
        assert "jobs start some seconds slower" in first.stderr
        assert (second.returncode, second.stderr) == (0, "")


def test_make_help_names_every_target() -> None:
    make = shutil.which("make")
    assert make
    ended = run([make, "-C", str(CHECKOUT), "--no-print-directory"], dict(os.environ))
    phony = next(
        line for line in (CHECKOUT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")
    )
    listed = {line.split()[1] for line in ended.stdout.splitlines() if line.startswith("  make ")}
    assert ended.returncode == 0
    assert listed == set(phony.split()[1:])


def test_a_long_step_tells_how_long_it_took_and_a_terminal_sees_it_go_on(machine: Machine) -> None:
    first = machine.call("begin thing 'making it'; finished")
    assert first.returncode == 0
    assert re.fullmatch(r"setup: making it\nsetup:   done after \d+ s\n", first.stderr)
    again = machine.call("echo 7 >.cache/took-thing; begin thing 'making it'; finished")
    assert again.stderr.startswith("setup: making it (last time 7 s)\n")
    master, slave = pty.openpty()
    try:
        script = "cache=.cache; . local/setup/words.sh; begin thing 'making it'; sleep 2; fail 'it broke'"
        command = ["sh", "-c", script]
        ended = subprocess.run(command, cwd=machine.checkout, stderr=slave, check=False, timeout=60)
        os.set_blocking(master, False)
        shown = os.read(master, 1 << 16).decode()
    finally:
        os.close(slave)
        os.close(master)
    assert ended.returncode == 1
    assert re.search(r"\r +1 s.*\r\x1b\[Ksetup: it broke\r\n$", shown, re.DOTALL), shown
