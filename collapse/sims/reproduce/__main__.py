"""Run the command."""

import sys

from collapse.lab.reproduce.command import main

if __name__ == "__main__":
    sys.exit(main(program="python -m collapse.sims.reproduce"))
