"""The tables of the schema `scores` that remember who was in which segment.

Belongs here: their declarations. Not here: the other tables (`score_tables`), or filling them
(`segment_history`).
"""

from orchestration.warehouse.table import Column, Table

_PERSON = "The person; see people. An id of one who signed in later stays as it was."
_SEGMENT = "Name of the segment, that of its two files."

SEGMENT_HISTORY = Table(
    name="segment_history",
    description="When people came into segments and left them, at the hours that were run. One row"
    " per stay.",
    order=("entered_at", "person_id", "segment"),
    columns=(
        Column("person_id", "varchar", _PERSON),
        Column("segment", "varchar", _SEGMENT),
        Column("version", "bigint", "Version of the segment's rule during the stay."),
        Column("entered_at", "timestamp", "The first scored hour at which they were in it, UTC."),
        Column(
            "left_at",
            "timestamp",
            "The first scored hour at which they were not any more, UTC; null of those who are in.",
        ),
        Column(
            "left_reason",
            "varchar",
            "rule (it does not fit any more), other_segment (one of the same group with a higher"
            " rank fits), new_version, removed (there is no such segment any more); null of those"
            " who are in.",
        ),
    ),
)

PERSON_ATTRIBUTES = Table(
    name="person_attributes",
    description="What the shop knows of people (attr_* of profiles) and since when; not published."
    " One row per person, attribute and profile that has it.",
    order=("person_id", "name", "known_from"),
    columns=(
        Column("person_id", "varchar", "user: and the user's id."),
        Column("name", "varchar", "Name of the attribute in small letters, such as attr_tier."),
        Column("value", "varchar", "Its value, as delivered."),
        Column("known_from", "timestamp", "Since when the profile holds, UTC."),
        Column("known_until", "timestamp", "When another took its place, UTC; null: none did."),
    ),
)

# Of `segment_history`: who is in a segment at the newest hour. Published as a table of its own.
MEMBERSHIPS = "segment_memberships"
MEMBERSHIPS_DESCRIPTION = (
    "Who is in which segment at the newest hour of segment_history. One row per person and segment."
)
IS_OPEN = "left_at is null"

SEGMENT_SIZES = Table(
    name="segment_sizes",
    description="How many people segments had. One row per scored hour and segment.",
    order=("as_of", "segment"),
    columns=(
        Column("as_of", "timestamp", "The scored hour, UTC."),
        Column("segment", "varchar", _SEGMENT),
        Column("version", "bigint", "Version of its rule at that hour."),
        Column("person_count", "bigint", "People in it."),
        Column(
            "entered_count", "bigint", "Of these, those who had not been in it the hour before."
        ),
        Column("left_count", "bigint", "People who had been in it the hour before and were not."),
    ),
)

SEGMENT_HOURS = Table(
    name="segment_hours",
    description="The hours that segment_history is made of. One row per hour.",
    order=("as_of",),
    columns=(
        Column("as_of", "timestamp", "The scored hour, UTC."),
        Column(
            "load_id",
            "bigint",
            "Newest load known then; null of an hour that has to be looked at again.",
        ),
        Column("segments", "varchar", "Digest of the files of the segments."),
        Column("scores", "varchar", "Digest of the rows of cart_scores of the hour."),
        Column(
            "deciding",
            "map(varchar, varchar)",
            "By segment, digest of the files that decide who is in it; null of an older release.",
        ),
    ),
)
