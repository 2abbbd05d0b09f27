"""What an artifact was made by, compared with what would make it now: code, engines, packages, settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vintage.store.code import ROOT, code_digest, source_files
from vintage.store.engines import git_state, git_text, package_versions
from vintage.store.files import lock_digest
from vintage.store.reasons import differing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vintage.store.artifacts import Artifact
    from vintage.store.manifest import Manifest

SHORT: Final = 12
TOLD: Final = 3
NONE: Final = "not recorded"
JVM_OPTIONS: Final = "JavaOptions"
"""How the settings end that hold a JVM's options."""


@dataclass(frozen=True)
class Held:
    """One thing that a result may depend on, then and now.

    Attributes:
        what: `package numpy`, `git commit`, `setting spark.sql.shuffle.partitions`, …
        then: what the manifests say; of several artifacts that differ, each once.
        now: the same of this process.
        detail: more, in words.
    """

    what: str
    then: str
    now: str
    detail: str = ""

    @property
    def same(self) -> bool:
        """Whether it is as it was."""
        return self.then == self.now


def environment(
    artifacts: Sequence[Artifact], conf: Mapping[str, str], own_code: Mapping[str, str]
) -> tuple[Held, ...]:
    """Return what made the artifacts beside what would make them now; what differs first.

    Args:
        artifacts: those that a run computed.
        conf: the settings that today's Spark session would record.
        own_code: package that is named by dotted path → its digest or version of today.
    """
    manifests = [artifact.manifest for artifact in artifacts]
    found = [
        *_code_of_kinds(manifests),
        *_user_code(manifests, own_code),
        Held("uv.lock", _each_once(_short(each.lock) for each in manifests), _short(lock_digest())),
        *_packages(manifests),
        # Jobs that fit nothing may run under other settings of speed.
        *_settings([each for each in manifests if each.kind == "model"], conf),
        *_git(manifests),
    ]
    return tuple(sorted(found, key=lambda each: each.same))


def causes(then: Artifact, now: Artifact) -> tuple[Held, ...]:
    """Return what of two artifacts of one step differs that may be why they do not hold the same.

    In the order of what it may be: spec and own code, seed, code, engines, packages, settings.
    """
    one, other = then.manifest.ingredients, now.manifest.ingredients
    found = [*paths_that_differ("", one.spec, other.spec), Held("seed", str(one.seed), str(other.seed))]
    if one.code != other.code:
        found.append(_code(then.manifest, now.manifest))
    found += [
        Held(f"engine {name}", one.engines.get(name, NONE), other.engines.get(name, NONE))
        for name in sorted({*one.engines, *other.engines})
    ]
    found += [
        Held(f"package {name}", version, now.manifest.packages.get(name, NONE))
        for name, version in sorted(then.manifest.packages.items())
        # Told as engines.
        if name not in {"python", "java", "pyspark"} or one.engines == other.engines
    ]
    found.append(Held("uv.lock", _short(then.manifest.lock), _short(now.manifest.lock)))
    found += _settings([then.manifest], now.manifest.spark_conf)
    ways = [getattr(each.manifest.details, "arithmetic", None) for each in (then, now)]
    found += paths_that_differ("arithmetic", *ways) if None not in ways else ()
    return tuple(each for each in found if not each.same)


def _code_of_kinds(manifests: Sequence[Manifest]) -> Iterator[Held]:
    for kind in dict.fromkeys(each.kind for each in manifests):
        then = _each_once(_short(each.ingredients.code) for each in manifests if each.kind == kind)
        yield Held(f"code of {kind}", then, _short(code_digest(kind)))


def _user_code(manifests: Sequence[Manifest], today: Mapping[str, str]) -> Iterator[Held]:
    recorded = [each.ingredients.spec.get("own_code", {}) for each in manifests]
    for name in sorted({*today, *(name for each in recorded for name in each)}):
        then = _each_once(_short(each[name]) for each in recorded if name in each)
        yield Held(f"own code {name}", then or NONE, _short(today.get(name)))


