"""Text of the shop's, made fit to be shown.

Belongs here: taking out what a terminal or a page would obey. Not here: escaping for a language
(SQL, HTML, Markdown), which belongs beside what writes it.
"""


def in_print(text: str) -> str:
    """The text on one line, without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)
