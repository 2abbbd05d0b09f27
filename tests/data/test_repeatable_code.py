"""What in Python of one's own may give other values each time is found in its text, without running it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from vintage.data.repeatable_code import file_warnings
from vintage.store.user_code import look_in, read_modules

if TYPE_CHECKING:
    from pathlib import Path

IMPORTS = """
import datetime as dt
import random
import time
import uuid
from datetime import datetime
from os import urandom
from random import shuffle as mix
import numpy as np
from pyspark.sql import functions as F
from pyspark.sql.functions import collect_list, udf
generator = np.random.default_rng(7)
"""


def told(tmp_path: Path, line: str) -> list[str]:
    file = tmp_path / "code.py"
    file.write_text(f"{IMPORTS}{line}\n", encoding="utf-8")
    found = file_warnings(file, "code.py", key=["id"])
    assert all(each.line == len(IMPORTS.splitlines()) + 1 for each in found)
    return [str(each).partition(": ")[2] for each in found]


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("x = random.random()", "random.random returns different values each time; make a generator from a seed"),
        ("mix([1, 2])", "random.shuffle returns"),
        ("x = random.Random()", "random.Random without a seed returns"),
        ("x = np.random.default_rng(None)", "numpy.random.default_rng without a seed returns"),
        ("x = np.random.rand(3)", "numpy.random.rand returns"),
        (
            "x = datetime.now()",
            "datetime.datetime.now returns different values each time; have preprocess.sql give",
        ),
        ("x = dt.date.today()", "datetime.date.today returns"),
        ("x = time.time()", "time.time returns"),
        ("x = uuid.uuid4()", "uuid.uuid4 returns"),
        ("x = urandom(8)", "os.urandom returns"),
        ("x = hash('a')", "hash of a text differs in each process; use zlib.crc32"),
        ("rows.withColumn('r', F.rand(3))", "it uses rand, which returns different values each time; write pmod("),
        ("F.monotonically_increasing_id()", "it uses monotonically_increasing_id,"),
        ("F.current_date()", "it uses current_date, which returns different values each time; have preprocess.sql"),
        (
            "rows.agg(F.first('size'))",
            "it uses first, which takes an arbitrary row; write min_by(size",
        ),
        ("rows.agg(collect_list('x'))", "it uses collect_list,"),
        ("rows.agg(F.mode('x'))", "it uses mode,"),
        ("rows.sample(0.1)", "sample draws rows by chance"),
        ("rows.randomSplit([0.5, 0.5], 3)", "randomSplit draws rows by chance"),
        (
            "rows.where('id > 3').limit(5)",
            'limit without orderBy returns arbitrary rows; write .orderBy("id")',
        ),
        ("rows.dropDuplicates(['a'])", "dropDuplicates of some columns keeps an arbitrary row"),
        ("udf(str).asNondeterministic()", "a function that is marked so returns different values"),
        ("rows.selectExpr('id', 'now() AS t')", "it uses now,"),
        ("rows.where('rand() < 0.5')", "it uses rand,"),
        ("F.expr('uuid()')", "it uses uuid,"),
        ("spark.sql('SELECT id FROM x LIMIT 3')", "it uses LIMIT without ORDER BY"),
    ],
)
def test_a_plain_case_is_told_with_its_line(tmp_path: Path, line: str, start: str) -> None:
    [found] = told(tmp_path, line)
    assert found.startswith(start)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "x = random.Random(3)",
            "x = np.random.default_rng(7)",
            "x = generator.random()",
            "time.perf_counter()",
        ),
        *(
            "generator.sample([1, 2], 1)",
            "frame.sample(frac=0.1, random_state=3)",
            "x = datetime(2013, 2, 28)",
        ),
        *("rows.agg(F.array_sort(F.collect_list('x').alias('y')))", "rows.agg(F.size(F.collect_set('x')))"),
        *("F.first('x').over(window)", "rows.agg(F.mode('x', True))", "rows.agg(F.min_by('x', 'id'))"),
        *("rows.orderBy('id').limit(5)", "rows.dropDuplicates()", "rows.where('id > 3')", "F.hash('x')"),
        *("spark.sql('SELECT id FROM x ORDER BY id LIMIT 3')", "rows.withColumn('y', F.col('x') * 2)"),
    ],
)
def test_what_is_the_same_each_time_is_left_alone(tmp_path: Path, line: str) -> None:
    assert told(tmp_path, line) == []


def test_a_name_of_one_s_own_is_not_taken_for_python_s(tmp_path: Path) -> None:
    assert told(tmp_path, "def hash(text): return hash(text)") == []


def test_a_file_that_is_no_python_is_left_to_its_import(tmp_path: Path) -> None:
    assert told(tmp_path, "def (") == []


def test_the_modules_that_an_import_reads_and_no_others(tmp_path: Path) -> None:
    package = tmp_path / "packaged"
    (package / "inner").mkdir(parents=True)
    for file, text in {
        "__init__.py": "",
        "features.py": """
            import os
            from . import numbers
            from packaged.inner import shapes
            def prepared(rows):
                import beside
        """,
        "numbers.py": "from .inner.deep import X",
        "unread.py": "import random",
        "inner/__init__.py": "",
        "inner/shapes.py": "",
        "inner/deep.py": "import packaged.features",
        "../beside.py": "",
        "../apart.py": "",
    }.items():
        (package / file).write_text(textwrap.dedent(text), encoding="utf-8")
    look_in(tmp_path)
    read = {str(file.relative_to(tmp_path)) for file in read_modules("packaged.features.prepared")}
    assert read == {
        "packaged/features.py",
        "packaged/__init__.py",
        "packaged/numbers.py",
        "packaged/inner/__init__.py",
        "packaged/inner/shapes.py",
        "packaged/inner/deep.py",
        "beside.py",
    }
    assert read_modules("os.path.join") == ()
