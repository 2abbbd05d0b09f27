"""Who logs in where: a database's URL, user and password, from the environment and kept out of every text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

from vintage.errors import EnvironmentProblem
from vintage.spec import connection_variable
from vintage.spec.secret_names import holds_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

_HIDDEN: Final = "***"
# Airflow's connection types, and what they are called in a JDBC URL.
_SCHEMES: Final[Mapping[str, str]] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mariadb",
}
# Drivers that Spark finds among `spark.jars` only when they are named.
_DRIVERS: Final[Mapping[str, str]] = {
    "derby": "org.apache.derby.iapi.jdbc.AutoloadedDriver",
    "postgresql": "org.postgresql.Driver",
    "mysql": "com.mysql.cj.jdbc.Driver",
    "mariadb": "org.mariadb.jdbc.Driver",
    "sqlserver": "com.microsoft.sqlserver.jdbc.SQLServerDriver",
    "oracle": "oracle.jdbc.OracleDriver",
    "sqlite": "org.sqlite.JDBC",
    "h2": "org.h2.Driver",
    "duckdb": "org.duckdb.DuckDBDriver",
}
# What has a session read only: options of the driver, or a statement that Spark gives when it begins. Derby,
# H2, Oracle and SQL Server have neither.
_READ_ONLY: Final[Mapping[str, Mapping[str, str]]] = {
    "postgresql": {"readOnly": "true", "readOnlyMode": "always"},
    "mysql": {"sessionInitStatement": "SET SESSION TRANSACTION READ ONLY"},
    "mariadb": {"sessionInitStatement": "SET SESSION TRANSACTION READ ONLY"},
    "sqlite": {"open_mode": "1"},
    "duckdb": {"duckdb.read_only": "true"},
}


@dataclass(frozen=True)
class Login:
    """A database and how to log in; only its name is ever shown."""

    name: str
    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    driver: str = ""

    def options(self) -> dict[str, str]:
        """Return the options of Spark's JDBC reader; a read-only session where the database offers it."""
        given = {"url": self.url, "driver": self.driver, "user": self.user, "password": self.password}
        return {**{name: value for name, value in given.items() if value}, **_of(_READ_ONLY, self.url, {})}

    def without_secrets(self, text: str) -> str:
        """Return a driver's message without URL, user and password, in any spelling."""
        for secret in sorted({self.password, self.url, self.user} - {""}, key=len, reverse=True):
            for spelled in {secret, quote(secret), quote(secret, safe="")}:
                text = text.replace(spelled, _HIDDEN)
        return text


def embedded(url: str) -> Login:
    """Return the login of a URL that asks for none."""
    return Login("", url, driver=_driver_of(url))


def login_of(name: str, environ: Mapping[str, str]) -> Login:
    """Return the connection of that name, from `AIRFLOW_CONN_<NAME>` as Airflow writes it: JSON or a URI.

    A connection of type jdbc has the whole JDBC URL as its host; for postgres, mysql and mariadb the URL is
    made of host, port and schema.

    Raises:
        EnvironmentProblem: there is none, or it cannot be read; the text tells nothing of what it holds.
    """
    variable = connection_variable(name)
    text = environ.get(variable, "").strip()
    if not text:
        raise EnvironmentProblem(
            f"the connection {name!r} is not known",
            expected=f"an Airflow connection of that name, or the environment variable {variable}",
            fix=f'Set {variable}=\'{{"conn_type": "jdbc", "host": "jdbc:postgresql://HOST/DATABASE", '
            '"login": "USER", "password": "…"}\'.',
        )
    try:
        parts = json.loads(text) if text.startswith("{") else _from_uri(text)
        extra = parts.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        kind = str(parts.get("conn_type", "")).replace("_", "-").lower()
        host, database = str(parts.get("host") or ""), str(parts.get("schema") or "")
        port = int(parts["port"]) if parts.get("port") else None
        driver = str(extra.get("driver_class") or "")
    except (ValueError, TypeError, AttributeError):
        # The reason would quote what it could not read.
        raise _unreadable(name, "JSON or a URI, as Airflow writes a connection") from None
    if kind in _SCHEMES and host:
        url = f"jdbc:{_SCHEMES[kind]}://{host}{f':{port}' if port else ''}/{database}"
    elif host.lower().startswith("jdbc:"):
        url = host
    else:
        raise _unreadable(name, "conn_type jdbc with the JDBC URL as host, or postgres, mysql, mariadb")
    if holds_secret(url):
        raise _unreadable(name, "login and password outside the URL: drivers repeat a URL in errors")
    login, password = str(parts.get("login") or ""), str(parts.get("password") or "")
    return Login(name, url, login, password, driver or _driver_of(url))


def _driver_of(url: str) -> str:
    return _of(_DRIVERS, url, "")


def _of(by_scheme: Mapping[str, T], url: str, otherwise: T) -> T:
    return by_scheme.get(url.lower().removeprefix("jdbc:").partition(":")[0], otherwise)


def _unreadable(name: str, expected: str) -> EnvironmentProblem:
    return EnvironmentProblem(f"the connection {name!r} cannot be used", expected=expected)


def _from_uri(text: str) -> dict[str, Any]:
    uri = urlsplit(text)
    credentials, _, place = uri.netloc.rpartition("@")
    login, _, password = credentials.partition(":")
    host, _, port = place.partition(":")
    return {
        "conn_type": uri.scheme,
        "host": unquote(host),
        "port": port,
        "login": unquote(login),
        "password": unquote(password),
        "schema": unquote(uri.path.removeprefix("/")),
    }
