"""XML files, of which Spark takes the rows alone: whether they are whole, looked at by a parser of XML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from vintage.errors import DataError
from vintage.data.raw_text import Fault, mapped, shown

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from pyspark.sql.types import DataType, StructType

_CHUNK: Final = 2**16
_NO_BLANK: Final = re.compile(rb"\S")


def xml_fault(path: Path, row: str) -> Fault | None:
    """Return the first fault of a UTF-8 XML file: truncated, not well-formed, or an empty row.

    Spark would read the rows before it, and pass over the others without a word. One document may follow the
    other in a file, as Spark reads them.

    Args:
        path: the file.
        row: the name of a row's element.
    """
    with mapped(path) as text:
        empty = text.find(f"<{row}/>".encode())
        if empty >= 0:
            return Fault(
                f"a row without content, <{row}/>, over which Spark passes",
                empty,
                shown(text, empty),
                f"Deliver <{row}></{row}>, or none.",
            )
        begin = _NO_BLANK.search(text)
        while begin is not None:
            end = _document_end(text, begin.start())
            if isinstance(end, Fault):
                return end
            begin = _NO_BLANK.search(text, end)
    return None


def check_elements(declared: StructType, found: StructType, row: str, *, day: date, where: str) -> None:
    """Refuse a file without rows, and elements that occur several times in a row where one is declared.

    Of those Spark would keep the last.

    Args:
        declared: the contract.
        found: the columns as Spark infers them from the file.
        row: the name of a row's element.
        day: the partition date.
        where: the file, for the message.

    Raises:
        DataError: names what is missing or several.
    """
    if not found.fields:
        raise DataError(
            f"no row of {where} for {day} has an element",
            expected=f"elements <{row}>, as source.options.rowTag says, with the columns in them",
            found="none",
            fix="Correct source.options.rowTag, or deliver the file again.",
        )
    several = [
        name
        for each in declared.fields
        if each.name in found.names
        for name in _several(each.name, each.dataType, found[each.name].dataType)
    ]
    if several:
        raise DataError(
            f"elements occur several times in a row of {where} for {day}",
            expected="once in a row, what is no ARRAY in source.schema",
            found=", ".join(several),
            fix="Declare them ARRAY<…>, or correct the delivery.",
        )


def _several(name: str, declared: DataType, found: DataType) -> Iterator[str]:
    from pyspark.sql.types import ArrayType, StructType

    if isinstance(found, ArrayType) and not isinstance(declared, ArrayType):
        yield name
        return
    if isinstance(found, ArrayType) and isinstance(declared, ArrayType):
        yield from _several(name, declared.elementType, found.elementType)
    elif isinstance(declared, ArrayType):
        yield from _several(name, declared.elementType, found)
    elif isinstance(found, StructType) and isinstance(declared, StructType):
        for field in declared.fields:
            if field.name in found.names:
                yield from _several(f"{name}.{field.name}", field.dataType, found[field.name].dataType)


def _document_end(text: mmap.mmap, begin: int) -> int | Fault:
    """Return where a document ends that begins there, or what is wrong with it."""
    # The first line may name the encoding that the file was in.
    parser = expat.ParserCreate(encoding="UTF-8")
    at = begin
    try:
        while at <= len(text):
            parser.Parse(text[at : at + _CHUNK], at == len(text))
            at += min(_CHUNK, len(text) - at) or 1
    except expat.ExpatError as error:
        place = begin + parser.ErrorByteIndex
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]:
            return place
        if at == len(text):
            fix = "The file may be cut short; deliver it again."
            return Fault("an element is open at the end of the file", place, shown(text, place - 40), fix)
        why = expat.ErrorString(error.code)
        return Fault(f"no well-formed XML: {why}", place, shown(text, place), "Correct the delivery.")
    return len(text)
