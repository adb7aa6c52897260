"""Models, scores and decisions: frames and plain values in, the same out.

What belongs here: learning, calibrating, evaluating, explaining and deciding. What does not: where
frames come from and where files go. Nothing in this package opens a file, a database or a clock, or
knows the orchestrator; time comes in as an argument, models go in and out as ``dict[str, bytes]``.
"""
