"""Processes of the peers, one for each core, each kept on its core.

They load NumPy, SciPy or scikit-learn and not jax. A call is made by all at once, each
with a seed of its own, and is over when the last one has answered.
"""

import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Crew:
    """The processes, started when the first one is needed."""

    def __init__(self, cores: Sequence[int]) -> None:
        """One process for each of these cores."""
        self.cores, self.turn = list(cores), 0
        self.processes: list[subprocess.Popen[str]] = []

    def __len__(self) -> int:
        return len(self.cores)

    def call(self, module: str, function: str, arguments: dict[str, Any]) -> Any:
        """Numbers that a function of a module returns in all processes, in one array.

        The function takes `seed`, which is another one in each call and process, and
        the arguments; it returns a list of numbers.

        Raises:
          RuntimeError: where a process fails.
        """
        self.processes = self.processes or [self._start(core) for core in self.cores]
        self.turn += 1
        for number, process in enumerate(self.processes):
            assert process.stdin is not None
            told = {"seed": [self.turn, number], **arguments}
            print(json.dumps([module, function, told]), file=process.stdin, flush=True)
        answers = [self._answer(process) for process in self.processes]
        return np.concatenate(answers)

    def close(self) -> None:
        """End the processes."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
        self.processes = []

    def _start(self, core: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _answer(self, process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"a peer ended with exit status {process.wait()}")
        answer = json.loads(line)
        if isinstance(answer, str):
            raise RuntimeError(f"a peer failed: {answer}")
        return answer


def serve() -> None:
    """Answer the calls that come as lines of JSON, on one core."""
    os.sched_setaffinity(0, [int(sys.argv[1])])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        module, function, arguments = json.loads(line)
        answer: Any
        try:
            found = getattr(importlib.import_module(module), function)(**arguments)
            answer = [float(value) for value in found]
        except Exception as error:
            traceback.print_exc()
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
