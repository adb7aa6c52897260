"""People: who they are, what they allow and what was sent to them; the schema ``vault``.

Belongs here: what delivered rows about people mean, and what was known of whom at an instant. Not
here: loading the rows (`landing`), who may be contacted (`outputs.exports`), or erasing people
(`privacy`).

The vault is the only place with names, addresses and numbers. Nothing of it goes into a log, an
error, a feature, a model or the published file, but that attributes are features
(`modelling.attributes`).
"""
