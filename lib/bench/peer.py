"""PyTorch's process in `deno task bench:peers`: plain definitions, written for speed.

    python lib/bench/peer.py eager|compile|bf16|cuda

`cuda` is eager mode on an NVIDIA GPU, for `deno task gpu:check`. The process
answers the questions of lib/bench/contender.ts. Maps are channels_last, PyTorch's fastest
layout for these cases.
"""

import contextlib
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

way = sys.argv[1] if len(sys.argv) > 1 else "eager"
layout = torch.channels_last
if way == "cuda":
    torch.set_default_device("cuda")
answers, sys.stdout = sys.stdout, sys.stderr  # keeps what libraries print out of the answers


def precision():
    return torch.autocast("cpu", dtype=torch.bfloat16) if way == "bf16" else contextlib.nullcontext()


def compiled(function):
    return torch.compile(function, dynamic=False) if way == "compile" else function


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of `[B, C, H, W]`."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    def __init__(self, dim, kernel, batch_norm, bias, layer_scale, drop=0.0):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=bias)
        self.bn = nn.BatchNorm2d(dim) if batch_norm else nn.Identity()
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), float(layer_scale))) if layer_scale > 0 else None
        self.drop = drop

    def forward(self, x):
        y = self.bn(self.dwconv(x)).permute(0, 2, 3, 1)
        y = self.pwconv2(F.gelu(self.pwconv1(self.norm(y))))
        if self.gamma is not None:
            y = y * self.gamma
        if self.training and self.drop > 0:
            y = y * (torch.rand(len(y), 1, 1, 1) >= self.drop).to(y.dtype).div(1 - self.drop)
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, depths, dims, kernelSize, batchNorm, dwconvBias, patchSize, dropPathRate, layerScaleInit, **_):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, dims[0], patchSize, patchSize), ChannelNorm(dims[0], eps=1e-6))
        halvings = [nn.Sequential(ChannelNorm(a, eps=1e-6), nn.Conv2d(a, b, 2, 2)) for a, b in zip(dims, dims[1:])]
        self.downsample_layers = nn.ModuleList([stem, *halvings])
        rates = iter(torch.linspace(0, dropPathRate, sum(depths)).tolist())
        self.stages = nn.ModuleList(
            nn.Sequential(
                *[Block(dim, kernelSize, batchNorm, dwconvBias, layerScaleInit, next(rates)) for _ in range(depth)]
            )
            for depth, dim in zip(depths, dims)
        )
        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)
        self.features = dims[-1]

    def forward(self, x):
        for down, stage in zip(self.downsample_layers, self.stages):
            x = stage(down(x))
        return self.norm(x.mean((2, 3)))


class Head(nn.Module):
    def __init__(self, dim, hiddenDim, bottleneckDim, outDim, batchNorm, **_):
        super().__init__()
        layers = []
        for a, b in [(dim, hiddenDim), (hiddenDim, hiddenDim)]:
            layers += [nn.Linear(a, b), *([nn.BatchNorm1d(b)] if batchNorm else []), nn.GELU()]
        self.mlp = nn.Sequential(*layers, nn.Linear(hiddenDim, bottleneckDim))
        self.weight_v = nn.Parameter(nn.Linear(bottleneckDim, outDim, bias=False).weight.detach().clone())
        self.register_buffer("weight_g", torch.ones(outDim, 1))

    def forward(self, x):
        return F.linear(F.normalize(self.mlp(x)), torch._weight_norm(self.weight_v, self.weight_g, 0))


class Network(nn.Module):
    """A backbone and a head; one pass of the backbone for each resolution."""

    def __init__(self, model, head):
        super().__init__()
        self.backbone = backbone(model)
        self.head = Head(self.backbone.features, **head)

    def forward(self, *groups):
        sizes = {group.shape[-1] for group in groups}
        if len(sizes) == 1:
            groups = [torch.cat(groups)]
        return self.head(torch.cat([self.backbone(group) for group in groups]))


def backbone(model):
    if model["arch"] != "convnext":
        raise ValueError(f"PyTorch's side has no {model['arch']}")
    return ConvNeXt(**model)


