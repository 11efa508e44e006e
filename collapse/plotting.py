"""Redraw published figures: `python -m collapse.plotting figures/data/<name>.nc`."""

import sys

from collapse.figures.redraw import main

if __name__ == "__main__":
    sys.exit(main())
