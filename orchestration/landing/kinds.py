"""What a file is, by its name and its first bytes, and why no reader reads one.

Belongs here: the endings that are read, the marks of other kinds of file, and what is said of them.
Not here: opening a file (`files`), or whose dump it is (`signatures`).
"""

import re
from enum import StrEnum
from typing import NamedTuple

COMPRESSED_ENDINGS = (".gz", ".zst")
SAMPLE_BYTES = 8_192
# Of control characters a text has hardly any; damage brings some, so a few prove nothing.
CONTROL_SHARE = 0.05


class Format(StrEnum):
    """How a file is read."""

    DELIMITED = "delimited"
    JSON = "json"
    PARQUET = "parquet"


FORMATS = {
    ".csv": Format.DELIMITED,
    ".tsv": Format.DELIMITED,
    ".txt": Format.DELIMITED,
    ".json": Format.JSON,
    ".jsonl": Format.JSON,
    ".ndjson": Format.JSON,
    ".parquet": Format.PARQUET,
}
ENDINGS = tuple(f"{ending}{packed}" for ending in FORMATS for packed in ("", *COMPRESSED_ENDINGS))


class Skip(NamedTuple):
    """Why no reader reads a file: a code for `skipped_reason`, and a note with the way out."""

    reason: str
    note: str


EMPTY = Skip("empty", "the file is empty")
SYMLINK = Skip(
    "symlink",
    "a symbolic link that leads out of its folder; set follow_symlinks to have it read",
)
BAD_NAME = Skip(
    "bad_name", "the name, or that of a folder, is not UTF-8; rename it to have it read"
)
UNKNOWN_ENDING = Skip(
    "unknown_ending",
    f"no reader is known for this ending; read are {', '.join(FORMATS)}, plain, .gz or .zst",
)
UNKNOWN_CONTENT = Skip(
    "unknown_content",
    "the name says only how it is compressed, and the content is neither JSON nor a table with"
    f" columns of the source; an ending such as {next(iter(FORMATS))}.gz has it read",
)
NOT_PARQUET = Skip("not_parquet", "the name says Parquet, the content is something else")
NOT_A_TABLE = Skip("not_a_table", "a text of which no line names columns, and without a delimiter")
_BINARY = Skip("binary_data", "the file is no text and of no kind that is read")
_MARKUP = Skip("markup", "an HTML or XML page, often the error page of a failed download")
_ZIP = Skip("zip_archive", "a ZIP archive; unpack it and deliver what is in it")
_EXCEL = Skip("excel_workbook", "a workbook; save its sheet as CSV and deliver that")
_OFFICE = Skip("office_document", "an office document; save its table as CSV and deliver that")
_ARCHIVE = Skip("archive", "an archive; unpack it and deliver what is in it")
_PACKED = Skip("unknown_compression", "compressed in a way that is not read; use gzip or zstd")
_IMAGE = Skip("image", "a picture")
_DATABASE = Skip("database_file", "a database; export its table as CSV or Parquet")

