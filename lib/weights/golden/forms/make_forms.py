"""Small networks as other code has them: what Hugging Face's compute, and which names and shapes each code wants.

    python lib/weights/golden/forms/make_forms.py                 (torch, timm, transformers)
    deno run -A lib/experiments/subjects/golden/export_forms.ts FOLDER
    python lib/weights/golden/forms/make_forms.py FOLDER

The first line makes forms.json, outputs.json and the .safetensors beside them. The other two prove the way back: files
that saveWeights() wrote are loaded by these modules with strict=True, by `from_pretrained` where that is the reader, and
what they compute is compared.

Versions used: torch 2.14.1, timm 1.0.31, transformers 5.24.0.
"""

import json
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

import timm
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

here = Path(__file__).parent
sys.path.append(str(here.parents[2] / "models" / "golden"))
import convnext  # noqa: E402
import replknet  # noqa: E402
import slak  # noqa: E402
import swin  # noqa: E402
from formula import image, sample, values  # noqa: E402

classes = 5

convnext_sizes = {"depths": [1, 2], "dims": [8, 12]}
convnext_config = {
    "arch": "convnext",
    **convnext_sizes,
    "kernelSize": 7,
    "batchNorm": False,
    "dwconvBias": True,
    "patchSize": 4,
    "dropPathRate": 0.1,
    "layerScaleInit": 1e-6,
}
bc_ssl_config = {**convnext_config, "kernelSize": 9, "batchNorm": True, "dwconvBias": False}
four_stages = {"depths": [1, 1, 1, 1], "dims": [8, 12, 8, 8]}
wide_stages = {"depths": [1, 1, 1, 1], "dims": [96, 8, 8, 8]}
vit_config = {
    "arch": "vit",
    "embedDim": 12,
    "depth": 2,
    "numHeads": 3,
    "patchSize": 4,
    "imageSize": 16,
    "norm": "layer",
    "dropPathRate": 0.1,
}
swin_config = {
    "arch": "swin",
    "embedDim": 8,
    "depths": [2, 1],
    "numHeads": [2, 4],
    "windowSize": 4,
    "patchSize": 4,
    "imageSize": 32,
    "normEps": 1e-5,
    "dropPathRate": 0.1,
}
resnet_config = {
    "arch": "resnet",
    "block": "bottleneck",
    "depths": [1, 2],
    "dims": [4, 6],
    "selectiveKernels": False,
}
basic_config = {**resnet_config, "block": "basic"}


# ---------------------------------------------------------------- modules


class MergeableKernel(nn.Module):
    """BC-SSL's depthwise convolution, as its models/SLaK.py names it, without the small kernel beside it."""

    def __init__(self, conv, bn):
        super().__init__()
        layers = OrderedDict(conv=conv) if bn is None else OrderedDict(conv=conv, bn=bn)
        self.lkb_origin = nn.Sequential(layers)

    def forward(self, x):
        return self.lkb_origin(x)


def bc_ssl(batch_norm):
    model = convnext.ConvNeXt([1, 2], [8, 12], [9, 9], batch_norm, False, classes=classes)
    for stage in model.stages:
        for block in stage:
            block.large_kernel = MergeableKernel(block.dwconv, getattr(block, "bn", None))
            del block.dwconv
            if batch_norm:
                del block.bn
            block.forward = forward_of(block)
    return model


def forward_of(block):
    def forward(x):
        y = block.large_kernel(x).permute(0, 2, 3, 1)
        y = block.pwconv2(nn.functional.gelu(block.pwconv1(block.norm(y))))
        return x + (block.gamma * y).permute(0, 3, 1, 2)

    return forward


def official_swin(masks):
    """Swin with the buffers of models/swin_transformer.py: Microsoft's with the masks, EsViT's without."""
    model = swin.Swin(8, [2, 1], [2, 4], 4, 32, eps=1e-5, classes=classes)
    for i, layer in enumerate(model.layers):
        side = 8 >> i
        for block in layer.blocks:
            w, s = block.window, block.shift
            places = torch.stack(torch.meshgrid(torch.arange(w), torch.arange(w), indexing="ij")).flatten(1)
            apart = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + w - 1
            block.attn.register_buffer("relative_position_index", apart[..., 0] * (2 * w - 1) + apart[..., 1])
            if masks and s > 0:
                strips = (slice(0, -w), slice(-w, -s), slice(-s, None))
                regions = torch.zeros(1, side, side, 1)
                for row, rows in enumerate(strips):
                    for column, columns in enumerate(strips):
                        regions[:, rows, columns] = 3 * row + column
                inside = block.windows(regions)[0, :, :, 0]
                block.register_buffer("attn_mask", -100.0 * (inside[:, None] != inside[:, :, None]))
    return model


