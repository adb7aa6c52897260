"""What everything stands on: paths, settings, hours, errors, SQL quoting, atomic files.

Belongs here: what at least two other packages need and what knows nothing of events, models or
people. Not here: anything that opens the warehouse or knows a table.
"""
