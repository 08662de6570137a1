"""Golden values of tests over seeds, from SciPy: python make_statistics.py writes statistics.json here.

Made with scipy 1.17.1. Accuracies of a few seeds, paired; effects as lib/stats/verdicts.ts defines them.
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats

here = Path(__file__).parent
random = np.random.default_rng(7)


def two_sided(differences):
    test = stats.ttest_1samp(differences, 0)
    low, high = test.confidence_interval(0.95)
    effect = float(np.mean(differences))
    return {"effect": effect, "pValue": test.pvalue, "interval": [low, high]}


def exceeds(seeds, gain, spread):
    """Paired: what the seeds share is ten times what is measured."""
    shared = 0.7 + random.normal(0, 0.02, seeds)
    b = np.round(shared + random.normal(0, spread, seeds), 4)
    a = np.round(shared + gain + random.normal(0, spread, seeds), 4)
    paired = stats.ttest_rel(a, b)
    one_sided = stats.ttest_rel(a, b, alternative="greater").pvalue
    expected = two_sided(a - b)
    assert np.isclose(paired.pvalue, expected["pValue"])
    return {"a": a.tolist(), "b": b.tolist(), "oneSided": one_sided, **expected}


def rises(seeds, slope, spread):
    sizes = np.array([3, 5, 7, 9, 15])
    shared = 0.7 + random.normal(0, 0.02, seeds)
    values = np.round(
        shared + slope * sizes[:, None] + random.normal(0, spread, (len(sizes), seeds)), 4
    )
    slopes = np.array([stats.linregress(sizes, values[:, s]).slope for s in range(seeds)])
    reach = sizes.max() - sizes.min()
    return {"sizes": sizes.tolist(), "values": values.tolist(), **two_sided(slopes * reach)}


def equals(seeds, gain, spread, margin):
    case = exceeds(seeds, gain, spread)
    differences = np.array(case["a"]) - np.array(case["b"])
    above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.9)
    values = {"a": case["a"], "b": case["b"], "margin": margin, "effect": case["effect"]}
    return {**values, "pValue": max(above, below), "interval": [low, high]}


cdf = [[t, df, stats.t.cdf(t, df)] for t in [-40, -5, -1.3, 0, 0.2, 3, 60] for df in [1, 2, 4, 9]]
golden = {
    "cdf": cdf,
    "exceeds": [
        exceeds(3, 0.02, 0.001),
        exceeds(3, -0.02, 0.001),
        exceeds(3, 0.002, 0.004),
        exceeds(5, 0.004, 0.002),
        exceeds(10, -0.01, 0.003),
    ],
    "rises": [
        rises(3, 0.002, 0.002),
        rises(5, -0.001, 0.002),
        rises(4, 0.0, 0.003),
    ],
    "equals": [
        equals(3, 0.0, 0.001, 0.01),
        equals(5, 0.03, 0.002, 0.01),
        equals(4, 0.005, 0.004, 0.01),
        equals(8, -0.004, 0.002, 0.01),
    ],
}
(here / "statistics.json").write_text(json.dumps(golden) + "\n")