def from_timm():
    sizes = {"num_classes": classes}
    return [
        ("timm", {**convnext_config, **four_stages}, timm.models.ConvNeXt(**four_stages, conv_mlp=True, **sizes)),
        ("timm", {**convnext_config, **wide_stages}, timm.models.ConvNeXt(**wide_stages, **sizes)),
        (
            "timm",
            vit_config,
            timm.models.VisionTransformer(16, 4, embed_dim=12, depth=2, num_heads=3, norm_layer=norm_1e6, **sizes),
        ),
        (
            "timm",
            swin_config,
            timm.models.SwinTransformer(32, 4, embed_dim=8, depths=(2, 1), num_heads=(2, 4), window_size=4, **sizes),
        ),
        ("timm", {**resnet_config, "depths": [1, 1, 1, 1], "dims": [64, 128, 256, 512]}, timm_resnet("Bottleneck")),
        ("timm", {**basic_config, "depths": [1, 1, 1, 1], "dims": [64, 128, 256, 512]}, timm_resnet("BasicBlock")),
    ]


def norm_1e6(dim, **options):
    return nn.LayerNorm(dim, **{**options, "eps": 1e-6})


def timm_resnet(block):
    return timm.models.ResNet(getattr(timm.models.resnet, block), [1, 1, 1, 1], num_classes=classes)


def from_transformers():
    """Configuration here, and the classes with and without a classifier."""
    vit = transformers.ViTConfig(
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=48,
        image_size=16,
        patch_size=4,
        num_labels=classes,
        layer_norm_eps=1e-6,
    )
    windows = transformers.SwinConfig(
        image_size=32,
        patch_size=4,
        embed_dim=8,
        depths=[2, 1],
        num_heads=[2, 4],
        window_size=4,
        num_labels=classes,
    )
    bottleneck = transformers.ResNetConfig(
        embedding_size=4,
        hidden_sizes=[16, 24],
        depths=[1, 2],
        num_labels=classes,
    )
    basic = transformers.ResNetConfig(
        embedding_size=4,
        hidden_sizes=[4, 6],
        depths=[1, 2],
        layer_type="basic",
        num_labels=classes,
    )
    plain = transformers.ConvNextConfig(
        hidden_sizes=[8, 12],
        depths=[1, 2],
        num_stages=2,
        num_labels=classes,
        layer_norm_eps=1e-6,  # the official one; transformers' own default of 1e-12 shows where features hardly vary
    )
    t = transformers
    return [
        ("vit", vit_config, vit, t.ViTModel, t.ViTForImageClassification),
        ("swin", swin_config, windows, t.SwinModel, t.SwinForImageClassification),
        ("resnet", resnet_config, bottleneck, t.ResNetModel, t.ResNetForImageClassification),
        ("resnet_basic", basic_config, basic, t.ResNetModel, t.ResNetForImageClassification),
        ("convnext", convnext_config, plain, t.ConvNextModel, t.ConvNextForImageClassification),
    ]


def official():
    sizes = ([1, 2], [8, 12])
    branches = {"smallKernelSize": 5, "dropPathRate": 0.1}
    replknet_config = {"arch": "replknet", **convnext_sizes, "kernelSizes": [9, 7], **branches, "merged": False}
    slak_config = {"arch": "slak", **convnext_sizes, "kernelSizes": [13, 9], **branches}
    slak_config |= {"patchSize": 4, "layerScaleInit": 1e-6}
    return [
        ("official", replknet_config, replknet.RepLKNet(*sizes, [9, 7], 5, classes=classes)),
        ("official", slak_config, slak.SLaK(*sizes, [13, 9], 5, classes=classes)),
        ("official", convnext_config, convnext.ConvNeXt(*sizes, [7, 7], False, True, classes=classes)),
        ("official", bc_ssl_config, bc_ssl(True)),
        ("official", {**bc_ssl_config, "batchNorm": False}, bc_ssl(False)),
        ("official", swin_config, official_swin(True)),
        ("esvit", swin_config, official_swin(False)),
    ]


# ---------------------------------------------------------------- what they hold and compute


