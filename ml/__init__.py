"""Models, scores and decisions: frames and plain values in, the same out.

What belongs here: learning, calibrating, evaluating, explaining and deciding. What does not: where
frames come from and where files go. Nothing in this package opens a file, a database or a clock, or
knows the orchestrator; time comes in as an argument, models go in and out as ``dict[str, bytes]``.

Imports go one way, down these layers; modules of one layer do not import each other:

    promotion, gates
    experiments
    abandonment, return_time, people, attributes, contact_plan, decision, drift, effects, explain,
    holdout, leaks, outcomes
    calibration, card, contact_timing, economics, evaluation, features, horizons, intervals, keys,
    later, plots, split

``abandonment``, ``return_time`` and ``people`` are packages; what others may import from them
stands in their ``__init__``.
"""
