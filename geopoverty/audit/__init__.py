"""Checks of printed tables: one idea a module.

`intervals` has the arithmetic, `printed` what a printed number stands for, `lines` and
`sheet` the table, `conventions` how it is printed; `coefficients`, `stars`, `fits`,
`programme`, `moments`, `groups` and `granularity` ask; `report` is the public function.
"""

from geopoverty.audit.catalogue import audit_checks
from geopoverty.audit.library import published_tables
from geopoverty.audit.report import audit, audit_text

__all__ = ["audit", "audit_checks", "audit_text", "published_tables"]
