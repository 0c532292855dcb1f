"""Begin to measure coverage in a Python process of a test run; copied beside the run, where Python finds it by name.

Of all our tools only the one package is seen, and only while it is imported: the tests meet no package of ours.
"""

import importlib
import os
import sys

_PLACE = os.environ["COVERAGE_PACKAGE"]
sys.path.append(_PLACE)
_coverage = importlib.import_module("coverage")
sys.path.remove(_PLACE)
_coverage.process_startup()
