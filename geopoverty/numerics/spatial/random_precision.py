"""The precision of unit effects as a polynomial in rho, dense or sparse."""

from typing import Any

import numpy as np
from scipy import sparse

from geopoverty.errors import InputError
from geopoverty.numerics.spatial.selected_inverse import NormalMatrix, Pattern
from geopoverty.numerics.types import Array, Matrix

STRUCTURES = ("sar", "leroux")


class Precision:
    """How the effects of n units hang together, up to their variance.

    Parameters
    ----------
    W : array or CSR array, shape (n, n)
        At least 0; symmetric for ``"leroux"``. Dense stays dense, sparse stays
        sparse.
    structure : str
        ``"sar"``: (I - rho W)'(I - rho W), the simultaneous autoregression.
        ``"leroux"``: rho (D - W) + (1 - rho) I, with D the row sums of W: a mixture
        of independence and of the intrinsic autoregression [1]_.

    Attributes
    ----------
    n : int
    structure : str
    pattern : Pattern
        Of the precision at every rho; it factors what `values` returns.

    Raises
    ------
    InputError
        If the structure is unknown, or ``"leroux"`` gets weights that are not
        symmetric or have entries below 0.

    References
    ----------
    .. [1] Leroux, B. G., Lei, X. & Breslow, N. (2000). Estimation of disease rates
       in small areas: a new mixed model for spatial dependence. In: Statistical
       Models in Epidemiology, the Environment and Clinical Trials, 179-191.
       Springer.

    Examples
    --------
    >>> W = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> Precision(W, "sar").values(0.5)
    array([[ 1.25, -1.  ],
           [-1.  ,  1.25]])
    >>> Precision(W, "leroux").values(0.5)
    array([[ 1. , -0.5],
           [-0.5,  1. ]])
    """

    def __init__(self, W: Matrix, structure: str) -> None:
        if structure not in STRUCTURES:
            raise InputError(
                f"The structure must be one of {', '.join(STRUCTURES)}, not "
                f"{structure!r}."
            )
        self.n, self.structure = int(W.shape[0]), structure
        self._normal: Any = NormalMatrix(W) if structure == "sar" else _Mixture(W)
        self.pattern: Pattern = self._normal.pattern

    def values(self, rho: float) -> Array:
        """Return P at rho, laid out as `Pattern` says."""
        return np.asarray(self._normal.values(rho))

    def slope(self, rho: float) -> Array:
        """Return the derivative of P in rho, laid out alike."""
        return np.asarray(self._normal.slope(rho))


class _Mixture:
    """I + rho (D - S - I), as `NormalMatrix` has its polynomial."""

    def __init__(self, S: Matrix) -> None:
        if abs(S - S.T).max() > 1e-12 * abs(S).max():
            raise InputError(
                "Leroux effects need symmetric weights. Take weights before they are "
                "standardised by row, such as contiguity with standardize=None, or "
                'use structure "sar".'
            )
        if S.min() < 0:
            raise InputError("Weights of Leroux effects must be at least 0.")
        sums = np.asarray(S.sum(axis=1)).ravel()
        if sparse.issparse(S):
            one = sparse.eye_array(S.shape[0], format="csc")
            like = sparse.csc_array(abs(S) + one)
            like.sort_indices()
            self.pattern = Pattern(like)
            turned = sparse.diags_array(sums) - S - one
        else:
            one = np.eye(S.shape[0])
            self.pattern = Pattern(S)
            turned = np.diag(sums) - S - one
        self._constant, self._linear = map(self.pattern.lay, (one, turned))

    def values(self, rho: float) -> Array:
        return self._constant + rho * self._linear

    def slope(self, rho: float) -> Array:
        del rho  # a line
        return self._linear
