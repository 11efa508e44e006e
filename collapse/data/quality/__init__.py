"""Operators on lists of texts that stand between the generations of a language model.

`classifier` scores texts, `duplicates` and `clusters` find those to leave out, and
`kept` takes a share of them and counts, against the truth, what was kept. None of them
reads a file, and a generator is given where something is drawn.
"""
