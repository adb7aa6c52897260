"""The objects of a JSON file that is not one object a line: an array, pretty or not, or objects one
behind the other.

Belongs here: finding where objects begin and end, and going on after one that is broken. Not here:
what becomes of them (`json_files`).
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from orchestration.landing.file_writer import RAW_ROW_CHARACTERS
from orchestration.landing.json_rows import DECODER, kind_in_words
from orchestration.landing.lines import MARK, is_blank, text_lines, too_long
from orchestration.landing.reasons import Reason
from orchestration.landing.streams import ByteStream

_BETWEEN = re.compile(r"[\s,\ufeff\x1e\0]*")
# Where an object may begin again: behind the end of one, or on a line of its own.
_NEXT = re.compile(r"[}\]\n][\s,\ufeff\x1e\0]*\{")
_OVERLAP = 64
# All that a file holds of an hour in which nothing happened.
_NO_EVENTS = "[]"
_EMPTY_ARRAY = re.compile(r"\[\s*\]\s*")
_AS_WINDOWS_1252 = "comeback-windows-1252"


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    held = error.object[error.start : error.end]
    return held.decode("windows-1252", errors="replace"), error.end


codecs.register_error(_AS_WINDOWS_1252, _as_windows_1252)


class Found(NamedTuple):
    """An object, or a piece of the file that is none and why.

    ``line`` is the line it begins on, or the one after that of the object before. ``mended`` names
    what had to be mended to read it.
    """

    line: int
    text: str
    record: dict[str, Any] | None
    fault: tuple[Reason, str] | None = None
    mended: Reason | None = None


def objects_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a line that holds several and nothing else; with the text of each. None if
    there is anything else."""
    found, at = [], 0
    while (at := _BETWEEN.match(text, at).end()) < len(text):
        try:
            value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        found.append((text[at:end], value))
        at = end
    return found


def has_one_a_line(stream: ByteStream, limit: int) -> bool:
    """Whether a file is read line by line: unless it begins with an array, or with an object that
    goes on on the next line or is followed by another one on its own."""
    begin = ""
    for line in text_lines(stream, limit):
        if is_blank(line):
            continue
        if begin == _NO_EVENTS:
            return True
        if not begin:
            begin = line.text.lstrip(" \t" + MARK)
            if _EMPTY_ARRAY.fullmatch(begin):
                begin = _NO_EVENTS
                continue
            if begin.startswith("["):
                # an empty list or one without an object is a row that is no object
                return begin.strip() != "[" and "{" not in begin and line.end != ""
            try:
                value, end = DECODER.raw_decode(begin)
            except (ValueError, RecursionError) as error:
                if not _is_unfinished(error, begin):
                    return True
                continue
            if not isinstance(value, dict):
                return True
            return line.byte_size <= limit and not begin[end:].lstrip(" \t,\x1e" + MARK)
        # the first line did not end its object: does this one go on with it?
        return line.text.lstrip(" \t" + MARK).startswith("{")
    return begin != _NO_EVENTS


