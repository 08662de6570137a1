"""Friedman's test and quantiles of the studentised range as SciPy 1.17.1 computes them; writes friedman.json here."""
import json
import pathlib

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range


def case(rng: np.random.Generator, sets: int, arms: int, levels: int) -> dict:
    """Scores `[sets, arms]`; few levels make ties."""
    scores = np.round((rng.random((sets, arms)) + 0.1 * np.arange(arms)) * levels) / levels
    statistic, p = friedmanchisquare(*scores.T)
    ranks = np.mean([rankdata(-row) for row in scores], axis=0)  # 1 is the best
    return {"scores": scores.tolist(), "statistic": statistic, "pValue": p, "meanRanks": ranks.tolist()}


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    golden = {
        "friedman": [case(rng, *size) for size in [(6, 3, 1000), (13, 7, 1000), (10, 5, 5)]],
        "ranges": [{"arms": k, "level": level, "quantile": studentized_range.ppf(1 - level, k, np.inf)}
                   for k in (2, 3, 7, 11, 20) for level in (0.05, 0.1)],
    }
    path = pathlib.Path(__file__).parent / "friedman.json"
    path.write_text(json.dumps(golden) + "\n")
