"""Runs Comeback: landing, warehouse, models, privacy, outputs, and Dagster around them.

Packages stand on one another in this order, and none imports from one above it (the contracts in
`pyproject.toml` hold them to it):

    ground      paths, settings, hours, errors, SQL quoting, atomic files
    landing     dumps into the schema `raw`
    warehouse   the private database: opening it, dbt, score tables, run log, recovery
    modelling   learning, keeping and applying the models
    people      the vault: who people are, what they allow, as known at an instant
    privacy     erasing a person, and the search that proves it
    outputs     what others read: the published database, export files
    dagster     all of it as assets, checks, jobs, schedules and sensors

`cli`, its `arguments`, `status` with its `status_lines`, `inspection` of dumps before they are
loaded, `drafts` of a shop's own sources and `explanation` of a score stand above them.

Belongs here: what reads, calls and writes. Not here: the rules by which rows become events, carts
and features (`dbt_project`), or what models do with frames (`ml`).
"""
