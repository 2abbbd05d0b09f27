"""What stands around docker-compose.yaml: its secrets, its image, and who may reach what."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from local.compose_airflow import write_login
from local.compose_env import SECRETS, complete
from local.compose_health import problem

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = (CHECKOUT / "docker-compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (CHECKOUT / "docker" / "Dockerfile").read_text(encoding="utf-8")
SERVING = (CHECKOUT / "docker" / "serving.Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]


def held(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_secrets_are_random_private_and_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert complete(path) == list(SECRETS)
    first = held(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(set(first.values())) == len(SECRETS)
    assert all(re.fullmatch(r"[\w-]{43}=", value) for value in first.values())
    assert complete(path) == []
    assert held(path) == first
    assert [each.name for each in tmp_path.iterdir()] == [".env"]


def test_one_s_own_secrets_and_settings_stay_and_what_is_new_is_added(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("VINTAGE_WORKER_CORES=4\nPOSTGRES_PASSWORD=mine", encoding="utf-8")
    path.chmod(0o644)
    assert complete(path) == [name for name in SECRETS if name != "POSTGRES_PASSWORD"]
    now = held(path)
    assert now["POSTGRES_PASSWORD"] == "mine"
    assert now["VINTAGE_WORKER_CORES"] == "4"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_git_and_the_image_leave_the_secrets_out() -> None:
    assert ".env" in (CHECKOUT / ".gitignore").read_text(encoding="utf-8").split()
    assert not in_the_image(".env")


def test_the_file_holds_no_secret_and_asks_for_each_that_is_made() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    assert required == set(SECRETS)
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|_KEY$", key) and not key.endswith("_FILE"):
                assert re.fullmatch(r"\$\{\w+:\?[^}]*\}", str(value)), (name, key)


def test_the_database_s_scripts_run_by_themselves() -> None:
    """Its image would take one that cannot be executed into its own shell, with all that it sets there."""
    scripts = list((CHECKOUT / "docker" / "postgres").iterdir())
    assert [script.name for script in scripts] == ["create-databases.sh"]
    assert all(os.access(script, os.X_OK) for script in scripts)


def test_what_is_published_is_on_loopback_alone() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", ())}
    assert set(published) == {"airflow-api-server", "mlflow", "serving", "spark-master"}
    assert all(port.startswith("127.0.0.1:") for port in published.values())


def test_every_service_is_looked_after_and_none_may_do_more_than_it_needs() -> None:
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) or service["restart"] == "no", name
        assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service), name


def in_the_image(path: str) -> bool:
    """Whether .dockerignore lets a path of the checkout through: the last line that matches decides."""
    let = True
    for line in (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        rule = line.removeprefix("!")
        if line and not line.startswith("#") and (rule in {"*", path} or path.startswith(f"{rule}/")):
            let = line.startswith("!")
    return let


def copied(dockerfile: str) -> list[str]:
    """What an image takes from the checkout."""
    lines = [line.split()[1:] for line in dockerfile.splitlines() if line.startswith("COPY ")]
    return [source for words in lines if not words[0].startswith("--from") for source in words[:-1]]


def test_the_image_s_files_are_there() -> None:
    assert len(copied(DOCKERFILE)) >= 7
    for source in [*copied(DOCKERFILE), *copied(SERVING)]:
        assert (CHECKOUT / source).exists(), source
        assert in_the_image(source), source


def test_the_images_are_not_root_s() -> None:
    for dockerfile in (DOCKERFILE, SERVING):
        assert [line.split()[1] for line in dockerfile.splitlines() if line.startswith("USER ")] == [
            "vintage"
        ]
    assert not any("user" in service for service in SERVICES.values())


@pytest.mark.parametrize(
    ("given", "mask", "folder", "file"),
    [
        ({}, "0077", "0o700", "0o600"),
        ({"VINTAGE_UMASK": "027"}, "0027", "0o750", "0o640"),
        ({"VINTAGE_UMASK": "7"}, "0007", "0o770", "0o660"),
    ],
)
def test_what_a_service_writes_is_its_user_s_alone(
    given: dict[str, str], mask: str, folder: str, file: str
) -> None:
    [entry] = re.findall(r'^ENTRYPOINT \["/opt/vintage/(\S+)"\]$', DOCKERFILE, flags=re.MULTILINE)
    logs = "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_"
    command = [CHECKOUT / entry, "sh", "-c", f"umask; echo ${logs}FOLDER_PERMISSIONS ${logs}FILE_PERMISSIONS"]
    environment = {"PATH": os.defpath, **given}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, umask=0)
    assert ended.stdout.split() == [mask, folder, file]
    for name, service in SERVICES.items():
        if "build" in service:
            assert service["environment"]["VINTAGE_UMASK"] == "${VINTAGE_UMASK:-077}", name
            assert not any(each.startswith(logs) for each in service["environment"]), name


def test_the_image_has_the_python_the_uv_and_the_java_that_set_up_takes() -> None:
    python = (CHECKOUT / "local" / "setup" / "python.sh").read_text(encoding="utf-8")
    series = re.search(r"python_series='([\d. ]+)'", python)
    assert series is not None
    bases = re.findall(r"^FROM python:(\d+\.\d+)-slim", DOCKERFILE, flags=re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert bases[0] in series[1].split()
    assert f"/lib/python{bases[0]}/" in DOCKERFILE
    oldest = re.search(r"'uv>=(\d+)\.(\d+)'", python)
    pinned = re.search(r"uv==(\d+)\.(\d+)\.\d+", DOCKERFILE)
    assert oldest is not None
    assert pinned is not None
    assert tuple(map(int, pinned.groups())) >= tuple(map(int, oldest.groups()))
    java = (CHECKOUT / "local" / "setup" / "java.sh").read_text(encoding="utf-8")
    [package] = re.findall(r"openjdk-\d+-jre-headless", DOCKERFILE)
    assert package in java


def test_the_image_that_serves_has_the_same_python_and_uv_and_neither_spark_nor_java() -> None:
    for pattern in (r"^FROM python:\S+", r"uv==\S+"):
        assert set(re.findall(pattern, SERVING, re.MULTILINE)) == set(
            re.findall(pattern, DOCKERFILE, re.MULTILINE)
        )
    [extra] = re.findall(r"uv sync .*--extra (\w+)", SERVING)
    assert locked_for_an_image(extra).isdisjoint(
        {"pyspark", "mlflow", "apache-airflow", "great-expectations"}
    )
    assert locked_for_an_image(extra) >= {"fastapi", "mlflow-skinny", "numpy", "prometheus-client", "uvicorn"}
    assert "jre" not in SERVING


def test_what_the_image_that_serves_leaves_out_no_server_imports() -> None:
    [program] = re.findall(r'python -c "(import [^"]+)"', SERVING)
    told = "import sys; print(*(getattr(each, '__file__', '') for each in sys.modules.values()), sep='\\n')"
    libraries = "print(open('/proc/self/maps').read())" if Path("/proc/self/maps").exists() else ""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([program.replace("\\\n", ""), told, libraries])],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "site-packages/pyarrow/libarrow_python.so." in done.stdout or not libraries
    within = [
        line.rpartition("site-packages/")[2] for line in done.stdout.splitlines() if "site-packages/" in line
    ]
    folders, endings = (
        re.findall(pattern, SERVING)[0].split(r"\|")
        for pattern in (r"/\\\((.*?)\\\)'", r"\\\.\\\((.*?)\\\)'")
    )
    assert {"tests", "include"} <= set(folders)
    assert "pyx" in endings
    for name in within:
        assert not set(Path(name).parts[:-1]) & set(folders), name
        assert Path(name).suffix.removeprefix(".") not in endings, name
        assert not re.match(r"pyarrow/(src/|.*flight|libarrow_python\w*\.so(\.\d+\.\d+.*)?$)", name), name


def locked_for_an_image(*extras: str) -> set[str]:
    """The distributions that `uv sync --frozen --no-dev` installs with these extras; with all, if none."""
    lock = (CHECKOUT / "uv.lock").read_text(encoding="utf-8")
    import tomllib

    packages = {package["name"]: package for package in tomllib.loads(lock)["package"]}
    ours = packages["vintage-retraining"]
    pending = [each["name"] for each in ours["dependencies"]]
    chosen = {
        name: each for name, each in ours["optional-dependencies"].items() if not extras or name in extras
    }
    pending += [each["name"] for extra in chosen.values() for each in extra]
    found: set[str] = set()
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        package = packages[name]
        needed = [*package.get("dependencies", [])]
        for extra in package.get("optional-dependencies", {}).values():
            needed += extra
        pending += [each["name"] for each in needed]
    return found


def test_the_image_has_every_package_that_its_code_imports() -> None:
    known, locked = packages_distributions(), locked_for_an_image()
    normal = {name: {re.sub(r"[-_.]+", "-", each).lower() for each in known[name]} for name in known}
    imported: dict[str, Path] = {}
    for folder in ("vintage", "spark_jobs", "dags", "local"):
        files = (CHECKOUT / folder).rglob("*.py")
        for file in filter(lambda file: in_the_image(str(file.relative_to(CHECKOUT))), files):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0]: file for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported[node.module.partition(".")[0]] = file
    own = {"vintage", "spark_jobs", "dags", "local", "examples"}
    foreign = {name: file for name, file in imported.items() if name not in sys.stdlib_module_names | own}
    assert {"airflow", "pyspark", "mlflow", "psutil", "httpx"} <= set(foreign)
    lacking = {name: file for name, file in foreign.items() if not normal.get(name, set()) & locked}
    assert lacking == {}


def test_without_docker_make_says_so(tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make
    for target in ("up-compose", "down-compose"):
        ended = subprocess.run(
            [make, "-C", str(CHECKOUT), target],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode
        assert "Docker with its Compose plugin is not there" in ended.stderr


def test_the_login_is_private_and_replaces_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "airflow" / "users.json"
    for password in ("first", "second"):
        write_login(path, password)
    assert json.loads(path.read_text(encoding="utf-8")) == {"admin": "second"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


class Pages(BaseHTTPRequestHandler):
    """Answers with the status and the text that the path holds."""

    def do_GET(self) -> None:
        _, status, text = self.path.split("/", 2)
        self.send_response(int(status))
        self.end_headers()
        self.wfile.write(text.replace("'", '"').encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def pages() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "part", "wrong"),
    [
        ("200/", None, None),
        ("503/", None, "503"),
        ("200/{'triggerer':{'status':'healthy'}}", "triggerer", None),
        ("200/{'triggerer':{'status':'unhealthy'}}", "triggerer", "triggerer is unhealthy"),
        ("200/{'triggerer':{'status':null}}", "triggerer", "triggerer is None"),
        ("200/{'scheduler':{}}", "triggerer", "triggerer"),
        ("200/no-json", "triggerer", "JSONDecodeError"),
    ],
)
def test_a_service_is_healthy_when_its_page_says_so(
    pages: str, path: str, part: str | None, wrong: str | None
) -> None:
    found = problem(f"{pages}/{path}", part)
    assert found is None if wrong is None else wrong in str(found)


def test_a_service_that_does_not_answer_ends_its_check_with_1(pages: str) -> None:
    for url, code in ((f"{pages}/200/", 0), ("http://127.0.0.1:9/", 1)):
        # A proxy of the machine is not asked.
        env = {**os.environ, "http_proxy": "http://127.0.0.1:9"}
        command = [sys.executable, "-m", "local.compose_health", url]
        ended = subprocess.run(command, env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stderr
