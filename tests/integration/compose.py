"""docker-compose.yaml without Docker: each service's own command and environment, as a process on loopback.

What is translated, and nothing else:

- an image is this checkout and its .venv: paths and ENV of docker/Dockerfile are those of this machine;
- a volume is a folder;
- a service's name, and 0.0.0.0, is 127.0.0.1; a port that a service exposes is a free one, wherever the file
  has it;
- PostgreSQL's image makes its cluster and runs the scripts of /docker-entrypoint-initdb.d: so do we, with
  the programs of Debian's package.

Conditions between services and health checks are those of the file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil
import yaml

from local.processes import Service, ServiceDied, stop, tail
from tests.airflow.conftest import CHECKOUT
from tests.integration import postgresql
from tests.integration.postgresql import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?P<kind>:[-?])?(?P<other>[^}]*)\})")
DATA = "/var/lib/postgresql/data"
INITIAL = "/docker-entrypoint-initdb.d"
UP_SECONDS = 600


def read(file: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with its variables filled in: `${NAME}`, `${NAME:-otherwise}`, `${NAME:?why not}`, `$$`."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return "$"
        if variables.get(found["name"]):
            return variables[found["name"]]
        if found["kind"] != ":-":
            raise KeyError(f"{found['name']}: {found['other']}")
        return found["other"]

    def filled(node: Any) -> Any:
        match node:
            case str():
                return VARIABLE.sub(value, node)
            case dict():
                return {name: filled(each) for name, each in node.items()}
            case list():
                return [filled(each) for each in node]
            case _:
                return node

    content: dict[str, Any] = filled(yaml.safe_load(file.read_text(encoding="utf-8")))
    return content


def image_environment(dockerfile: Path) -> dict[str, str]:
    """What the ENV lines of the last stage set."""
    last = re.split(r"^FROM ", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)[-1]
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", last, flags=re.MULTILINE))


@dataclass
class ComposeStack:
    """The services of the file, as a context: all healthy inside, gone outside.

    Attributes:
        folder: holds volumes and logs; open to the user of PostgreSQL.
        variables: those of .env and of the shell.
        extra: what each process gets besides, for speed.
    """

    folder: Path
    variables: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        content = read(CHECKOUT / "docker-compose.yaml", self.variables)
        self.services: dict[str, dict[str, Any]] = content["services"]
        self.running: dict[str, Service] = {}
        self.image = image_environment(CHECKOUT / "docker" / "Dockerfile")
        self.ports = {
            (name, int(port)): postgresql.free_port()
            for name, service in self.services.items()
            for port in service.get("expose", ())
        }

    def __enter__(self) -> Self:
        try:
            self._up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def address(self, service: str, port: int) -> str:
        """Where a service's port is."""
        return f"{LOOPBACK}:{self.ports[service, port]}"

    def environment(self, name: str) -> dict[str, str]:
        """A service's environment, on this machine."""
        service = self.services[name]
        own = {key: str(value) for key, value in service.get("environment", {}).items()}
        if "build" in service:
            own = {**self.image, **own}
        else:
            own = {"PATH": os.pathsep.join([str(postgresql.PROGRAMS[-1]), "/usr/bin", "/bin"]), **own}
        translated = {key: self._translated(name, value) for key, value in own.items()}
        return {"HOME": str(self.folder), **translated, **self.extra}

    def command(self, name: str) -> list[str]:
        """A service's command, on this machine."""
        first, *words = self.services[name]["command"]
        return [first, *(self._translated(name, word) for word in words)]

    def start(self, name: str) -> None:
        """Starts one service, or starts it again."""
        begin = self._start_database if "build" not in self.services[name] else self._start
        self.running[name] = begin(name)

    def healthy(self, name: str) -> bool:
        """Whether a service's own health check succeeds; it must still run."""
        self.running[name].check()
        kind, first, *words = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        ended = subprocess.run(
            [first, *(self._translated(name, word) for word in words)],
            env=self.environment(name),
            capture_output=True,
            check=False,
        )
        return ended.returncode == 0

    def family(self) -> list[psutil.Process]:
        """Every process of the stack."""
        running = [service.process for service in self.running.values() if service.process.poll() is None]
        roots = [psutil.Process(process.pid) for process in running]
        return [*roots, *(child for root in roots for child in root.children(recursive=True))]

    def down(self) -> None:
        """Stops the services, those that others depend on last."""
        for name in reversed(list(self.running)):
            stop([self.running.pop(name)], grace=10)

    def _up(self) -> None:
        waiting, done = list(self.services), set[str]()
        deadline = time.monotonic() + UP_SECONDS
        while waiting or set(self.services) - done:
            for name in [name for name in waiting if self._may_start(name, done)]:
                waiting.remove(name)
                self.start(name)
            for name in set(self.running) - done:
                if self._is_done(name):
                    done.add(name)
            if time.monotonic() > deadline:
                late = sorted(set(self.services) - done)
                logs = "\n".join(f"{name}:\n{tail(self._log(name))}" for name in late)
                raise ServiceDied(f"not healthy within {UP_SECONDS} s: {late}\n{logs}")
            time.sleep(0.3)

    def _may_start(self, name: str, done: set[str]) -> bool:
        needed: Mapping[str, Mapping[str, str]] = self.services[name].get("depends_on", {})
        assert {each["condition"] for each in needed.values()} <= {
            "service_healthy",
            "service_completed_successfully",
        }
        return done.issuperset(needed)

    def _is_done(self, name: str) -> bool:
        if "healthcheck" in self.services[name]:
            return self.healthy(name)
        code = self.running[name].process.poll()
        if code:
            self.running[name].check()
        return code == 0

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def _start(self, name: str) -> Service:
        command = [str(CHECKOUT / "docker" / "entry.sh"), *self.command(name)]
        return Service.start(name, command, env=self.environment(name), log=self._log(name))

    def _start_database(self, name: str) -> Service:
        env = self.environment(name)
        [data] = [folder for at, folder in self._volumes(name) if at == DATA]
        new = not data.exists()
        program, *words = self.command(name)
        assert program == "postgres"
        port = self.ports[name, 5432]
        service = postgresql.start(data, port, env["POSTGRES_USER"], log=self._log(name), words=tuple(words))
        if new:
            [scripts] = [folder for at, folder in self._volumes(name) if at == INITIAL]
            for script in sorted(scripts.glob("*.sh")):
                here = {**env, **postgresql.on_socket(data, port)}
                subprocess.run(["sh", str(script)], env=here, check=True, capture_output=True)
        return service

    def _volumes(self, name: str) -> Iterator[tuple[str, Path]]:
        """Where a service sees each volume, and the folder that it is."""
        for volume in self.services[name].get("volumes", ()):
            source, at = volume.split(":")[:2]
            named = not source.startswith((".", "/"))
            yield at, self.folder / "volumes" / source if named else (CHECKOUT / source).absolute()

    def _translated(self, service: str, text: str) -> str:
        if text in self.services or text == "0.0.0.0":  # noqa: S104 - it is taken out
            return LOOPBACK
        for at, folder in [*self._volumes(service), *_places(self.folder)]:
            text = re.sub(rf"(?<![\w.-]){re.escape(at)}(?![\w.-])", str(folder), text)
        for (name, port), free in self.ports.items():
            text = re.sub(rf"(?<![\w.-]){name}:{port}(?!\w)", f"{LOOPBACK}:{free}", text)
            text = re.sub(rf"//{name}(?![\w:.-])", f"//{LOOPBACK}", text)
        ours = {port: free for (name, port), free in self.ports.items() if name == service}
        others = {port: free for (name, port), free in self.ports.items() if name != service}
        for port, free in (others | ours).items():
            text = re.sub(rf"(?<![\w.-]){port}(?![\w.-])", str(free), text)
        return text


def _places(folder: Path) -> list[tuple[str, Path]]:
    """What the image's own paths are on this machine, the longer ones first."""
    pyspark = find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    [packages] = re.findall(r"SPARK_HOME=(\S+)", (CHECKOUT / "docker" / "Dockerfile").read_text())
    return [
        (packages, Path(pyspark.origin).parent),
        ("/opt/vintage/.venv", Path(sys.prefix)),
        ("/opt/vintage/spark.jsa", Path(os.environ.get("VINTAGE_CDS_ARCHIVE") or folder / "no-archive")),
        ("/opt/vintage", CHECKOUT),
        ("/usr/lib/jvm/java", Path(os.environ["JAVA_HOME"])),
        ("/tmp/spark-worker", folder / "spark-worker"),  # noqa: S108 - it is taken out
    ]
