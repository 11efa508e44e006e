"""Run all benchmarks and write what they found to benchmarks/README.md.

    python benchmarks/all.py [--quick] [--only NAME ...] [--draw]

Lab and peers have equal cores: all on one core first, then all on every core. Each row
is told as it comes; a row that fails, or a benchmark that ends or takes too long, is
reported in its table, and the others go on. Rows are kept in results.json, from which
--draw writes the page again without measuring. A quick run writes no file.

It also fills in the numbers that other documents cite, between comments such as
`<!--speed inverse_error_float64-->1.8<!--/-->`.
"""

import argparse
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cited
import page
from machine import machine

HERE = Path(__file__).parent
RESULTS, README = HERE / "results.json", HERE / "README.md"
ONE_CORE = ["rates", "gaussian", "linear", "gmm", "kde", "discrete", "ngram"]
ONE_CORE = [*ONE_CORE, "inverse_error"]
ALL_CORES = [*ONE_CORE, "charlm", "vae", "diffusion", "workers"]
ONE_CORE = [*ONE_CORE, "growth"]
# seconds of one benchmark, after which it is stopped; several times what it needs
LIMIT, QUICK_LIMIT = 400, 150

Entry = dict[str, Any]


def lines_of(process: subprocess.Popen[str]) -> "queue.Queue[str | None]":
    """Lines of a process as they come, and None once it has closed its output."""
    found: queue.Queue[str | None] = queue.Queue()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            found.put(line)
        found.put(None)

    threading.Thread(target=listen, daemon=True).start()
    return found


def one_process(
    names: list[str], one_core: bool, quick: bool, limit: float
) -> Iterator[Entry]:
    """What a process tells that runs some benchmarks, until it ends or is stopped.

    The last message says how: {"over": reason}, with no reason if all was well.
    """
    process = subprocess.Popen(
        [sys.executable, HERE / "suites.py", json.dumps([quick, one_core, *names])],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that its peers can be stopped with it
    )
    lines, until = lines_of(process), time.monotonic() + limit
    try:
        while True:
            try:
                line = lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                yield {"over": f"stopped after {limit:g} s"}
                return
            if line is None:
                status = process.wait()
                yield {"over": f"ended with exit status {status}" if status else ""}
                return
            message = json.loads(line)
            if "begin" in message:
                until = time.monotonic() + limit
            yield message
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def measured(names: list[str], one_core: bool, quick: bool) -> Iterator[Entry]:
    """Rows of benchmarks; after one that fails a new process goes on with the next."""
    left, limit = list(names), QUICK_LIMIT if quick else LIMIT
    while left:
        now = left[0]
        for message in one_process(left, one_core, quick, limit):
            if "begin" in message:
                if now != left[0] or message["begin"] != now:
                    left.remove(now)
                now = message["begin"]
            elif "over" not in message:
                yield message
            elif message["over"]:
                case = "the rest on one core" if one_core else "the rest on all cores"
                yield {"table": now, "case": case, "failed": message["over"]}
        if now and now in left:
            left.remove(now)
        elif not now:
            return


def say(begin: float, entry: Entry) -> None:
    """Tell a row."""
    told = entry.get("cells") or [entry["case"], f"failed: {entry['failed']}"]
    print(f"{time.monotonic() - begin:5.0f} s  {entry['table']}: {' | '.join(told)}")
    sys.stdout.flush()


def write(path: Path, text: str) -> None:
    """Write a file at once or not at all."""
    temporary = path.with_suffix(".part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def run(quick: bool, only: list[str]) -> Entry:
    """All rows, with the machine and the time that they took."""
    begin, told, load = time.monotonic(), machine(), os.getloadavg()[0]
    rows: list[Entry] = []
    for one_core, names in ((True, ONE_CORE), (False, ALL_CORES)):
        chosen = [name for name in names if not only or name in only]
        for entry in measured(chosen, one_core, quick):
            say(begin, entry)
            rows.append(entry)
    spent = time.monotonic() - begin
    return {"machine": told, "load": load, "seconds": round(spent), "rows": rows}


def main() -> None:
    """Measure, keep the rows, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="rough; writes no file")
    parser.add_argument("--only", nargs="*", default=[], help="of these benchmarks")
    parser.add_argument("--draw", action="store_true", help="the page alone, again")
    given = parser.parse_args()
    unknown = set(given.only) - {*ONE_CORE, *ALL_CORES}
    if unknown:
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}")
    if given.draw:
        found = json.loads(RESULTS.read_text(encoding="utf-8"))
    else:
        found = run(given.quick, given.only)
    text = page.page(found)
    failures = [row for row in found["rows"] if "failed" in row]
    print(f"\n{len(found['rows'])} rows, {len(failures)} failed, {found['seconds']} s")
    if given.quick or given.only:
        print(text)
    else:
        write(RESULTS, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        write(README, text)
        changed = cited.fill(HERE.parent, cited.facts(found["rows"]))
        print(f"written: {README}, {RESULTS}", *changed, sep="\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
