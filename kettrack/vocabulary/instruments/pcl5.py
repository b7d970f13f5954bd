"""PCL-5: symptoms of post-traumatic stress, self-report.

Sources
-------
- Marx: reliable and clinically significant change of the PCL-5 against CAPS-5
- PMC10292741 (probable PTSD);  Blevins 2015, J Trauma Stress (psychometrics)
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import Fact, Instrument

PCL5: Final = Instrument(
    name="PCL-5",
    title="PTSD Checklist for DSM-5 (20 items)",
    construct="trauma",
    minimum=0,
    maximum=80,
    item_maxima=(4,) * 20,
    # Two versions are in use, of a month and of a week, so no window is taken for granted.
    recall_days=Fact(30, "unconfirmed; a weekly version exists", "recalled"),
    caseness=Fact(31, "probable PTSD 31 to 33 (PMC10292741)"),
    remission=(Fact(28, "Marx: end state of clinically significant change"),),
    reliable_change=Fact(15, "Marx (18 by the stricter variant)"),
    item_text_may_ship=True,
    licence="United States Department of Veterans Affairs, not copyrighted",
)
