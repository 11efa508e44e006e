"""The command `collapse`."""

import sys

from collapse.lab.commands import main

if __name__ == "__main__":
    sys.exit(main())
