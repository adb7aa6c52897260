"""The horizons at which a return is predicted, and the windows named after them.

Belongs here: the one list of hours that the return model, its card, the decision and the columns of
`cart_scores` share. Not here: the label's horizon, which is a setting.
"""

# Where probabilities are read, and fitted curves compared with what was observed.
HORIZONS_HOURS = (4.0, 8.0, 24.0, 72.0, 168.0)
RETURN_WINDOWS = tuple(f"{hours:g}h" for hours in HORIZONS_HOURS)
