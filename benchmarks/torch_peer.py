"""A peer with PyTorch, in a process of its own, that takes turns with the lab.

Thread pools of two libraries in one process get in each other's way. torch may be in
another environment: PEER_PYTHON names its Python.
"""

import timing  # isort: skip - sets the number of threads

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax


class Peer:
    """The other process: told what to run, it answers when it is done.

    Args:
      file: of the peer, beside this one.
      needs: packages that it imports.

    Raises:
      ModuleNotFoundError: if its Python, that of PEER_PYTHON if it is set, lacks one.
    """

    def __init__(self, file: str, *needs: str) -> None:
        script = Path(__file__).with_name(file)
        python = os.environ.get("PEER_PYTHON", sys.executable)
        find = f"import {', '.join(needs)}"
        if subprocess.run([python, "-c", find], capture_output=True).returncode:
            raise ModuleNotFoundError(f"{python} has no {' or no '.join(needs)}")
        # `timing` has set one thread, for peers that work beside the lab
        threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        own = {k: v for k, v in os.environ.items() if k not in threads}
        self.process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=own,
        )

    def ask(self, **what: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peer ended with status {self.process.wait()}")
        return json.loads(answer)

    def call(self, name: str, **what: Any) -> Callable[[], Any]:
        return lambda: self.ask(name=name, **what)


def longer(setting: timing.Setting) -> timing.Setting:
    """The setting with more time for a table, of which all rows are timed together."""
    return setting if setting.quick else setting._replace(seconds=8.0)


def in_single(make: Callable[[], Any]) -> Any:
    """What is made while jax has no 64-bit numbers, as the lab has it for networks."""
    jax.config.update("jax_enable_x64", False)
    try:
        return make()
    finally:
        jax.config.update("jax_enable_x64", True)
