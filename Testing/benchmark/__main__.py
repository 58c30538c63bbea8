"""`python -m sli2vol_benchmark`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