def fill(model):
    """Floats by the formula; counters, indices and masks stay."""
    state = model.state_dict()
    for name, value in state.items():
        if value.is_floating_point() and not name.endswith("attn_mask"):
            state[name] = values(name, value.shape)
    model.load_state_dict(state)
    return model.eval()


def kinds(state):
    """Type and shape of each tensor, by its name."""
    types = {torch.float32: "F32", torch.int64: "I64"}
    return {name: [types[value.dtype], list(value.shape)] for name, value in sorted(state.items())}


def saved(model):
    """The file that `save_pretrained` writes."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return load_file(Path(folder) / "model.safetensors")


def pictures(config):
    side = config.get("imageSize", 32)
    return image(2, side, side).float()


def make():
    outputs, forms = [], []
    for name, config, theirs, plain, classifier in from_transformers():
        for suffix, kind in (("", plain), ("_classifier", classifier)):
            torch.manual_seed(0)
            model = fill(kind(theirs))
            file, modules = f"{name}{suffix}", f"{name}{suffix}_modules"
            state = saved(model)
            save_file(state, here / f"{file}.safetensors", {"format": "pt"})
            with torch.no_grad():
                output = model(pictures(config))
            result = {"logits" if suffix else "features": sample(result_of(output))}
            case = {"file": file, "config": config, "numClasses": classes if suffix else 0, **result}
            outputs.append(case)
            if suffix and set(model.state_dict()) != set(state):  # since version 5 modules have other names than files
                contents = {key: value.contiguous() for key, value in model.state_dict().items()}
                save_file(contents, here / f"{modules}.safetensors", {"format": "pt"})
                outputs.append({**case, "file": modules})
            wanted = {key: value for key, value in state.items() if not key.startswith("pooler.")}
            forms.append({"format": "huggingface", "config": config, "numClasses": case["numClasses"], "tensors": kinds(wanted)})
    for form, config, model in [*official(), *from_timm()]:
        forms.append({"format": form, "config": config, "numClasses": classes, "tensors": kinds(model.state_dict())})
    for path, cases in (("outputs.json", outputs), ("forms.json", forms)):
        lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
        (here / path).write_text(f"[\n{lines}\n]\n")


# ---------------------------------------------------------------- the way back


def load(folder):
    """Loads what export_forms.ts wrote, in the order of forms.json, and compares what it computes."""
    readers = []
    for _, config, theirs, plain, classifier in from_transformers():
        readers += [(config, pretrained(theirs, plain)), (config, pretrained(theirs, classifier))]
    readers += [(config, strictly(model)) for _, config, model in [*official(), *from_timm()]]
    for i, (config, reader) in enumerate(readers):
        run = reader(load_file(folder / f"{i}.safetensors"))
        saved = json.loads((folder / f"{i}.json").read_text())
        side = config.get("imageSize", 32)
        with torch.no_grad():
            output = run(torch.tensor(saved["input"]).reshape(2, side, side, 3).permute(0, 3, 1, 2))
        theirs, ours = result_of(output), torch.tensor(saved["output"])
        apart = ((ours - theirs).abs().max() / theirs.abs().max()).item()
        print(f"{i} {config['arch']}: largest relative difference {apart:.1e}")
        assert apart < 1e-5


def result_of(output):
    """Logits; of a model without a classifier, the features."""
    if isinstance(output, tuple):
        return output[0]
    if torch.is_tensor(output):
        return output
    if "logits" in output:
        return output.logits
    tokens = output.last_hidden_state
    return tokens[:, 0] if tokens.shape[1] == 17 else output.pooler_output.flatten(1)


def strictly(model):
    def reader(state):
        assert set(state) == set(model.state_dict())
        print(model.load_state_dict(state, strict=True))
        return model.eval()

    return reader


def pretrained(config, kind):
    def reader(state):
        options = {"add_pooling_layer": False} if kind is transformers.ViTModel else {}
        with tempfile.TemporaryDirectory() as folder:
            config.save_pretrained(folder)
            save_file(state, Path(folder) / "model.safetensors", {"format": "pt"})
            model, info = kind.from_pretrained(folder, output_loading_info=True, **options)
        problems = {key: list(names) for key, names in info.items() if len(names) > 0}
        assert not problems, problems
        return model.eval()

    return reader


if __name__ == "__main__":
    if len(sys.argv) > 1:
        load(Path(sys.argv[1]))
    else:
        make()
