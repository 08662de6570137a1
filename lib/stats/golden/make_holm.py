"""Golden values of Holm's method, from statsmodels: python make_holm.py writes holm.json here.

Made with statsmodels 0.15.0. p values that are missing are taken out before the adjustment, as R's p.adjust does.
"""

import json
from pathlib import Path

import numpy as np
from statsmodels.stats.multitest import multipletests

here = Path(__file__).parent
random = np.random.default_rng(7)


def case(values):
    p = np.array(values, dtype=float)
    known = ~np.isnan(p)
    adjusted = np.full(len(p), np.nan)
    rejected = np.zeros(len(p), dtype=bool)
    if known.any():
        rejected[known], adjusted[known], _, _ = multipletests(p[known], 0.05, method="holm")
    missing = lambda numbers: [None if np.isnan(x) else float(x) for x in numbers]
    return {"p": missing(p), "adjusted": missing(adjusted), "rejected": rejected.tolist()}


# the robustness notebook's eight claims at 32 pixels, of which five have a p below 0.05 alone, none after Holm
notebook = [0.01119, 0.0389, 0.2439, 0.03119, 0.4548, 0.02017, 0.03561, 0.9161]
golden = [
    case([0.04]),
    case([0.01, 0.04, 0.03, 0.005]),
    case([0.03, 0.02, 0.02, 0.02, 0.03]),  # ties
    case([0.6, 0.9, 0.4, 1.0]),  # cut at 1
    case([0.0, 0.0, 0.5]),
    case([0.02, np.nan, 0.01, np.nan, 0.04]),  # missing
    case([np.nan, np.nan]),
    case(notebook),
    case(np.round(random.beta(0.4, 3, 20), 5)),
]
(here / "holm.json").write_text(json.dumps(golden) + "\n")
