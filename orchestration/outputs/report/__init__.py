"""The report: one page about the newest hour, for whoever writes no SQL.

    published/report.html    replaced with the published database, in the same step of the same run

Belongs here: what the page says (`shop`, `left_behind`, `carts`, `people`, `outcomes`, `models`,
`dumps`, `glance`, `glossary`), how it is drawn (`plots` with `drawing`) and put together (`page`,
and the template). Not here: computing what the tables hold; every figure is a query over the
published file, so whoever doubts one can ask that file.

The page needs nothing but itself: no script, no request. The same file gives the same bytes. It
shows no row of a person: carts by the beginning of their id, and of files names and counts.

A section is a function of the published file that returns a `Section`, or None while its tables
have no rows; to add one, write it and name it in `page.SECTIONS`.
"""