_MARKS: tuple[tuple[int, bytes, Skip], ...] = (
    (0, b"PK\x05\x06", _ZIP),
    (0, b"PK\x07\x08", _ZIP),
    (0, b"Obj\x01", Skip("avro", "an Avro file; export as Parquet or JSON lines")),
    (0, b"ORC", Skip("orc", "an ORC file; export as Parquet or JSON lines")),
    (0, b"ARROW1", Skip("arrow", "an Arrow or Feather file; export as Parquet")),
    (0, b"PARE", Skip("encrypted_parquet", "a Parquet file that is encrypted; export it plain")),
    (0, b"%PDF", Skip("pdf", "a PDF")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _EXCEL),
    (0, b"\x89PNG", _IMAGE),
    (0, b"\xff\xd8\xff", _IMAGE),
    (0, b"GIF8", _IMAGE),
    (0, b"II*\0", _IMAGE),
    (0, b"MM\0*", _IMAGE),
    (8, b"WEBP", _IMAGE),
    (0, b"\x1f\x8b", Skip("packed_twice", "compressed twice; compress it once")),
    (0, b"\x28\xb5\x2f\xfd", Skip("packed_twice", "compressed twice; compress it once")),
    (0, b"BZh", _PACKED),
    (0, b"\xfd7zXZ\0", _PACKED),
    (0, b"\x04\x22\x4d\x18", _PACKED),
    (0, b"\xff\x06\0\0sNaPpY", _PACKED),
    (0, b"\x1f\x9d", _PACKED),
    (0, b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (0, b"Rar!", _ARCHIVE),
    (257, b"ustar", _ARCHIVE),
    (0, b"SQLite format 3\0", _DATABASE),
    (8, b"DUCK", _DATABASE),
    (0, b"\x7fELF", _BINARY),
)
_MARKUP_START = re.compile(rb"<(!doctype|!--|\?xml|[a-z][a-z0-9:]*[ >/])", re.IGNORECASE)
_JSON_START = re.compile(r"\{|\[\s*(\{|\]|\[|$)")
_JSON_LINE = re.compile(r"^\s*[{\[]", re.MULTILINE)
_INNER_ENDING = re.compile(r"\.[a-z][a-z0-9]{1,4}$")
_NAME = r'"?[A-Za-z_][\w .:-]*"?'
_HEADER = re.compile(rf'("?sep=.|{_NAME}(\s*[,;\t|]\s*{_NAME})+)[^\w\r\n]*$', re.MULTILINE)
_CONTROLS = dict.fromkeys({*range(32)} - {*b"\t\n\v\f\r\x1a\x1b\x1e"})


def ending_of(name: str) -> str | None:
    """The ending by which a file is read, in lower case; None for one that no reader reads.

    What loaders compress often has no other ending: then the content says what it is.
    """
    lower = name.lower()
    if known := next((ending for ending in ENDINGS if lower.endswith(ending)), None):
        return known
    packed = next((ending for ending in COMPRESSED_ENDINGS if lower.endswith(ending)), "")
    return None if _INNER_ENDING.search(lower.removesuffix(packed)) else packed or None


def says_only_compression(name: str) -> bool:
    """Whether a file's name has no ending but that of its compression."""
    return ending_of(name) in COMPRESSED_ENDINGS


def kind_of(name: str, sample: bytes, text: str) -> Format | Skip:
    """How a file is read, or why it is not.

    Args:
        name: Its name.
        sample: Its first bytes, uncompressed.
        text: The same as text, without byte order marks.
    """
    if sample.startswith(b"PK\x03\x04"):
        return _zip_of(sample)
    for at, mark, skip in _MARKS:
        if sample.startswith(mark, at):
            return skip
    ending = ending_of(name)
    if ending is None:
        return UNKNOWN_ENDING
    if sample.startswith(b"PAR1"):
        return Format.PARQUET
    named = (kind for each, kind in FORMATS.items() if ending.startswith(each))
    declared = next(named, Format.DELIMITED)
    if declared is Format.PARQUET:
        return NOT_PARQUET if text.strip("\0 \t\r\n") else EMPTY
    begin = text.lstrip()
    if not begin:
        return EMPTY
    if _MARKUP_START.match(begin[:200].encode()):
        return _MARKUP
    if is_binary(text):
        return _BINARY
    if _JSON_START.match(begin):
        return Format.JSON
    # a table under the name of JSON; a remark above lines of JSON is none
    is_table = _HEADER.match(begin) and not _JSON_LINE.search(begin)
    return Format.DELIMITED if is_table else declared


def is_binary(text: str) -> bool:
    """Whether so many control characters are in a text that it is none."""
    controls = len(text) - len(text.translate(_CONTROLS))
    return controls > CONTROL_SHARE * len(text)


def _zip_of(sample: bytes) -> Skip:
    """A workbook and an office document are ZIPs too; their first names say so."""
    if b"xl/" in sample:
        return _EXCEL
    if b"opendocument.spreadsheet" in sample:
        return _EXCEL
    office = (b"[Content_Types].xml", b"word/", b"ppt/", b"opendocument")
    return _OFFICE if any(each in sample for each in office) else _ZIP
