"""What families may know of single rows, by name: which verifiers they can have.

Fields of `row_truth.Knowledge`, and `reach` of `row_truth.RowTruth`. Here without jax,
so that the command line answers before it is loaded.
"""

OF_SYMBOLS = ("score", "right", "log_truth", "log_model")
OF_LINES = (*OF_SYMBOLS, "reach", "displaced", "project", "features")
OF_POINTS = (*OF_LINES, "points")

WORDS = {  # name -> what it is, for messages
    "score": "a distance of rows from what is true",
    "right": "rows that are right or wrong",
    "log_truth": "the density of the truth",
    "log_model": "the density of the model",
    "reach": "distances between rows",
    "displaced": "rows that a wrong truth may have moved",
    "project": "a place where a wrong row should be",
    "features": "numbers that a discriminator can look at",
    "points": "rows that are points",
}
