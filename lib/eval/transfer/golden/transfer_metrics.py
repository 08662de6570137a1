"""Metrics of transfer as scikit-learn computes them, and the 11-point average precision after VOC's definition.

Run with NumPy and scikit-learn; writes transfer_metrics.json beside this file.
"""
import json
import pathlib
from fractions import Fraction

import numpy as np
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

HERE = pathlib.Path(__file__).parent


def classes(rng: np.random.Generator, images: int, count: int) -> dict:
    labels = np.minimum(rng.geometric(0.3, images) - 1, count - 1)  # unbalanced
    predicted = np.where(rng.random(images) < 0.6, labels, rng.integers(0, count + 1, images))
    present = np.isin(predicted, labels)  # scikit-learn warns of others
    labels, predicted = labels[present], predicted[present]
    score = balanced_accuracy_score(labels, predicted)
    return {"labels": labels.tolist(), "predicted": predicted.tolist(), "score": score}


def binary(rng: np.random.Generator, images: int, levels: int) -> dict:
    """With so many different scores; few of them make ties."""
    labels = (rng.random(images) < 0.3).astype(int)
    scores = np.round((rng.normal(size=images) + labels) * levels) / levels
    return {"labels": labels.tolist(), "scores": scores.tolist(), "score": roc_auc_score(labels, scores)}


def eleven_points(scores: np.ndarray, truth: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order] > 0)
    misses = np.cumsum(truth[order] < 0)
    recalls = [Fraction(int(hit), int(hits[-1])) for hit in hits]
    best = []
    for tenth in range(11):
        reached = [hit / (hit + miss) for hit, miss, recall in zip(hits, misses, recalls)
                   if recall >= Fraction(tenth, 10) and hit + miss > 0]
        best.append(max(reached, default=0.0))
    return float(np.mean(best))


def several(rng: np.random.Generator, images: int, count: int, levels: int) -> dict:
    truth = rng.choice([1, -1, 0], (images, count), p=[0.25, 0.65, 0.1])
    truth[0] = 1
    scores = np.round((rng.normal(size=truth.shape) + truth) * levels) / levels
    each = [eleven_points(scores[:, c], truth[:, c]) for c in range(count)]
    return {"classes": count, "scores": scores.ravel().tolist(), "truth": truth.ravel().tolist(),
            "each": each, "score": float(np.mean(each))}


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    golden = {
        "meanPerClass": [classes(rng, n, count) for n, count in [(40, 3), (200, 9), (300, 40)]],
        "rocAuc": [binary(rng, n, levels) for n, levels in [(20, 1000), (200, 1000), (200, 2)]],
        "map11": [several(rng, n, count, levels) for n, count, levels in [(12, 2, 1000), (80, 5, 1000), (80, 5, 2)]],
    }
    (HERE / "transfer_metrics.json").write_text(json.dumps(golden) + "\n")
