"""Several benchmarks in one process, each row told as a line of JSON on stdout.

`all.py` starts it, once for one core and once for all cores, and again after a
benchmark that ended or held up the process. What libraries print goes to stderr.
"""

import timing  # isort: skip - sets the number of threads

import importlib
import json
import os
import sys
from typing import Any

from entries import failed, made


def main() -> None:
    """Run the benchmarks that are named, on one core or all, quick or not."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=out, flush=True)

    quick, one_core, *names = json.loads(sys.argv[1])
    setting = timing.begin(quick, one_core)
    for name in names:
        tell({"begin": name})
        try:
            for entry in made(importlib.import_module(name).jobs(setting)):
                tell(entry)
        except Exception as error:  # of the benchmark itself, say a missing package
            why = f"{type(error).__name__}: {error}"
            tell({"table": name, **failed(f"the rest, {setting.where} cores", why)})
    tell({"begin": ""})
    setting.crew.close()


if __name__ == "__main__":
    main()
