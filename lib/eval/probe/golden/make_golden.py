"""Golden values of the evaluation, from PyTorch: python make_golden.py writes linear_probe.json here, and the knn.json of nearest/.

Written after what the formulas of DINO's eval_knn.py and eval_linear.py say; made with torch 2.14.1.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

here = Path(__file__).parent
torch.set_num_threads(1)


def clusters(count, dim, classes, spread, generator):
    centres = torch.randn(classes, dim, generator=torch.Generator().manual_seed(9))
    labels = torch.randint(classes, (count,), generator=generator)
    features = centres[labels] + spread * torch.randn(count, dim, generator=generator)
    return features, labels


def rounded(tensor, digits=6):
    """Few digits keep the file small; the features are then these very numbers, here and there."""
    return (tensor * 10**digits).round() / 10**digits


def knn(train, train_labels, test, test_labels, k, temperature, classes):
    """Unit features, cosines, the k largest, and each class's sum of exp(cosine / temperature)."""
    cosines = F.normalize(test, dim=1) @ F.normalize(train, dim=1).T
    values, indices = cosines.topk(k, largest=True, sorted=True)
    one_hot = F.one_hot(train_labels[indices], classes)  # [M, k, classes]
    votes = (one_hot * (values / temperature).exp().unsqueeze(-1)).sum(1)
    order = votes.sort(dim=1, descending=True, stable=True).indices
    correct = order == test_labels.unsqueeze(1)
    accuracy = {
        "k": k,
        "top1": correct[:, :1].sum().item(),
        "top5": correct[:, : min(5, k)].sum().item(),
    }
    return accuracy, indices, values


def make_knn():
    generator = torch.Generator().manual_seed(1)
    classes, dim = 12, 8
    train, train_labels = clusters(300, dim, classes, 1.6, generator)
    test, test_labels = clusters(150, dim, classes, 1.6, generator)
    train, test = rounded(train, 3), rounded(test, 3)
    ks = [3, 10, 20, 100, 200]
    results = [knn(train, train_labels, test, test_labels, k, 0.07, classes) for k in ks]
    _, indices, values = results[1]
    write("../../nearest/golden/knn.json", {
        "classes": classes,
        "train": numbers(train, 3),
        "trainLabels": train_labels.tolist(),
        "test": numbers(test, 3),
        "testLabels": test_labels.tolist(),
        "hits": [accuracy for accuracy, _, _ in results],
        "nearest10": indices.flatten().tolist(),
        "cosines10": numbers(values, 7),
    })


def make_linear_probe():
    """SGD with momentum 0.9, cosine to 0 stepped by epoch, batches in a written order, the last one smaller."""
    generator = torch.Generator().manual_seed(2)
    classes, dim, count, batch, epochs, lr = 3, 6, 250, 64, 4, 0.3
    features, labels = clusters(count, dim, classes, 1.2, generator)
    features = rounded(features, 3)
    layer = torch.nn.Linear(dim, classes)
    with torch.no_grad():
        layer.weight.copy_(rounded(0.01 * torch.randn(classes, dim, generator=generator)))
        layer.bias.zero_()
    first = layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr * batch / 256, momentum=0.9, weight_decay=0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs, eta_min=0)
    orders, losses, rates = [], [], []
    for _ in range(epochs):
        order = torch.randperm(count, generator=generator)
        orders.append(order.tolist())
        rates.append(optimizer.param_groups[0]["lr"])
        for indices in order.split(batch):
            loss = F.cross_entropy(layer(features[indices]), labels[indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
    write("linear_probe.json", {
        "classes": classes, "dim": dim, "batchSize": batch, "lr": lr,
        "features": numbers(features, 3),
        "labels": labels.tolist(),
        "firstWeight": numbers(first.T, 6),
        "orders": orders,
        "rates": rates,
        "losses": losses,
        "weight": numbers(layer.weight.detach().T, 9),
        "bias": numbers(layer.bias.detach(), 9),
    })


def make_sgd():
    """A matrix and a vector; weight decay on the matrix only, in a group of its own as DINO's; three steps."""
    matrix = torch.nn.Parameter(torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]]))
    vector = torch.nn.Parameter(torch.tensor([0.7, -0.2]))
    groups = [{"params": [matrix]}, {"params": [vector], "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=0.3)
    generator = torch.Generator().manual_seed(3)
    steps = []
    for lr in [0.1, 0.05, 0.2]:
        for group in optimizer.param_groups:
            group["lr"] = lr
        matrix.grad = rounded(torch.randn(2, 3, generator=generator), 3)
        vector.grad = rounded(torch.randn(2, generator=generator), 3)
        optimizer.step()
        steps.append({
            "lr": lr,
            "matrixGrad": numbers(matrix.grad, 3), "vectorGrad": numbers(vector.grad, 3),
            "matrix": numbers(matrix.detach(), 9), "vector": numbers(vector.detach(), 9),
        })
    path = here.parents[2] / "train" / "golden" / "sgd.json"
    path.write_text(json.dumps({"weightDecay": 0.3, "momentum": 0.9, "steps": steps}) + "\n")


def numbers(tensor, digits):
    return [round(value, digits) for value in tensor.flatten().tolist()]


def write(name, values):
    (here / name).write_text(json.dumps(values) + "\n")


make_knn()
make_linear_probe()
make_sgd()
