"""Roots of covariances: matrices whose product with their transpose is the covariance."""

from __future__ import annotations

import numpy as np

from kettrack.arrays import Floats


def half_of(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is a covariance, also one in which something does
    not vary at all.
    """
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        size, direction = np.linalg.eigh(covariance)
        # Rounding may leave a variance of nothing a little below 0.
        spread = np.sqrt(np.maximum(size, 0))
        root = direction * spread
    return np.asarray(root)


def pack_root(root: Floats) -> Floats:
    """A Cholesky root as one line of free numbers; the log keeps its diagonal above 0."""
    logged = root.copy()
    own = np.diag_indices(len(root))
    logged[own] = np.log(root[own])
    lower = np.tril_indices(len(root))
    return np.asarray(logged[lower])


def unpack_root(
    values: Floats,
    v: int,
) -> Floats:
    """The Cholesky root that `pack_root` packed."""
    root = np.zeros((v, v))
    lower = np.tril_indices(v)
    root[lower] = values
    own = np.diag_indices(v)
    root[own] = np.exp(root[own])
    return root