class Objects:
    """The objects of a file from its beginning.

    Args:
        stream: The file's bytes.
        limit: Characters an object may have.
        accepts: Whether an object with these keys may be a row; asked where to go on after a broken
            one, for the objects within one are none.
    """

    def __init__(
        self, stream: ByteStream, limit: int, accepts: Callable[[list[str]], bool]
    ) -> None:
        """Read nothing yet."""
        self.stream, self.limit, self.accepts = stream, limit, accepts
        self.notes: list[str] = []
        self._chunks = iter(stream)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at = "", 0
        self._line, self._counted, self._last_line = 1, 0, 0
        self._is_over = self._has_bad_bytes = False

    def __iter__(self) -> Iterator[Found]:
        """Read to the end of the file."""
        is_array = False
        while self._skip_between():
            first = self._text[self._at]
            if first == "]" or (first == "[" and not is_array):
                is_array = first == "["
                self._at += 1
                continue
            yield self._next()
        if is_array and not self._is_note("the file ends inside its last record"):
            self.notes.append("the file ends before its array does")

    def _is_note(self, note: str) -> bool:
        return note in self.notes

    def _skip_between(self) -> bool:
        """Go to the next character that counts; False at the end of the file."""
        while True:
            self._at = _BETWEEN.match(self._text, self._at).end()
            if self._at < len(self._text):
                return True
            if not self._load():
                return False

    def _next(self) -> Found:
        """Read the value at this place, or what is in place of one."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                pending = len(self._text) - self._at
                if _is_unfinished(error, self._text):
                    if pending > self.limit:
                        return self._broken(*too_long(f"more than {self.limit}", self.limit))
                    if self._load(pending):
                        continue
                    self.notes.append("the file ends inside its last record")
                    return self._broken(
                        Reason.CUT_ROW, f"{_error_text(error)}; the file ends inside this record"
                    )
                return self._broken(Reason.BAD_JSON, _error_text(error))
            line, text = self._begin_line(), self._text[self._at : end]
            self._at = end
            if len(text) > self.limit:
                reason = too_long(len(text.encode(errors="replace")), self.limit)
                return Found(line, text, None, reason)
            if not isinstance(value, dict):
                detail = f"the file holds {kind_in_words(value)} here, not an object"
                return Found(line, text, None, (Reason.NOT_AN_OBJECT, detail))
            mended = Reason.NOT_UTF8 if self._has_bad_bytes and "\ufffd" in text else None
            return Found(line, text, value, mended=mended)

    def _broken(self, reason: Reason, detail: str) -> Found:
        """Set a piece aside, up to the next object that may be a row; what is passed is not kept,
        but for the beginning that is shown."""
        line, kept = self._begin_line(), ""
        while True:
            was_over = self._is_over
            end, is_row = self._next_row()
            kept = (kept + self._text[self._at : end])[: RAW_ROW_CHARACTERS + 1]
            self._at = end
            if is_row or was_over:
                return Found(line, kept.rstrip(" \r\n\t,"), None, (reason, detail))
            self._load(len(self._text) - end)

    def _next_row(self) -> tuple[int, bool]:
        """How far the text can be passed, and whether an object begins there that may be a row."""
        for found in _NEXT.finditer(self._text, self._at):
            at = found.end() - 1
            try:
                value, _ = DECODER.raw_decode(self._text, at)
                if self.accepts([*value]):
                    return at, True
            except (ValueError, RecursionError) as error:
                may_end = not self._is_over and len(self._text) - at <= self.limit
                if may_end and _is_unfinished(error, self._text):
                    return found.start(), False
        if self._is_over:
            return len(self._text), False
        return max(self._at, len(self._text) - _OVERLAP), False

    def _load(self, wanted: int = 1) -> bool:
        """Read more of the file, at least so many bytes; False at its end."""
        if self._is_over:
            return False
        self._count_lines(self._at)
        parts, loaded = [self._text[self._at :]], 0
        while loaded < max(wanted, 1):
            chunk = next(self._chunks, None)
            if chunk is None:
                self._is_over = True
            parts.append(self._decoded(chunk or b"", final=self._is_over))
            loaded += len(chunk or b"")
            if self._is_over:
                break
        self._text = "".join(parts)
        self._at = self._counted = 0
        if "\0" in self._text:
            self._text = self._text.replace("\0", "")
            if not self._is_note("NUL bytes were removed"):
                self.notes.append("NUL bytes were removed")
        return loaded > 0 or not self._is_over

    def _decoded(self, chunk: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            is_text = self.stream.is_windows_1252
            self._has_bad_bytes = not is_text
            self._decoder.errors = _AS_WINDOWS_1252 if is_text else "replace"
            return self._decoder.decode(chunk, final)

    def _count_lines(self, at: int) -> None:
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at

    def _begin_line(self) -> int:
        self._count_lines(self._at)
        self._last_line = max(self._line, self._last_line + 1)
        return self._last_line


def _is_unfinished(error: Exception, text: str) -> bool:
    """Whether more text may make JSON of it."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    is_open = error.msg.startswith(("Unterminated string", "Invalid \\u"))
    return (is_open and "\\u" not in error.msg) or error.pos >= len(text.rstrip()) - 8


def _error_text(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg}"
    return str(error)
