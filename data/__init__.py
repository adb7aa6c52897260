"""A simulated shop to run the pipeline on.

Belongs here: the shop's law, the simulation and the writing of its dumps; the rest of this folder
is state, kept out of git. Does not belong here: anything the pipeline itself needs. Nothing here
imports `ml` or `orchestration`.
"""
