"""The array types of signatures: one name for each kind of number.

A name says the type of the values, never the shape; shapes stand in the docstrings. numpy is the
only import, so that every room may take its types from here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
# whole numbers, or weighted counts that are fractions
Numbers = NDArray[np.number]
# text, dates or mixed values
Objects = NDArray[np.object_]
