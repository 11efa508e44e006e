"""Run the command."""

import sys

from collapse.lab.run import main
from collapse.sims.students import FAMILY

if __name__ == "__main__":
    sys.exit(main(FAMILY))
