"""One benchmark by itself: the rows of its table, printed as they come."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator

import timing
from entries import Job, made
from machine import machine
from tables import table


def main(
    description: str | None,
    jobs: Callable[[timing.Setting], Iterator[Job]],
    *others: tuple[str, str, Callable[[], str]],
) -> None:
    """Print the tables, or what another switch asks for.

    Args:
      description: of the benchmark.
      jobs: setting -> rows to be made.
      others: switch, its help, and what prints something else than the table.
    """
    parser = ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="seconds, rough numbers")
    parser.add_argument("--one-core", action="store_true", help="not all cores")
    for switch, text, _ in others:
        parser.add_argument(switch, action="store_true", help=text)
    given = vars(parser.parse_args())
    setting = timing.begin(given["quick"], given["one_core"])
    print(f"{machine()}\n", flush=True)
    for switch, _, other in others:
        if given[switch.strip("-").replace("-", "_")]:
            print(other())
            return
    rows: dict[str, list] = {}
    for entry in made(jobs(setting)):
        rows.setdefault(entry["table"], []).append(entry)
        told = entry.get("failed") or " | ".join(entry["cells"])
        print(f"  {entry['table']}: {told}", flush=True)
    for entries in rows.values():
        print(f"\n{table(entries)}")
    setting.crew.close()
