"""Lines that answer for all lines before them: how one is sealed, and what is wrong where one is not."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json

CHAIN: Final = "chain"
"""The last field of a sealed line: SHA-256 over every byte before the line, and the line without it."""
_SEALED: Final = re.compile(rb'(.*),"chain":"([0-9a-f]{64})"}', re.DOTALL)
_TORN: Final = re.compile(rb"[\x80-\xff]{1,3}\Z")


@dataclass(frozen=True)
class Head:
    """How far a ledger went: the number of its lines, and the SHA-256 of all bytes up to the last's end."""

    lines: int
    digest: str


def sealed(before: bytes, body: bytes) -> bytes:
    """Return a line with its newline.

    Args:
        before: all that stands before it.
        body: a JSON object with at least one field.
    """
    digest = hashlib.sha256(before + body).hexdigest()
    return body[:-1] + f',"{CHAIN}":"{digest}"}}\n'.encode()


def parts(line: bytes) -> tuple[bytes, str | None]:
    """Return the object of a line, and its digest; None for a line of a release without digests."""
    match = _SEALED.fullmatch(line)
    return (line, None) if match is None else (match[1] + b"}", match[2].decode())


def problem(before: hashlib._Hash, body: bytes, seal: str | None, *, after_sealed: bool) -> str:
    """Return what is wrong with a line; empty when nothing is.

    Args:
        before: over all bytes before it.
        body: its object.
        seal: its digest.
        after_sealed: whether the line before it is sealed; then it must be as well.
    """
    if seal is None:
        return "none: the line was inserted or edited" if after_sealed else ""
    digest = before.copy()
    digest.update(body)
    if digest.hexdigest() == seal:
        return ""
    told = f"{seal[:12]}… where it is {digest.hexdigest()[:12]}…: "
    if after_sealed:
        return told + "the line was edited, or one was removed, inserted or moved just before it"
    return told + "the line, or one before it, was edited, removed, inserted or moved"


def is_cut(line: bytes, following: bytes | None, *, ends: bool) -> bool:
    """Return whether a crash cut the line: it is the beginning of one, and not a damaged whole.

    In the middle of a file it is what a crash left and the next writer went on after. There the line that
    follows answers for it, by its digest; if it is of an earlier release and has none, a line that has all
    its fields counts as damaged.

    Args:
        line: without its newline.
        following: the next line; None after the last.
        ends: whether the file ends with a newline.
    """
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        pass
    else:
        return False
    # A file system may give zeros for what it had not written; a cut may go through a character.
    begins = _TORN.sub(b"", line.rstrip(b"\0"))
    if not line or begins.endswith(b"}") or (following is None and ends):
        return False
    try:
        begun = from_json(begins or b"{", allow_partial=True)
    except ValueError:
        return False
    if not isinstance(begun, dict):
        return False
    return following is None or parts(following)[1] is not None or "at" not in begun
