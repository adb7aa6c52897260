"""Packed files that are damaged, cut or padded within one of several parts."""

import gzip
from random import Random

import pyarrow as pa

HEADER = "visitor_id,event_at,price\n"


def _zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def test_what_is_left_of_a_damaged_member_begins_a_row(landing):
    first, second = (gzip.compress(each) for each in (HEADER.encode() + b"v1,t,1", b"v2,t,2\nv3,"))
    outcome = landing.land_one("a.csv.gz", first + second[:-8] + b"\xff" * 8)
    assert "the gzip data is damaged" in outcome.note
    assert [row[:4] for row in landing.rows()] == [(2, "v1", "t", "1"), (3, "v2", "t", "2")]


def test_what_is_left_of_a_cut_frame_begins_a_row(landing):
    """Within its second block, before as much as is read at once is unpacked."""
    random = Random(1)
    rows = [f"v{at},t,{random.getrandbits(256):x}" for at in range(2, 2_500)]
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        for part in (rows[:600], rows[600:]):
            stream.write("\n".join([*part, ""]).encode())
            stream.flush()
    second = packed.getvalue().to_pybytes()[: 1 << 16]
    outcome = landing.land_one("a.csv.zst", _zstd((HEADER + "v1,t,1").encode()) + second)
    assert "the zstd data is cut" in outcome.note
    assert [(row[1], row[3]) for row in landing.rows()] == [
        ("v1", "1"),
        *((name, price) for name, _, price in (row.split(",") for row in rows[:600])),
    ]


def test_zeros_behind_a_cut_frame_cost_no_time(landing):
    text = HEADER + "".join(f"v{at * at * at % 9_973},t,{at}\n" for at in range(60_000))
    whole = _zstd(text.encode())
    zeros = b"\0" * (8 << 20)
    for name, content in (("a", whole[:-9]), ("b", whole[:20]), ("c", whole)):
        landing.deliver(f"{name}.csv.zst", content + zeros)
    cut, empty, padded = landing.land()
    assert 30_000 < cut.rows_read < 60_000
    assert (empty.rows_read, padded.rows_read, padded.rows_unreadable) == (0, 60_000, 0)
