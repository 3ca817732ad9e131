"""Run geopoverty as ``python -m geopoverty``."""

import sys

from geopoverty.cli import main

sys.exit(main())
