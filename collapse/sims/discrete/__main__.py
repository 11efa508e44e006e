"""Run the command."""

from collapse.lab.run import main
from collapse.sims.discrete import FAMILY

if __name__ == "__main__":
    raise SystemExit(main(FAMILY))
