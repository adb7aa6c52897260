"""Exports: from scored persons to the files that a marketing tool imports.

Belongs here: which persons may be in which file, the form that each tool wants, and what is new or
gone since the last file. Not here: scores (`modelling`), the people themselves (schema `vault`),
sending the files anywhere (`delivery`).

    identifiers       e-mail, phone and country in one normal form, then in the form of a tool
    names_and_places  the same of names, cities, states and postal codes
    csv_text          cells that no spreadsheet runs, and the bytes of a file
    presets           what a tool's file looks like; one small TOML file a tool in presets/
    gates             who may be contacted; of the others, why not
    contacted         e-mails of the days before, by person and by address
    facts             what is known of each person, as the gates ask for it
    cart_contents     what lies in their carts at the hour, and what goes with it
    rows              a person's row in the columns of a preset
    rolling           full, add and remove against what was delivered before
    membership        which rows were delivered when
    pending           what an hour is about to deliver, until that is known to be done
    manifest          what is said of an hour's files
"""
