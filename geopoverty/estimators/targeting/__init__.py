"""Who is reached: the coding of a questionnaire, its tables, and targeting.

`coding` and `choices` turn answers into numbers; `frequencies`, `multiple` and
`partial` make the tables of a survey; `estimator`, `concentration`, `cascade` and
`empowerment` say whom measures reach and what they do. `rows` checks the survey,
`report` wraps up.
"""

from geopoverty.estimators.targeting.cascade import participation_cascade
from geopoverty.estimators.targeting.choices import (
    code_multiple,
    code_ranked,
    rank_table,
)
from geopoverty.estimators.targeting.coding import (
    YesNo,
    code_likert,
    code_yes_no,
    counts_from_percent,
)
from geopoverty.estimators.targeting.concentration import IndexBounds, concentration
from geopoverty.estimators.targeting.empowerment import RatingScale, empowerment_matrix
from geopoverty.estimators.targeting.estimator import targeting
from geopoverty.estimators.targeting.frequencies import frequencies
from geopoverty.estimators.targeting.multiple import multiple_response
from geopoverty.estimators.targeting.partial import partial_correlation
from geopoverty.estimators.targeting.rows import SurveyColumns

__all__ = [
    "IndexBounds",
    "RatingScale",
    "SurveyColumns",
    "YesNo",
    "code_likert",
    "code_multiple",
    "code_ranked",
    "code_yes_no",
    "concentration",
    "counts_from_percent",
    "empowerment_matrix",
    "frequencies",
    "multiple_response",
    "partial_correlation",
    "participation_cascade",
    "rank_table",
    "targeting",
]