def published(name):
    import timm

    return timm.create_model(name, num_classes=0)


def image(batch, size):
    return torch.randn(batch, 3, size, size).to(memory_format=layout)


def depthwise(case):
    """Depthwise convolution. In mode `bf16` its inputs are bfloat16, so none needs a conversion."""
    k, channels = case["kernelSize"], case["channels"]
    kind = torch.bfloat16 if way == "bf16" else torch.float32
    maps = lambda: torch.randn(case["batch"], channels, case["side"], case["side"], dtype=kind).to(memory_format=layout)
    x, dy, weight = maps(), maps(), torch.randn(channels, 1, k, k, dtype=kind)
    if case["pass"] == "forward":
        return lambda: F.conv2d(x, weight, padding=k // 2, groups=channels)
    wanted = [case["pass"] == "dX", case["pass"] == "dW", False]
    at = (None, [1, 1], [k // 2, k // 2], [1, 1], False, [0, 0], channels, wanted)
    return lambda: torch.ops.aten.convolution_backward(dy, x, weight, *at)


def block(case):
    module = Block(case["channels"], case["kernelSize"], case["batchNorm"], not case["batchNorm"], 1)
    module = module.to(memory_format=layout)
    shape = (case["batch"], case["channels"], case["side"], case["side"])
    x = torch.randn(shape).to(memory_format=layout).requires_grad_()
    dy = torch.randn(shape).to(memory_format=layout)
    forward = compiled(module)

    def run():
        x.grad = None
        module.zero_grad(set_to_none=True)
        with precision():
            y = forward(x)
        y.backward(dy.to(y.dtype))

    return run


def attention(case):
    """`scaled_dot_product_attention`, called as timm does; the bias of a window is its mask."""
    groups, tokens, heads, dim, biases = (case[key] for key in ("batch", "tokens", "heads", "headDim", "biases"))
    qkv = torch.randn(groups, tokens, 3 * heads * dim).requires_grad_()
    bias = torch.randn(biases, heads, tokens, tokens).requires_grad_() if biases > 0 else None
    dy = torch.randn(groups, tokens, heads * dim)

    def forward(qkv, bias):
        q, k, v = qkv.reshape(groups, tokens, 3, heads, dim).permute(2, 0, 3, 1, 4).unbind(0)
        mask = None if bias is None else bias.repeat(groups // biases, 1, 1, 1).to(q.dtype)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return y.transpose(1, 2).reshape(groups, tokens, heads * dim)

    forward = compiled(forward)
    kind = torch.bfloat16 if way == "bf16" else torch.float32

    def run():
        qkv.grad = None
        if bias is not None:
            bias.grad = None
        y = forward(qkv.to(kind), bias)
        y.backward(dy.to(y.dtype))

    return run


def inference(case):
    module = published(case["timm"]) if "timm" in case else backbone(case["model"])
    module = module.eval().to(memory_format=layout)
    x = image(case["batch"], case["size"])
    forward = compiled(module)

    def run():
        with torch.inference_mode(), precision():
            forward(x)

    return run


def dino_loss(student, q, temperature):
    """Cross-entropy over all pairs of distinct views: one log-softmax, one product."""
    (T, B, _), V = q.shape, len(student) // q.shape[1]
    log_p = F.log_softmax(student.float() / temperature, -1)
    pairs = q.reshape(T, -1) @ log_p.reshape(V, -1).T
    return -(pairs * (1 - torch.eye(T, V))).sum() / (B * (T * V - T))


def step(case):
    model, head, batch = case["model"], case["head"], case["batch"]
    student, teacher = (Network(model, head).to(memory_format=layout) for _ in range(2))
    teacher.load_state_dict(student.state_dict())
    teacher.requires_grad_(False)
    mine, theirs = list(student.parameters()), list(teacher.parameters())
    decayed = [[p for p in mine if p.ndim > 1], [p for p in mine if p.ndim <= 1]]
    groups = [{"params": p, "weight_decay": decay} for p, decay in zip(decayed, (0.04, 0))]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=True)
    center = torch.zeros(head["outDim"])
    large = image(2 * batch, case["globalSize"])
    small = image(case["localCrops"] * batch, case["localSize"])
    teach = compiled(teacher)
    learn = compiled(lambda q: dino_loss(student(large, small), q, 0.1))

    def run():
        with torch.no_grad(), precision():
            logits = teach(large).float().reshape(2, batch, -1)
            q = F.softmax((logits - center) / 0.04, -1)
        with precision():
            loss = learn(q)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if not torch.isfinite(loss):
            raise ValueError("the loss is not finite")
        with torch.no_grad():
            grads = [p.grad for p in mine]
            factors = (3 / (torch.stack(torch._foreach_norm(grads)) + 1e-6)).clamp(max=1)
            torch._foreach_mul_(grads, list(factors.unbind()))
            optimizer.step()
            torch._foreach_lerp_(theirs, mine, 1 - 0.996)
            center.lerp_(logits.mean((0, 1)), 1 - 0.9)

    return run


class MlpHead(nn.Sequential):
    """Linear, BatchNorm, ReLU, linear."""

    def __init__(self, dim, hidden, out, bias):
        super().__init__(nn.Linear(dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out, bias=bias))


class Lars:
    """BYOL's LARS, or, as in apex's LARC, SwAV's: see lib/train/lars.ts."""

    def __init__(self, parameters, rule, weight_decay):
        adapts = [p for p in parameters if rule == "lars_swav" or p.ndim > 1]
        self.adapted, self.plain = adapts, [p for p in parameters if not any(p is other for other in adapts)]
        self.buffers = {p: torch.zeros_like(p) for p in parameters}
        self.apex, self.decay, self.lr, self.momentum, self.eta = rule == "lars_swav", weight_decay, 0.2, 0.9, 0.001

    def zero_grad(self, set_to_none):
        for p in self.buffers:
            p.grad = None

    def step(self):
        weights, grads = self.adapted, [p.grad for p in self.adapted]
        lengths = torch.stack(torch._foreach_norm(weights))
        decayed = torch._foreach_add(grads, weights, alpha=self.decay)
        if self.apex:
            divisors = torch.stack(torch._foreach_norm(grads)) + self.decay * lengths + 1e-8
        else:
            divisors = torch.stack(torch._foreach_norm(decayed))
        quotients = torch.where((lengths > 0) & (divisors > 0), self.eta * lengths / divisors, 1)
        torch._foreach_mul_(decayed, list(quotients.unbind()))
        for weights, grads in [(self.adapted, decayed), (self.plain, [p.grad for p in self.plain])]:
            if weights:
                buffers = [self.buffers[p] for p in weights]
                torch._foreach_mul_(buffers, self.momentum)
                torch._foreach_add_(buffers, grads)
                torch._foreach_add_(weights, buffers, alpha=-self.lr)


def optimizer_of(recipe, parameters):
    if recipe["optimizer"] != "adamw":
        return Lars(parameters, recipe["optimizer"], recipe["weightDecay"])
    decayed = [[p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]]
    groups = [{"params": p, "weight_decay": decay} for p, decay in zip(decayed, (recipe["weightDecay"], 0))]
    return torch.optim.AdamW(groups, lr=1e-4, fused=True)


def update(loss, parameters, optimizer, clip):
    """Gradients, each clipped by its own norm, and the optimiser's step."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if not torch.isfinite(loss):
        raise ValueError("the loss is not finite")
    with torch.no_grad():
        if clip > 0:
            grads = [p.grad for p in parameters]
            factors = (clip / (torch.stack(torch._foreach_norm(grads)) + 1e-6)).clamp(max=1)
            torch._foreach_mul_(grads, list(factors.unbind()))
        optimizer.step()


def method(case):
    return {"byol": byol, "swav": swav}[case["recipe"]["method"]](case["recipe"], case["batch"])


def byol(recipe, batch):
    """As in lib/ssl/byol: each view is a pass of its own, with statistics of its own."""
    hidden, out = recipe["head"]["hiddenDim"], recipe["head"]["outDim"]

    def projecting():
        network = backbone(recipe["model"])
        return nn.Sequential(network, MlpHead(network.features, hidden, out, bias=False)).to(memory_format=layout)

    online, target, predictor = projecting(), projecting(), MlpHead(out, hidden, out, bias=False)
    target.load_state_dict(online.state_dict())
    target.requires_grad_(False)
    mine, theirs = list(online.parameters()), list(target.parameters())
    trained = mine + list(predictor.parameters())
    optimizer = optimizer_of(recipe, trained)
    views = [image(batch, recipe["crops"]["globalSize"]) for _ in range(2)]
    teach = compiled(target)

    def loss_of(targets):
        predictions = [predictor(online(view)) for view in views]
        gaps = [F.normalize(p.float()) - F.normalize(t.float()) for p, t in zip(predictions, targets)]
        return sum(gap.square().sum(-1).mean() for gap in gaps)

    learn = compiled(loss_of)

    def run():
        with torch.no_grad(), precision():
            first, second = (teach(view) for view in views)
        with precision():
            loss = learn([second, first])
        update(loss, trained, optimizer, recipe["clipNorm"])
        with torch.no_grad():
            torch._foreach_lerp_(theirs, mine, 1 - recipe["targetMomentum"])

    return run


def sinkhorn(scores, epsilon, iterations):
    """SwAV's assignment of `[n, K]` scores: each prototype gets as much as any other."""
    q = torch.exp(scores / epsilon).T
    q = q / q.sum()
    for _ in range(iterations):
        q = q / q.sum(1, keepdim=True) / q.shape[0]
        q = q / q.sum(0, keepdim=True) / q.shape[1]
    return (q * q.shape[1]).T


def swav(recipe, batch):
    """As in lib/ssl/swav, in the middle of a run: the queue is full."""
    crops, head = recipe["crops"], recipe["head"]
    network = backbone(recipe["model"]).to(memory_format=layout)
    projector = MlpHead(network.features, head["hiddenDim"], head["outDim"], bias=True)
    prototypes = nn.Parameter(F.normalize(torch.randn(head["prototypes"], head["outDim"])))
    trained = [*network.parameters(), *projector.parameters(), prototypes]
    optimizer = optimizer_of(recipe, trained)
    large = image(2 * batch, crops["globalSize"])
    groups = [large] if crops["localCrops"] == 0 else [large, image(crops["localCrops"] * batch, crops["localSize"])]
    queues = None
    if recipe["queueLength"] > 0:
        queues = F.normalize(torch.randn(2, recipe["queueLength"], head["outDim"]), dim=-1)

    def assign(scores, queue):
        if queue is not None:
            scores = torch.cat([queue @ prototypes.T, scores])
        return sinkhorn(scores, recipe["epsilon"], recipe["sinkhornIterations"])[-batch:]

    def loss_of(queues):
        same = len({group.shape[-1] for group in groups}) == 1
        parts = [torch.cat(groups)] if same else groups
        z = F.normalize(projector(torch.cat([network(part) for part in parts])).float())
        scores = z @ prototypes.T
        with torch.no_grad():
            own = scores[: 2 * batch].float().reshape(2, batch, -1)
            q = torch.stack([assign(own[i], None if queues is None else queues[i]) for i in range(2)])
        log_p = F.log_softmax(scores.float() / recipe["temperature"], -1).reshape(-1, q[0].numel())
        V = len(log_p)
        pairs = q.reshape(2, -1) @ log_p.T
        return -(pairs * (1 - torch.eye(2, V))).sum() / (batch * 2 * (V - 1)), z[: 2 * batch].detach()

    learn = compiled(loss_of)

    def run():
        with precision():
            loss, z = learn(queues)
        update(loss, trained, optimizer, recipe["clipNorm"])
        with torch.no_grad():
            prototypes.copy_(F.normalize(prototypes))
            if queues is not None:
                queues.copy_(torch.cat([z.reshape(2, batch, -1), queues[:, :-batch]], 1))

    return run


def augment(case):
    """DINO's views as its published code makes them: torchvision on Pillow's images."""
    import base64
    import io
    import random

    from PIL import Image, ImageFilter, ImageOps
    from torchvision import transforms as T

    torch.set_num_threads(1)  # the same as in a worker of a DataLoader
    recipe, stats = case["recipe"], case["recipe"]["stats"]
    jitter = recipe["jitter"]

    class Blur:
        def __init__(self, probability):
            self.probability = probability

        def __call__(self, image):
            if random.random() > self.probability:
                return image
            return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(*recipe["blurRadius"])))

    def solarize(image):
        return ImageOps.solarize(image) if random.random() < recipe["solarize"] else image

    colours = T.ColorJitter(jitter["brightness"], jitter["contrast"], jitter["saturation"], jitter["hue"])
    flip_and_colour = [
        T.RandomHorizontalFlip(recipe["flip"]),
        T.RandomApply([colours], p=jitter["probability"]),
        T.RandomGrayscale(recipe["grayscale"]),
    ]

    def view(kind, *then):
        size, scale = recipe[kind + "Size"], recipe[kind + "Scale"]
        crop = T.RandomResizedCrop(size, scale=scale, interpolation=T.InterpolationMode.BICUBIC)
        return T.Compose([crop, *flip_and_colour, *then, T.ToTensor(), T.Normalize(stats["mean"], stats["std"])])

    first, second, small = (Blur(p) for p in recipe["blur"])
    views = [view("global", first), view("global", second, solarize)]
    views += [view("local", small)] * recipe["localCrops"]
    files = [base64.b64decode(picture) for picture in case["pictures"]]

    def run():
        for file in files:
            image = Image.open(io.BytesIO(file)).convert("RGB")
            for make in views:
                make(image)

    return run


def corruption(case):
    """Corruptions by the package imagecorruptions, on one core."""
    import base64
    import io
    from pathlib import Path

    import cv2
    import numpy as np
    from PIL import Image

    sys.path.insert(0, str(Path(__file__).parents[1] / "robustness" / "golden"))
    from reference import corrupt

    cv2.setNumThreads(1)
    picture = Image.open(io.BytesIO(base64.b64decode(case["pictures"][0])))
    image = np.array(picture.convert("RGB"))

    def run():
        for severity in range(1, 6):
            corrupt(image, severity, case["corruption"])

    return run


subjects = {
    "depthwise": depthwise,
    "block": block,
    "attention": attention,
    "inference": inference,
    "step": step,
    "method": method,
    "augment": augment,
    "corruption": corruption,
}
current = None


def timed():
    began = time.perf_counter()
    if current is None:
        raise ValueError("no case was prepared")
    current()
    if way == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def prepare(case):
    global current
    current = None  # frees the last case's tensors before the next case is made
    torch.manual_seed(0)
    current = subjects[case["kind"]](case)
    if way == "compile":
        current()
    return timed()


def sample_queue(at_least):
    """As lib/gpu_check/measure.ts: calls are begun one after the other, and waited for once."""
    calls = min(200, max(3, round(at_least / timed())))
    began = time.perf_counter()
    for _ in range(calls):
        current()
    torch.cuda.synchronize()
    return {"seconds": (time.perf_counter() - began) / calls, "faults": 0}


def sample(at_least):
    if way == "cuda":
        return sample_queue(at_least)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    calls, seconds = 0, 0.0
    while calls == 0 or seconds < at_least:
        seconds += timed()
        calls += 1
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return {"seconds": seconds / calls, "faults": faults / calls}


def finish():
    global current
    current = None
    return {"peakBytes": peak_bytes(), "notes": {}}


def peak_bytes():
    """Peak resident memory. getrusage() is no use: it starts at the size of the parent process."""
    try:
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except OSError:
        return None


def answer(question):
    if "prepare" in question:
        return prepare(question["prepare"])
    return sample(question["sample"]) if "sample" in question else finish()


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            reply = {"value": answer(json.loads(line))}
        except Exception as error:  # a case that fails must not end the others
            reply = {"error": (str(error).strip() or type(error).__name__).splitlines()[0]}
        print(json.dumps(reply), file=answers, flush=True)
