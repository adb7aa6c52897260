"""People's rights: erasing a person, and the search that proves that nothing of them is left.

Belongs here: whom an erasure concerns, what it deletes and how that is proved. Not here: how
landing honours a tombstone (`landing.tombstones`), or the order of the steps (`dagster.erase_job`).
"""
