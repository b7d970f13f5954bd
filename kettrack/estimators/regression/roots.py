"""Roots of covariances: matrices whose product with their transpose is the covariance."""

from __future__ import annotations

import numpy as np

from kettrack.arrays import Floats


def half_of(covariance: Floats) -> Floats:
    """A matrix whose product with its transpose is a covariance, also one in which something does
    not vary at all.
    """
    try:
        return np.asarray(np.linalg.cholesky(covariance), np.float64)
    except np.linalg.LinAlgError:
        size, direction = np.linalg.eigh(covariance)
        # Rounding may leave a variance of nothing a little below 0.
        return np.asarray(direction * np.sqrt(np.maximum(size, 0)))


def pack_root(root: Floats) -> Floats:
    """A Cholesky root as one line of free numbers; the log keeps its diagonal above 0."""
    logged = root.copy()
    logged[np.diag_indices(len(root))] = np.log(np.diag(root))
    return np.asarray(logged[np.tril_indices(len(root))])


def unpack_root(
    values: Floats,
    v: int,
) -> Floats:
    """The Cholesky root that `pack_root` packed."""
    root = np.zeros((v, v))
    root[np.tril_indices(v)] = values
    root[np.diag_indices(v)] = np.exp(np.diag(root))
    return root