def _packages(manifests: Sequence[Manifest]) -> Iterator[Held]:
    today = package_versions()
    for name in sorted({*today, *(name for each in manifests for name in each.packages)}):
        then = _each_once(each.packages.get(name, NONE) for each in manifests)
        yield Held(f"package {name}" if name not in {"python", "java"} else name, then, today.get(name, NONE))


def _settings(manifests: Sequence[Manifest], conf: Mapping[str, str]) -> Iterator[Held]:
    """Yield the Spark settings of the artifacts that record them."""
    keeping = [each.spark_conf for each in manifests if each.spark_conf]
    if not keeping:
        return
    for name in sorted({*conf, *(name for each in keeping for name in each)}):
        then = _each_once(settings.get(name, "not set") for settings in keeping)
        now = conf.get(name, "not set")
        if name.endswith(JVM_OPTIONS):
            then, now = _apart(then, now)
        yield Held(f"setting {name}", then, now)


def _apart(then: str, now: str) -> tuple[str, str]:
    """Of two lists of options those that the other does not have; both whole where only the order differs."""
    one, other = then.split(), now.split()
    lacking = [[each for each in these if each not in those] for these, those in ((one, other), (other, one))]
    if not any(lacking):
        return then, now
    told, today = (" ".join(each) or "without" for each in lacking)
    return told, today


def _git(manifests: Sequence[Manifest]) -> Iterator[Held]:
    today = git_state()
    yield Held(
        "git commit",
        _each_once(_short(_text(each.git.get("commit"))) for each in manifests),
        _short(_text(today.get("commit"))),
    )
    yield Held(
        "git tree", _each_once(_tree(each.git.get("clean")) for each in manifests), _tree(today.get("clean"))
    )


def _code(then: Manifest, now: Manifest) -> Held:
    """Return the code of a step, by its digest and the commit; which of its files differ, where git knows."""
    detail = ""
    commit = _text(then.git.get("commit"))
    if commit:
        parts = [file.relative_to(ROOT).as_posix() for file in source_files(then.kind)]
        changed = git_text("diff", "--name-only", commit, "--", *parts)
        files = [path.removeprefix("vintage/") for path in (changed or "").splitlines()]
        if files:
            more = f" and {len(files) - TOLD} more" if len(files) > TOLD else ""
            detail = f"since {_short(commit)}: {', '.join(files[:TOLD])}{more}"
        elif then.git.get("clean") is False:
            detail = f"made by files that {_short(commit)} does not have"
    return Held("code", _made_by(then), _made_by(now), detail)


def _made_by(manifest: Manifest) -> str:
    commit = _short(_text(manifest.git.get("commit")))
    changed = " with changes" if manifest.git.get("clean") is False else ""
    return f"{manifest.ingredients.code[:SHORT]} of commit {commit}{changed}"


def paths_that_differ(path: str, then: Any, now: Any) -> Iterator[Held]:
    """Yield what differs within two values of JSON, path by path."""
    for place, *values in differing(then, now, path):
        own = place.startswith("own_code.")
        shown = [_short(str(value)) if own and value else str(value) for value in values]
        yield Held(place.replace("own_code.", "own code "), *shown)


def _each_once(values: Iterable[str]) -> str:
    """Return values in their order, each once; of many the first and the last."""
    found = list(dict.fromkeys(values))
    if len(found) > TOLD:
        return f"{found[0]} … {found[-1]} ({len(found)} in all)"
    return ", ".join(found)


def _tree(clean: str | bool | None) -> str:
    return NONE if clean is None else "clean" if clean else "with changes not committed"


def _text(value: str | bool | None) -> str | None:
    return value if isinstance(value, str) else None


def _short(digest: str | None) -> str:
    return digest[:SHORT] if digest else NONE
