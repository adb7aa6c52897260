"""The models' way through the warehouse: learned from its views, kept on disk, applied to an hour.

Belongs here: which rows a model learns from and scores, where models lie, and the rows of
`scores.cart_scores` and `scores.models`. Not here: the arithmetic (`ml`), or exports (`outputs`).
"""
