"""Why landing sets a row aside or mends it: the codes in the column ``reason``.

Belongs here: the codes that landing writes. Not here: those that SQL writes. All of both are listed
in the dbt project's variable ``set_aside_reasons``, which the data test of ``set_aside_rows`` holds
the tables to; a test holds this list to it.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A code; the text beside it in ``detail`` says what it means for the row."""

    # the row is set aside
    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    UNCLOSED_QUOTE = "unclosed_quote"
    STRAY_QUOTE = "stray_quote"
    WRONG_FIELD_COUNT = "wrong_field_count"
    CUT_ROW = "cut_row"
    ROW_TOO_LONG = "row_too_long"
    UNKNOWN_COLUMNS = "unknown_columns"
    DAMAGED_ROWS = "damaged_rows"
    UNREADABLE_FILE = "unreadable_file"
    ERASED = "erased"
    SUPERSEDED = "superseded"
    # the row is mended
    NOT_UTF8 = "not_utf8"
    NUL_BYTES = "nul_bytes"
    BAD_ESCAPE = "bad_escape"
