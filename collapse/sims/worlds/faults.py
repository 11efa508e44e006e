"""A table of what is wrong with answers: by skill, generation and seed."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int

from collapse.data.worlds import World
from collapse.experiment.files import atomic

RIGHT = "correct"  # heading of the column of answers without fault


def leave(
    world: World,
    answers: Mapping[str, Int[np.ndarray, "S generations skills faults"]],
    path: Path,
) -> None:
    """Write a CSV file with a row for each condition, seed, generation and skill.

    Args:
      world: whose skills and faults these are.
      answers: condition in words -> counts; the first fault is none.
      path: of the file.
    """
    head = ["condition", "seed", "generation", "skill", "share_in_the_world", RIGHT]
    with atomic(path) as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow([*head, *world.faults])
        for name, counts in answers.items():
            for seed, generation in np.ndindex(counts.shape[:2]):
                rows = zip(world.skills.items(), counts[seed, generation], strict=True)
                for (skill, share), own in rows:
                    line = [name, seed, generation, skill, f"{share:.6g}"]
                    table.writerow([*line, *own.tolist()])
