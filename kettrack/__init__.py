"""Outcome tracking for ketamine clinics: sessions, scores, response, remission and relapse.

Every public name is loaded when it is first used, so that `import kettrack` costs next to nothing.
The names stand in `__init__.pyi`.
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, _public = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["__version__", *_public]
