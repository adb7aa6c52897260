"""What everything stands on: paths, settings, hours, errors, SQL quoting, atomic files.

Belongs here: what at least two other packages need; settings are declared here, and mean something
only in the packages that take them. Not here: anything that opens the warehouse or knows a table.
"""
