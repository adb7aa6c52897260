"""Delivery: the files of an hour, brought to where a tool takes them from.

Belongs here: which files go to which address, in which order, what is tried again, and what is
remembered of it. Not here: what is in the files (`exports`), or how they appear in the home
(`export_files`).

    contents      an hour's files, manifest and pointer as one address gets them
    credentials   what an address needs to let us in: environment, or a file of the owner's alone
    targets       a folder, an S3 bucket, an SFTP server, each by the same few operations
    attempts      trying again, and the words for what failed
    placing       the order of an hour's files at one address
    webhook       the manifest, sent to a web address
    record        what arrived where; a file of the home, without personal data
    hourly        all of it for an hour, the hours that did not arrive before it first

At an address the data files come first, then the manifest, the pointer last. An hour that is
there with other bytes loses its manifest before its first file changes, and the pointer says null
for its sums, so that whoever reads manifest, then files, with their sums, never takes a mixture.
"""

from orchestration.outputs.delivery.hourly import (
    Outcome,
    deliver,
    deliver_by_hand,
    delivered_line,
    hour_to_deliver,
    undelivered,
)

__all__ = [
    "Outcome",
    "deliver",
    "deliver_by_hand",
    "delivered_line",
    "hour_to_deliver",
    "undelivered",
]
