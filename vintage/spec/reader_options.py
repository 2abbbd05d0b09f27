"""The options of Spark's readers that a source may set: those that read, and hide neither rows nor files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vintage.spec.moment_patterns import is_pattern, pattern_problem
from vintage.spec.names import did_you_mean, list_names
from vintage.spec.option_values import value_problem
from vintage.spec.secret_names import holds_secret, is_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_PARALLEL: Final = ("partitionColumn", "lowerBound", "upperBound", "numPartitions")

_HIDE_ROWS: Final = "options that hide no rows: Vintage refuses a date with rows that do not parse"
_HIDE_FILES: Final = "options that hide no files: source.path says which are read"
_LOGIN: Final = "the connection's own, which the environment or Airflow holds"
_WRITES: Final = "options that read: a source is never written"
# Of every format, known to us or not.
_OURS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mode", "columnNameOfCorruptRecord", "enforceSchema", "dropInvalid"), _HIDE_ROWS),
    **dict.fromkeys(
        (
            *("pathGlobFilter", "modifiedBefore", "modifiedAfter", "recursiveFileLookup"),
            *("ignoreCorruptFiles", "ignoreMissingFiles", "path", "paths", "basePath"),
        ),
        _HIDE_FILES,
    ),
    **dict.fromkeys(("url", "user", "principal", "refreshKrb5Config", "connectionProvider"), _LOGIN),
    **dict.fromkeys(("dbtable", "query"), "the key table or query next to options"),
    "customSchema": "the key schema next to options",
    **dict.fromkeys(
        (
            *("sessionInitStatement", "prepareQuery", "truncate", "cascadeTruncate", "batchsize"),
            *("isolationLevel", "createTableOptions", "createTableColumnTypes", "tableComment"),
        ),
        _WRITES,
    ),
    **dict.fromkeys(("rowValidationXSDPath", "avroSchemaUrl"), "options that name no other file"),
}

_TIMES: Final = (
    *("dateFormat", "timestampFormat", "timestampNTZFormat", "timeFormat", "timeZone", "locale"),
    *("enableDateTimeParsingFallback", "preferDate"),
)
_TEXT: Final = ("encoding", "charset", "lineSep", "compression")
_INFERRED: Final = ("inferSchema", "samplingRatio", "singleVariantColumn", "multiLine")
_REBASED: Final = ("datetimeRebaseMode", "int96RebaseMode")
# What Spark 4.1 lists for each of its readers, less what only writes.
_READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "csv": (
        *_TIMES,
        *_TEXT,
        *_INFERRED,
        *("header", "sep", "delimiter", "quote", "escape", "charToEscapeQuoteEscaping", "comment"),
        *("ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace", "nullValue", "emptyValue", "nanValue"),
        *("positiveInf", "negativeInf", "maxColumns", "maxCharsPerColumn", "unescapedQuoteHandling"),
        *("inputBufferSize", "columnPruning"),
    ),
    "json": (
        *_TIMES,
        *_TEXT,
        *_INFERRED,
        *("primitivesAsString", "prefersDecimal", "inferTimestamp", "dropFieldIfAllNull", "allowComments"),
        *("allowUnquotedFieldNames", "allowSingleQuotes", "allowNumericLeadingZeros"),
        *("allowBackslashEscapingAnyCharacter", "allowUnquotedControlChars", "allowNonNumericNumbers"),
    ),
    "xml": (
        *_TIMES,
        *_TEXT,
        *_INFERRED,
        *("rowTag", "attributePrefix", "valueTag", "excludeAttribute", "ignoreSurroundingSpaces"),
        *("ignoreNamespace", "wildcardColName", "nullValue", "prefersDecimal", "useLegacyXMLParser"),
    ),
    "text": (*_TEXT, "wholetext"),
    "parquet": (*_REBASED, "mergeSchema"),
    "orc": ("mergeSchema",),
    "avro": (
        *("avroSchema", "ignoreExtension", "datetimeRebaseMode", "positionalFieldMatching"),
        *("enableStableIdentifiersForUnionType", "stableIdentifierPrefixForUnionType"),
        "recursiveFieldMaxDepth",
    ),
    "binaryfile": (),
    "image": (),
    "libsvm": ("numFeatures", "vectorType"),
    # Spark's own for reading; what drivers call encryption, time-outs and zones. What is not listed reaches
    # the driver, where an option may run SQL, load a class or write a file.
    "jdbc": (
        *IN_PARALLEL,
        *("driver", "fetchsize", "queryTimeout", "preferTimestampNTZ"),
        *("pushDownPredicate", "pushDownAggregate", "pushDownLimit", "pushDownOffset"),
        *("pushDownTableSample", "pushDownJoin", "currentSchema", "ApplicationName", "programName"),
        *("ssl", "sslmode", "sslrootcert", "useSSL", "requireSSL", "encrypt", "trustServerCertificate"),
        *("connectTimeout", "socketTimeout", "loginTimeout", "tcpKeepAlive", "defaultRowFetchSize"),
        *("serverTimezone", "connectionTimeZone", "forceConnectionTimeZoneToSession", "preserveInstants"),
        *("tinyInt1isBit", "yearIsDateType", "zeroDateTimeBehavior", "characterEncoding"),
        *("useCursorFetch", "prepareThreshold", "selectMethod"),
    ),
}


def option_problem(reader: str, name: str, value: str) -> tuple[str, str]:
    """Return what was expected instead of an option, and a hint; empty where it may be set.

    Args:
        reader: the format. Of one that is not Spark's own, what is known to hide rows or to write is refused.
        name: the option's; case is ignored, as in Spark.
        value: the option's.
    """
    if is_secret(name) or holds_secret(value):
        return "secrets in an Airflow connection or in the environment, never in a file", ""
    ours = {known.lower(): expected for known, expected in _OURS.items()}
    if name.lower() in ours:
        return ours[name.lower()], ""
    known = _READERS.get(reader.lower())
    if known is None:
        return "", ""
    if name.lower() in {each.lower() for each in known}:
        return pattern_problem(name, value) if is_pattern(name) else value_problem(name, value)
    expected = f"an option that Spark documents for reading {reader}"
    return expected, did_you_mean(name, known) or (f"known: {list_names(known, most=60)}" if known else "")
