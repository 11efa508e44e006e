"""Run the command."""

from collapse.lab.run import main
from collapse.sims.kde import FAMILY

if __name__ == "__main__":
    raise SystemExit(main(FAMILY))
