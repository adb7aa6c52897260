"""In which encoding a text file is: by its mark, by its zeros, or by what its bytes can be.

Belongs here: the three ways to know, each over bytes. Not here: reading a file (`files`), or
mending a line (`lines`).
"""

import re
from collections.abc import Iterable

UTF8_MARK = b"\xef\xbb\xbf"
_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ZEROS_OF_UTF16 = 0.6
_SAMPLE_BYTES = 512
# Windows-1252 has no character at five of these; two are rare letters and common in damage.
_NO_LETTERS = re.compile(rb"[\x81\x8d\x8f\x90\x9d\xfe\xff]")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


def encoding_of(sample: bytes) -> str:
    """The encoding of a file with these first bytes: `utf-8` unless they say otherwise."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    begin = sample[:_SAMPLE_BYTES]
    if len(begin) >= 16:
        shares = [begin[at::2].count(0) / (len(begin) // 2) for at in (0, 1)]
        if shares[1] > _ZEROS_OF_UTF16 and shares[0] < 0.1:
            return "utf-16-le"
        if shares[0] > _ZEROS_OF_UTF16 and shares[1] < 0.1:
            return "utf-16-be"
    return "utf-8"


def is_windows_1252(chunks: Iterable[bytes]) -> bool:
    """Whether a file that is not UTF-8 is Windows-1252.

    It is where each line beyond ASCII can be, and not one of 20 is UTF-8 instead: a file in UTF-8
    with damaged bytes has other letters that are not damaged.
    """
    either = only = 0
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if len(rest) > 1 << 20:  # a line without end is judged in parts
            lines.append(rest)
            rest = b""
        for line in lines:
            if not _BEYOND_ASCII.search(line):
                continue
            if is_utf8(line):
                either += 1
            elif _NO_LETTERS.search(line):
                return False
            else:
                only += 1
    # the last line may be cut within a letter, so it is asked only where there is no other
    if not only and not either and rest:
        only = not is_utf8(rest) and not _NO_LETTERS.search(rest) and not _ends_in_a_letter(rest)
    return bool(only) and either * 20 <= only


def is_utf8(line: bytes) -> bool:
    """Whether bytes are whole text in UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _ends_in_a_letter(line: bytes) -> bool:
    """Whether all that is wrong is that the bytes end within a letter of UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False
