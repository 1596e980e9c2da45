"""One segmenter in a process of its own, timed on one picture whenever its parent asks.

    PYTHON benchmarks/peer_worker.py NAME PICTURE --threads 2

Run by ``benchmarks.peers``: ours under our interpreter, each peer under that of the peers'
environment, which knows nothing of DeepPCOS. Each line on standard input asks for one look; each
answer is one JSON line. Peers come through ``import_module``: they are not installed where types
are checked, and one that is absent must not stop the others.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Look = Callable[[], object]
NNUNET_PICTURES = 4


def ours(picture: Path, threads: int) -> Look:
    """DeepPCOS: read, calibrate, clean, look twice with the mirror, measure, write JSON."""
    import cv2

    from deeppcos.app.archive.rows import rows_of
    from deeppcos.vision.release import load_release

    cv2.setNumThreads(threads)
    release = load_release(threads=threads)
    return lambda: [row.model_dump_json() for row in rows_of(picture, release)]


def nnunet(picture: Path, threads: int) -> Look:
    """nnU-Net v2, its default 2D plan, mirroring as by default: from file to mask file."""
    return _nnunet(picture, threads, mirror=True)


def nnunet_unmirrored(picture: Path, threads: int) -> Look:
    """The same without mirroring."""
    return _nnunet(picture, threads, mirror=False)


def _nnunet(picture: Path, threads: int, *, mirror: bool) -> Look:
    """Plan on pictures of this size with nnU-Net's own planner; weights as initialised."""
    folder = Path(tempfile.mkdtemp(prefix="nnunet-"))
    for name in ("raw", "preprocessed", "results"):
        (folder / name).mkdir()
        os.environ[f"nnUNet_{name}"] = str(folder / name)
    torch = _torch(threads)
    dataset = _planned_dataset(folder, picture)
    preprocessed = folder / "preprocessed" / dataset
    plans = import_module("nnunetv2.utilities.plans_handling.plans_handler").PlansManager(
        str(preprocessed / "nnUNetPlans.json")
    )
    stated = json.loads((folder / "raw" / dataset / "dataset.json").read_text(encoding="utf-8"))
    configuration = plans.get_configuration("2d")
    network = import_module("nnunetv2.utilities.get_network_from_plans").get_network_from_plans(
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
        1,
        len(stated["labels"]),
        deep_supervision=False,
    )
    predictor = import_module("nnunetv2.inference.predict_from_raw_data").nnUNetPredictor(
        use_mirroring=mirror,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    axes = (0, 1) if mirror else None
    predictor.manual_initialization(
        network, plans, configuration, [network.state_dict()], stated, "nnUNetTrainer", axes
    )
    network.eval()
    mask = str(folder / "mask")
    return lambda: predictor.predict_from_files_sequential(
        [[str(picture)]], [mask], save_probabilities=False, overwrite=True
    )


def _planned_dataset(folder: Path, picture: Path) -> str:
    """A data set of copies of the picture, planned by nnU-Net; returns its name."""
    numpy, pillow = import_module("numpy"), import_module("PIL.Image")
    raw = folder / "raw" / "Dataset001_Ovary"
    grey = numpy.asarray(pillow.open(picture))
    label = numpy.zeros(grey.shape, numpy.uint8)
    tall, wide = grey.shape
    label[tall // 4 : tall // 2, wide // 4 : wide // 2] = 1
    label[tall // 3 : tall // 3 + 20, wide // 3 : wide // 3 + 20] = 2
    for place in ("imagesTr", "labelsTr"):
        (raw / place).mkdir(parents=True)
    for number in range(NNUNET_PICTURES):
        pillow.fromarray(grey).save(raw / "imagesTr" / f"case{number}_0000.png")
        pillow.fromarray(label).save(raw / "labelsTr" / f"case{number}.png")
    stated = {
        "channel_names": {"0": "ultrasound"},
        "labels": {"background": 0, "ovary": 1, "follicle": 2},
        "numTraining": NNUNET_PICTURES,
        "file_ending": ".png",
    }
    (raw / "dataset.json").write_text(json.dumps(stated), encoding="utf-8")
    planning = import_module("nnunetv2.experiment_planning.plan_and_preprocess_api")
    planning.extract_fingerprints([1], num_processes=1)
    planning.plan_experiments([1])
    return raw.name


def monai_unet(picture: Path, threads: int) -> Look:
    """MONAI's U-Net in eager torch over its sliding window of 256 pixels, a quarter shared."""
    torch = _torch(threads)
    numpy, pillow = import_module("numpy"), import_module("PIL.Image")
    slide = import_module("monai.inferers").sliding_window_inference
    network = import_module("monai.networks.nets").UNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=4,
        channels=(32, 64, 128, 256, 512),
        strides=(2, 2, 2, 2),
        num_res_units=2,
    )
    network.eval()

    def look() -> object:
        grey = numpy.asarray(pillow.open(picture), dtype=numpy.float32) / 255
        with torch.inference_mode():
            maps = slide(torch.from_numpy(grey)[None, None], (256, 256), 4, network, overlap=0.25)
            return maps.argmax(dim=1).numpy()

    return look


def cellpose(picture: Path, threads: int) -> Look:
    """Cellpose 3's network at its own size; following flows needs trained weights: left out."""
    _torch(threads)
    numpy, pillow = import_module("numpy"), import_module("PIL.Image")
    model = import_module("cellpose.models").CellposeModel(gpu=False, pretrained_model=False)
    return lambda: model.eval(
        numpy.asarray(pillow.open(picture)), diameter=30, channels=[0, 0], compute_masks=False
    )


def ultralytics(picture: Path, threads: int) -> Look:
    """Ultralytics YOLO11n-seg at 640 pixels.

    Its warm-up alone imports torchvision, whose package is built for CUDA and does not load
    beside torch for CPUs; without the warm-up it uses its own non-maximum suppression.
    """
    _torch(threads)
    model = import_module("ultralytics").YOLO("yolo11n-seg.yaml", task="segment")
    settings = {"imgsz": 640, "device": "cpu", "verbose": False, "mode": "predict", "save": False}
    predictor = import_module("ultralytics.models.yolo.segment").SegmentationPredictor(
        overrides=settings
    )
    predictor.setup_model(model.model, verbose=False)
    predictor.done_warmup = True
    _torch(threads)
    return lambda: predictor(str(picture))


def _torch(threads: int) -> Any:
    """Torch, held to so many threads, the same weights each time."""
    torch = import_module("torch")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return torch


WORKERS: dict[str, Callable[[Path, int], Look]] = {
    "deeppcos": ours,
    "nnunet": nnunet,
    "nnunet_unmirrored": nnunet_unmirrored,
    "monai_unet": monai_unet,
    "cellpose": cellpose,
    "ultralytics": ultralytics,
}


def main() -> None:
    """Get ready, then look whenever asked."""
    options = argparse.ArgumentParser()
    options.add_argument("name", choices=WORKERS)
    options.add_argument("picture", type=Path)
    options.add_argument("--threads", type=int, default=2)
    asked = options.parse_args()
    # What a peer prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    look = WORKERS[asked.name](asked.picture, asked.threads)
    look()
    _answer(answers, {"ready": True})
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        look()
        taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _answer(answers, taken | {"peak_mib": peak})


def _answer(answers: Any, said: dict[str, Any]) -> None:
    """One line to the parent."""
    answers.write(json.dumps(said) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
