"""Generators and their students: `python -m collapse.sims.students`.

Several generators make training data by several recipes, a student learns from each at
equal steps, and the performance gap that it recovers says which generator teaches best.
"""

from collapse.sims.students.experiment import Students

FAMILY = Students

__all__ = ["FAMILY", "Students"]
