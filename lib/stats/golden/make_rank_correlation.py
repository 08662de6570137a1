"""Golden values of Spearman's rank correlation, from SciPy: python make_rank_correlation.py writes rank_correlation.json here.

Made with scipy 1.17.1. p values: exact, by all permutations, up to eight things; above, spearmanr's own.
"""

import json
import math
from pathlib import Path

import numpy as np
from scipy import stats

here = Path(__file__).parent
random = np.random.default_rng(11)


def interval(rho, n):
    """Fisher's z with Bonett and Wright's standard error; the outer end of a perfect order is closed."""
    if n <= 3:
        return [-1.0, 1.0]
    swapped = stats.spearmanr(range(n), [1, 0, *range(2, n)]).statistic
    inside = float(np.clip(rho, -swapped, swapped))
    error = math.sqrt((1 + inside**2 / 2) / (n - 3))
    low, high = np.tanh(math.atanh(inside) + stats.norm.ppf([0.025, 0.975]) * error)
    return [-1.0 if rho < -swapped - 1e-12 else low, 1.0 if rho > swapped + 1e-12 else high]


def case(a, b):
    n = len(a)
    rho, p = stats.spearmanr(a, b)
    if n <= 8:
        test = stats.permutation_test(
            (b,),
            lambda y: stats.spearmanr(a, y).statistic,
            permutation_type="pairings",
            n_resamples=math.factorial(n),
            vectorized=False,
        )
        p = test.pvalue
    return {"a": list(a), "b": list(b), "rho": rho, "pValue": p, "interval": interval(rho, n)}


def noisy(n, noise, digits=4):
    a = np.round(random.normal(size=n), digits)
    b = np.round(a + random.normal(0, noise, n), digits)
    return case(a.tolist(), b.tolist())


golden = [
    case([1, 2, 3], [10, 20, 30]),
    case([1, 2, 3, 4], [5, 6, 7, 8]),
    case([1, 2, 3, 4, 5], [9, 7, 3, 2, 1]),
    case([1, 2, 3, 4, 5], [20, 10, 30, 40, 50]),
    case([1, 1, 2, 3, 3, 3], [0.5, 0.4, 0.4, 0.9, 0.9, 0.1]),  # ties on both sides
    noisy(5, 1),
    noisy(7, 2),
    noisy(7, 0.7, 0),  # with ties
    noisy(9, 1),
    noisy(12, 0.5),
    noisy(15, 1, 0),
    noisy(30, 3),
    case(list(range(10)), list(range(10, 20))),
]
(here / "rank_correlation.json").write_text(json.dumps(golden) + "\n")
