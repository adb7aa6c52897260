"""Drafts of what a shop has of its own: the two files of a source, and those of a segment.

Belongs here: guessing from the first rows of some files what their fields mean, and writing the
guesses down where a person corrects them. Not here: reading rows (`landing`), or whether the guess
is right: `comeback inspect` shows it, by what a run makes of it.

    fields    what stands where in rows: columns, paths in JSON, lists of items, values
    forms     what values look like: times, amounts, ids
    words     names of fields and words for events, in some languages
    guesses   which field is which of ours
    texts     the two files
    new_segment  the two files of a segment, about which nothing is guessed
"""

from orchestration.drafts.new_segment import new_segment
from orchestration.drafts.new_source import Draft, dumps_for, new_source

__all__ = ["Draft", "dumps_for", "new_segment", "new_source"]
