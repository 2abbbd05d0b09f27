"""The bytes of raw text files: their encoding, their quotes and their header, without Spark."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import mmap
import re
import shutil
import tempfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from vintage.errors import DataError, SpecError
from vintage.data.raw import RawFile, RawFiles
from vintage.spec.option_values import codec_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

TEXT_FORMATS: Final = frozenset({"csv", "json", "xml", "text", "libsvm"})
CHUNK: Final = 4 * 2**20
CUT: Final = "cut short"

_JSON_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_ENCODING: Final = re.compile(r"""^(<\?xml[^>]*?)\s+encoding\s*=\s*(["'])([^"'>]*)\2""")
_NO_BLANK: Final = re.compile(rb"\S")

_SHOWN: Final = 60
_BYTES: Final = 256
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
# Without that of a line's end.
_CONTROLS: Final = re.compile(rb"[\x80-\x84\x86-\x9f]")
_ZERO: Final = b"\0"
# What files begin with that are no text, whatever their names say.
_NO_TEXT: Final = (
    (b"\x1f\x8b", "packed by gzip", "Name it {name}.gz"),
    (b"BZh", "packed by bzip2", "Name it {name}.bz2"),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard", "Name it {name}.zst"),
    (b"\xfd7zXZ\x00", "packed by xz", "Unpack it, or pack it by gzip"),
    (b"\x1f\x9d", "packed by compress", "Unpack it, or pack it by gzip"),
    (b"7z\xbc\xaf\x27\x1c", "packed by 7-Zip", "Unpack it, or pack it by gzip"),
    (b"Rar!\x1a\x07", "packed by RAR", "Unpack it, or pack it by gzip"),
    (b"\x04\x22\x4d\x18", "packed by LZ4", "Unpack it, or pack it by gzip"),
    (b"%PDF-", "a PDF", "Have it exported as text"),
    (b"SQLite format 3\x00", "a database of SQLite", "Export its table as text"),
    (b"\x89HDF\r\n", "an HDF5 file", "Export its table as text"),
    (b"\x93NUMPY", "an array of NumPy", "Write it as Parquet"),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet"),
    (b"PK\x03\x04", "packed by zip, or a workbook of Excel", "Unpack it, or export it as text"),
    (b"\xd0\xcf\x11\xe0", "a workbook of Excel", "Export it as text"),
    (b"PAR1", "a Parquet file", "Write source.format: parquet"),
    (b"ORC", "an ORC file", "Write source.format: orc"),
    (b"Obj\x01", "an Avro file", "Write source.format: avro"),
)
# By the ends of names, as Hadoop has it.
_PACKED: Final = {".gz": (b"\x1f\x8b", "gzip"), ".bz2": (b"BZh", "bzip2")}
PACKED_FOR_SPARK: Final = frozenset({".zst", ".lz4", ".snappy", ".deflate"})
# The longer marks first: UTF-32's begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


@dataclass(frozen=True)
class TextForm:
    """How the text of a source's files is written.

    Attributes:
        encoding: Python's name of the encoding.
        declared: the name in the spec; empty when none is declared.
        separator: between two fields of CSV.
        quote: around a field of CSV; empty when there is none.
        escape: what makes a quote inside quotes a character.
        comment: lines that begin with it are skipped; empty when none are.
        row: the name of the element of XML that is a row.
        line_end: between two lines; empty for any of `\\n`, `\\r` and `\\r\\n`.
        many_lines: whether a row may go over several lines.
        trimmed: whether blanks around a value are dropped: (before, after).
    """

    encoding: str = "utf-8"
    declared: str = ""
    separator: str = ","
    quote: str = '"'
    escape: str = '"'
    comment: str = ""
    row: str = ""
    line_end: str = ""
    many_lines: bool = False
    trimmed: tuple[bool, bool] = (False, False)

    @classmethod
    def of(cls, options: Mapping[str, str]) -> TextForm:
        """Return the form that a reader's options say; Spark's own names, in any case.

        Raises:
            SpecError: there is no such encoding.
        """
        given = {name.lower(): value for name, value in options.items()}

        def flag(name: str) -> bool:
            return given.get(name, "").lower() == "true"

        declared = given.get("encoding", given.get("charset", ""))
        encoding = codec_of(declared or "utf-8")
        if encoding is None:
            raise SpecError(
                "source.options.encoding is no encoding",
                expected="a name such as UTF-8, ISO-8859-1, windows-1252 or UTF-16",
                found=declared,
            )
        quote = given.get("quote", '"').replace("\0", "")
        separator = given.get("sep", given.get("delimiter", ","))
        return cls(
            encoding=encoding,
            declared=declared,
            separator=separator.replace("\\t", "\t") if separator != "\\\\" else "\\",
            quote=quote,
            escape=given.get("escape", quote),
            comment=given.get("comment", "//" if flag("allowcomments") else "").replace("\0", ""),
            row=given.get("rowtag", ""),
            line_end=given.get("linesep", ""),
            many_lines=flag("multiline"),
            trimmed=(
                flag("ignoreleadingwhitespace"),
                flag("ignoretrailingwhitespace"),
            ),
        )


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file's text, and where.

    Attributes:
        what: the fault.
        byte: its offset in the file's text (unpacked), from 0.
        near: the text around it.
        fix: what to do.
    """

    what: str
    byte: int
    near: str
    fix: str


def in_utf8(raw: RawFiles, form: TextForm, scratch: Path, day: date, *, quotes: bool) -> RawFiles:
    """Return the files as UTF-8 without a byte order mark; converted copies are below `scratch`.

    CSV (`quotes`) whose rows go over several lines ends each row in one way.

    Raises:
        DataError: bytes are not the declared encoding's, or a file is of another Unicode encoding.
    """
    files: list[RawFile] = []
    for number, file in enumerate(raw.files):
        path = raw.root / file.path
        _check_is_text(path, day)
        mark = _mark_of(path)
        _check_mark(path, mark, form, day)
        told = _encoding_told(path) if form.row and not form.declared else form.encoding
        if told != form.encoding:
            raise DataError(
                f"raw file {path} for {day} is in {told}, as its first line says",
                expected="text in UTF-8",
                found=repr(_first(path, _SHOWN))[1:],
                fix=f"Write source.options: {{encoding: {told}}}, or deliver it in UTF-8.",
            )
        # Folders stay: their names may be columns.
        folder = scratch / str(number) / Path(file.path).parent
        copy = folder / _unpacked_name(path)
        ready = path
        if form.encoding != "utf-8" or mark or (form.row and _encoding_told(path) != "utf-8"):
            copy.parent.mkdir(parents=True)
            _copy(path, copy, form, day)
            ready = copy
        if quotes and path.suffix not in PACKED_FOR_SPARK and _mixes_line_ends(ready, form):
            alike = folder / "rows" / copy.name
            alike.parent.mkdir(parents=True)
            _end_rows_alike(ready, alike, form)
            ready = alike
        files.append(replace(file, path=str(ready.absolute())))
    # Of the copies and of the others alike, the whole paths.
    copied = RawFiles(Path("/"), tuple(files))
    return raw if copied.paths == [str(Path(path).absolute()) for path in raw.paths] else copied


def fault_in(path: Path, form: TextForm, kind: str) -> Fault | None:
    """Return the first fault of a UTF-8 file: invalid bytes, a misplaced or open quote, a second value.

    Args:
        path: the file.
        form: how it is written.
        kind: its format.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    done = 0
    for chunk in _chunks(path):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return _bad_bytes(path, done - pending + error.start, form)
        if (zero := chunk.find(_ZERO)) >= 0:
            return Fault(
                "a zero byte, of which readers make different things",
                done + zero,
                repr(_slice(path, max(0, done + zero - 12), 24))[1:],
                "Deliver the file without zero bytes; at the end of a file they are what a crash leaves.",
            )
        done += len(chunk)
    left = len(decoder.getstate()[0])
    if left:
        return _bad_bytes(path, done - left, form)
    if kind == "json" and form.many_lines:
        return _second_value(path)
    return _quote_fault(path, form) if kind == "csv" and form.quote else None


def line_of(path: Path, offset: int) -> int:
    """Return the number, from 1, of the line in which a byte stands."""
    number, done = 1, 0
    for chunk in _chunks(path):
        number += chunk[: max(0, offset - done)].count(b"\n")
        done += len(chunk)
        if done >= offset:
            break
    return number


def header_of(path: Path, form: TextForm) -> list[str]:
    """Return the fields of a CSV file's first row; none when it has no row."""
    with lines_of(path) as text:
        lines = _lines(text, form.line_end)
        for line in lines:
            if not line.strip() or (form.comment and line.startswith(form.comment)):
                continue
            row = line
            while form.many_lines and _open_at_end(row, form):
                more = next(lines, None)
                if more is None:
                    break
                row += f"\n{more}"
            return fields_of(row, form)
    return []


def lines_of(path: Path) -> IO[str]:
    """Return a UTF-8 file's lines, unpacked."""
    return io.TextIOWrapper(_open(path), encoding="utf-8", errors="replace", newline="")


def fields_of(line: str, form: TextForm) -> list[str]:
    """Return the fields of one row of CSV."""
    quoted = _quoted_field(form) if form.quote else None
    fields, at = [], 0
    while True:
        match = quoted.match(line, at) if quoted else None
        if match:
            fields.append(_unescaped(match[1], form))
            at = match.end()
        else:
            end = line.find(form.separator, at)
            value = line[at : end if end >= 0 else len(line)]
            value = value.lstrip() if form.trimmed[0] else value
            fields.append(value.rstrip() if form.trimmed[1] else value)
            at = end if end >= 0 else len(line)
        if at >= len(line):
            return fields
        at += len(form.separator)


def _quoted_field(form: TextForm) -> re.Pattern[str]:
    quote, separator = re.escape(form.quote), re.escape(form.separator)
    pair = quote * 2 if form.escape == form.quote else rf"{re.escape(form.escape)}."
    blanks = r"[ \t]*" if form.trimmed[0] else ""
    other = rf"[^{quote}]"
    return re.compile(rf"{blanks}{quote}((?:{pair}|{other})*){quote}[ \t]*(?={separator}|$)", re.DOTALL)


def packing_fault(path: Path) -> str:
    """Return why a packed file cannot be unpacked to its end; empty where it can, or is not packed."""
    if path.suffix not in _PACKED:
        return ""
    try:
        for _ in _chunks(path):
            pass
    except EOFError:
        return CUT
    except (OSError, zlib.error) as error:
        return str(error)
    return ""


def _check_is_text(path: Path, day: date) -> None:
    with path.open("rb") as content:
        packed = content.read(4)
    begin, packer = _PACKED.get(path.suffix, (b"", ""))
    if not packed.startswith(begin):
        raise DataError(
            f"raw file {path} for {day} is not packed by {packer}, as its name says",
            expected=f"{begin.hex(' ').upper()} at its beginning",
            found=packed.hex(" ").upper(),
            fix=f"Name it {path.stem} if it is text, or deliver it packed.",
        )
    start = _first(path, max(len(begin) for begin, _, _ in _NO_TEXT))
    # Hadoop knows the ending in small letters alone.
    name = path.stem if path.suffix.lower() in _PACKED else path.name
    for begin, what, instead in _NO_TEXT:
        if start.startswith(begin):
            raise DataError(
                f"raw file {path} for {day} is {what}, as its first bytes say",
                expected="text" + (" in it" if path.suffix in _PACKED else ""),
                found=start[: len(begin)].hex(" ").upper(),
                fix=f"{instead.format(name=name)}; or deliver text.",
            )


def _check_mark(path: Path, mark: str, form: TextForm, day: date) -> None:
    family = re.sub(r"[^0-9a-z]", "", form.encoding).removesuffix("le").removesuffix("be")
    family = "utf8" if family in {"utf8sig", "ascii"} and mark == "UTF-8" else family
    if mark and family != mark.lower().replace("-", ""):
        raise DataError(
            f"raw file {path} for {day} is {mark}, as its first bytes say",
            expected=f"text in {form.declared or 'UTF-8'}",
            found=_first(path, 4).hex(" ").upper(),
            fix=f"Write source.options: {{encoding: {mark}}}, or deliver it in {form.declared or 'UTF-8'}.",
        )
    if not mark and form.encoding in {"utf-16", "utf-32"}:
        raise DataError(
            f"raw file {path} for {day} does not say in which order its bytes come",
            expected=f"a byte order mark at its beginning, as {form.declared} has it",
            found=_first(path, 4).hex(" ").upper(),
            fix=f"Write source.options: {{encoding: {form.declared}LE}} or {form.declared}BE.",
        )
    start = _first(path, 4)
    for order, zeros in (("UTF-16LE", start[1::2]), ("UTF-16BE", start[::2])):
        if not mark and form.encoding == "utf-8" and len(start) > 1 and not any(zeros) and any(start):
            raise DataError(
                f"raw file {path} for {day} looks like {order}: every other byte of it is zero",
                expected="text in UTF-8",
                found=start.hex(" ").upper(),
                fix=f"Write source.options: {{encoding: {order}}}, or deliver it in UTF-8.",
            )


def _encoding_told(path: Path) -> str:
    """Return the encoding that the first line of XML names, as Python calls it; UTF-8 where it names none."""
    start = _first(path, 4 * _SHOWN).decode("latin-1")
    found = _ENCODING.search(start.removeprefix(codecs.BOM_UTF8.decode("latin-1")))
    name = found[3] if found else "utf-8"
    with contextlib.suppress(LookupError):
        name = codecs.lookup(name).name
    return "utf-8" if name in {"ascii", "utf-8"} else name


def _check_one_byte(path: Path, form: TextForm, day: date) -> None:
    """Any bytes are text of an encoding of one byte a character: refuse those that are certainly another's.

    Raises:
        DataError: they are UTF-8, or of ISO-8859 what is a control there and a character in windows-1252.
    """
    if form.encoding.startswith(("utf", "ascii")) or _has_long_characters(form.encoding):
        return
    first = _first_match(path, _BEYOND_ASCII)
    if first >= 0 and _is_utf8(path):
        what, instead = f"bytes that are UTF-8, and not {form.declared}", "UTF-8"
    elif form.encoding.startswith("iso8859") and (control := _first_match(path, _CONTROLS)) >= 0:
        first = control
        what, instead = f"a control of {form.declared} that is a character in windows-1252", "windows-1252"
    else:
        return
    near = repr(_slice(path, max(0, first - 12), 24))[1:]
    fix = f"Write source.options: {{encoding: {instead}}}, or deliver the file in {form.declared}."
    raise text_error(path, day, Fault(what, first, near, fix))


def _has_long_characters(encoding: str) -> bool:
    return len(bytes(range(_BYTES)).decode(encoding, errors="replace")) != _BYTES


def _first_match(path: Path, byte: re.Pattern[bytes]) -> int:
    """Return the offset of the first such byte; -1 where there is none."""
    done = 0
    for chunk in _chunks(path):
        found = byte.search(chunk)
        if found:
            return done + found.start()
        done += len(chunk)
    return -1


def _is_utf8(path: Path) -> bool:
    try:
        return all(True for _ in codecs.iterdecode(_chunks(path), "utf-8"))
    except UnicodeDecodeError:
        return False


def _copy(path: Path, copy: Path, form: TextForm, day: date) -> None:
    _check_one_byte(path, form, day)
    name = "utf-8-sig" if form.encoding in {"utf-8", "ascii"} and _mark_of(path) else form.encoding
    decoder = codecs.getincrementaldecoder(name)("strict")
    done, pending, first = 0, 0, True
    with copy.open("wb") as out:
        try:
            for chunk in _chunks(path):
                pending = len(decoder.getstate()[0])
                text = decoder.decode(chunk)
                if first and text:
                    # Of an encoding whose name tells the order of bytes, a mark is left as a character.
                    text, first = text.removeprefix("\ufeff"), False
                    if form.row:
                        # Spark believes the first line of XML.
                        text = _ENCODING.sub(r"\1", text, count=1)
                out.write(text.encode("utf-8"))
                done += len(chunk)
            pending = len(decoder.getstate()[0])
            out.write(decoder.decode(b"", final=True).encode("utf-8"))
        except UnicodeError as error:
            start = done - pending + getattr(error, "start", 0)
            raise text_error(path, day, _bad_bytes(path, start, form)) from None


def text_error(path: Path, day: date, fault: Fault, *, read: Path | None = None) -> DataError:
    """Return the error for a fault of a file's text; `read` is its copy in UTF-8, if that was looked at."""
    place = f"line {line_of(read or path, fault.byte)}" + ("" if read else f", byte {fault.byte}")
    return DataError(
        f"raw file {path} for {day}, {place}: {fault.what}",
        found=fault.near,
        fix=f"{fault.fix} Nothing of the date was used.",
    )


def _bad_bytes(path: Path, offset: int, form: TextForm) -> Fault:
    around = _slice(path, max(0, offset - 12), 24)
    # Of these, ISO-8859-1 makes controls: € and quotes are windows-1252's.
    likely = "windows-1252" if _CONTROLS.match(_slice(path, offset, 1)) else "ISO-8859-1"
    others = "" if form.declared else f" Or name their encoding in source.options: encoding: {likely}, for example."
    return Fault(
        f"bytes that are not {form.declared or 'UTF-8'}",
        offset,
        repr(around)[1:],
        f"Deliver the file in {form.declared or 'UTF-8'}.{others}",
    )


def _quote_fault(path: Path, form: TextForm) -> Fault | None:
    """Follow the quotes of a CSV file from its beginning to its end."""
    separator, end = re.escape(form.separator.encode()), _line_end(form)
    after = re.compile(rb"[ \t]*(?:" + separator + rb"|" + end + rb"|\Z)")
    line_end = re.compile(end)
    with mapped(path) as text:
        for opened, closed in _quoted_fields(text, form):
            last = len(text) if closed is None else closed
            broken = None if form.many_lines else line_end.search(text, opened, last)
            if broken is not None and text[broken.start() : broken.start() + 4].strip():
                return _open_quote(text, opened, at_end=False)
            if closed is None:
                return _open_quote(text, opened, at_end=True)
            if not after.match(text, closed):
                return Fault(
                    "text after a closing quote",
                    closed,
                    shown(text, opened),
                    "Write a quote inside a quoted field twice (RFC 4180); of files that escape it "
                    "otherwise, say so in source.options: {escape: '\\'}.",
                )
    return None


def _second_value(path: Path) -> Fault | None:
    """Return what follows the first value of JSON that is read as one; Spark would pass over it."""
    depth = 0
    with mapped(path) as text:
        for token in _JSON_TOKEN.finditer(text):
            depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
            if depth:
                continue
            rest = _NO_BLANK.search(text, token.end())
            if rest is None:
                return None
            return Fault(
                "more follows the first value of a file that is read as one",
                rest.start(),
                shown(text, rest.start()),
                "Where each line is a value, leave out source.options.multiLine; else put all in an array.",
            )
    return None


def _quoted_fields(text: mmap.mmap, form: TextForm) -> Iterator[tuple[int, int | None]]:
    """Yield where each quoted field of a CSV file begins and ends; None where one does not end."""
    quote, escape, separator = (each.encode() for each in (form.quote, form.escape, form.separator))
    q, end = re.escape(quote), _line_end(form)
    blanks = rb"[ \t]*" if form.trimmed[0] else b""
    opening = re.compile(rb"(?:\A|" + re.escape(separator) + rb"|" + end + rb")" + blanks + q)
    inside = re.compile((q + q if escape == quote else re.escape(escape) + rb"[\s\S]") + rb"|" + q)
    line_end, comment = re.compile(end), form.comment.encode()
    at = 0
    while (start := opening.search(text, at)) is not None:
        if comment and text[text.rfind(b"\n", 0, start.end()) + 1 :][: len(comment)] == comment:
            over = line_end.search(text, start.end())
            at = over.start() if over else len(text)
            continue
        close = inside.search(text, start.end())
        while close is not None and close[0] != quote:
            close = inside.search(text, close.end())
        yield start.end() - len(quote), close.end() if close else None
        if close is None:
            return
        at = close.end()


def _line_end(form: TextForm) -> bytes:
    return re.escape(form.line_end.encode()) if form.line_end else rb"[\r\n]"


def _mixes_line_ends(path: Path, form: TextForm) -> bool:
    """Return whether a CSV file has rows of several lines, and more than one kind of line end."""
    if not form.many_lines or form.line_end or not form.quote:
        return False
    with mapped(path) as text:
        if _ends_with_returns(text):
            return True
        return text.find(b"\r\n") >= 0 and re.search(rb"(?<!\r)\n", text) is not None


def _ends_with_returns(text: mmap.mmap) -> bool:
    """Whether lines end with `\\r` alone, as the first one does."""
    first = re.search(rb"\r\n?|\n", text)
    return first is not None and first[0] == b"\r"


def _end_rows_alike(path: Path, copy: Path, form: TextForm) -> None:
    """Copy a CSV file, with a line feed at the end of each row.

    Of rows that end with `\\r\\n`, Spark would make a lone `\\n` within a value `\\r\\n` too.
    """
    with mapped(path) as text, copy.open("wb") as out:
        done, end = 0, b"\r" if _ends_with_returns(text) else b"\r\n"
        for opened, closed in _quoted_fields(text, form):
            out.write(text[done:opened].replace(end, b"\n"))
            done = len(text) if closed is None else closed
            out.write(text[opened:done])
        out.write(text[done:].replace(end, b"\n"))


def _open_quote(text: mmap.mmap, offset: int, *, at_end: bool) -> Fault:
    near = shown(text, offset)
    if at_end:
        fix = "The file may be cut short; deliver it again."
        return Fault("a quote is open at the end of the file", offset, near, fix)
    fix = "If values hold line breaks, write source.options: {multiLine: true}; else correct the delivery."
    return Fault("a quote is open at the end of the line", offset, near, fix)


@contextlib.contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """Yield a file's content, unpacked, as one run of bytes that need not be in memory."""
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(_open(path))
        if path.suffix in _PACKED:
            unpacked = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(file, unpacked, CHUNK)
            unpacked.flush()
            file = unpacked
        yield stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _open_at_end(line: str, form: TextForm) -> bool:
    bare = line.replace(form.escape + form.quote, "") if form.quote else ""
    return bool(form.quote) and bare.count(form.quote) % 2 == 1


def _unescaped(text: str, form: TextForm) -> str:
    if form.escape == form.quote:
        return text.replace(form.quote * 2, form.quote)
    return text.replace(form.escape + form.quote, form.quote)


def _lines(text: IO[str], line_end: str) -> Iterator[str]:
    if line_end:
        yield from text.read(CHUNK).split(line_end)
        return
    for line in text:
        yield line.rstrip("\r\n")


def _mark_of(path: Path) -> str:
    start = _first(path, 4)
    return next((name for mark, name in _MARKS if start.startswith(mark)), "")


def _first(path: Path, count: int) -> bytes:
    if path.suffix in PACKED_FOR_SPARK:
        return b""
    try:
        with _open(path) as file:
            return file.read(count)
    except (EOFError, OSError, zlib.error):
        # What is wrong with the packing is reported when it is read whole.
        return b""


def _slice(path: Path, offset: int, count: int) -> bytes:
    with _open(path) as file:
        while offset > 0:
            skipped = len(file.read(min(offset, CHUNK)))
            if not skipped:
                break
            offset -= skipped
        return file.read(count)


def shown(text: mmap.mmap, at: int) -> str:
    """Return some of a text from an offset on, for a message."""
    begin = max(0, at)
    return repr(text[begin : begin + _SHOWN].decode("utf-8", errors="replace"))


def _chunks(path: Path) -> Iterator[bytes]:
    with _open(path) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".bz2":
        return cast("IO[bytes]", bz2.open(path, "rb"))
    return path.open("rb")


def _unpacked_name(path: Path) -> str:
    return path.stem if path.suffix in _PACKED else path.name
