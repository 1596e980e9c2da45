"""How well near duplicates are found, and how fast, beside perceptual hashes in the same run.

Reproduces docs/evidence/audit-near-duplicates.md::

    python benchmarks/audit.py accuracy
    python benchmarks/audit.py speed --images 10000

``accuracy`` draws phantoms, changes each in known ways, and asks which files come from one
phantom. ``speed`` audits a folder of generated pictures, a tenth of them changed copies, and
prints time, processor time and memory. The peer is the perceptual hash of ``imagehash`` (install
it first), which tools such as imagededup search duplicates by; pairs within ``--bits`` count.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from deeppcos.learning.audit.copies import Groups, find_copies
from deeppcos.learning.audit.findings import Share, wilson
from deeppcos.learning.audit.local_features import FeatureStore
from deeppcos.learning.audit.looking_at_pictures import look_at_all
from deeppcos.learning.audit.picture_set import picture_folder
from deeppcos.learning.phantom import random_scene

Pixels = npt.NDArray[np.uint8]
Chance = np.random.Generator
Pairs = set[tuple[int, int]]


def cropped(pixels: Pixels, draw: Chance) -> Pixels:
    """A window of 50 to 90 % of each side."""
    height, width = pixels.shape[:2]
    tall, wide = (round(side * draw.uniform(0.5, 0.9)) for side in (height, width))
    top, left = int(draw.integers(height - tall + 1)), int(draw.integers(width - wide + 1))
    return pixels[top : top + tall, left : left + wide].copy()


def turned(pixels: Pixels, draw: Chance, *, border: int, degrees: float = 40) -> Pixels:
    """Turned, sheared a little and moved, the border filled."""
    height, width = pixels.shape[:2]
    angle = draw.uniform(5, degrees) * draw.choice([-1, 1])
    zoom = draw.uniform(0.85, 1.2)
    way = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), angle, zoom), np.float64)
    way[0, 1] += draw.uniform(-0.15, 0.15)
    way[:, 2] += draw.uniform(-0.1, 0.1, 2) * (width, height)
    return np.asarray(cv2.warpAffine(pixels, way, (width, height), borderMode=border), np.uint8)


def rescaled(pixels: Pixels, draw: Chance) -> Pixels:
    """A third to one and a half times as large, squeezed by up to a fifth."""
    factor = draw.uniform(0.35, 1.5)
    sides = (factor * draw.uniform(0.8, 1.0), factor)
    return np.asarray(cv2.resize(pixels, None, fx=sides[0], fy=sides[1]), np.uint8)


def padded(pixels: Pixels, draw: Chance) -> Pixels:
    """Bars of one tone on any side."""
    height, width = pixels.shape[:2]
    top, low, left, right = (
        int(draw.uniform(0, 0.25) * side) for side in (height, height, width, width)
    )
    tone = (float(draw.integers(256)),) * 3
    filled = cv2.copyMakeBorder(pixels, top, low, left, right, cv2.BORDER_CONSTANT, value=tone)
    return np.asarray(filled, np.uint8)


def everything(pixels: Pixels, draw: Chance) -> Pixels:
    """Mirrored, turned, cropped to 70 % and over, rescaled, brighter or darker."""
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    moved = turned(mirrored, draw, border=cv2.BORDER_REFLECT, degrees=20)
    height, width = moved.shape[:2]
    part = moved[round(0.15 * height * draw.random()) :, round(0.15 * width * draw.random()) :]
    small = rescaled(part.copy(), draw)
    light = small.astype(np.float32) * draw.uniform(0.7, 1.3) + draw.uniform(-10, 10)
    return light.clip(0, 255).astype(np.uint8)


CHANGES: Mapping[str, Callable[[Pixels, Chance], Pixels]] = {
    "crop": cropped,
    "flip": lambda pixels, draw: np.ascontiguousarray(pixels[:, ::-1]),
    "quarter turn": lambda pixels, draw: np.rot90(pixels, int(draw.integers(1, 4))).copy(),
    "rotation, constant fill": lambda p, d: turned(p, d, border=cv2.BORDER_CONSTANT),
    "rotation, repeated border": lambda p, d: turned(p, d, border=cv2.BORDER_REPLICATE),
    "rotation, reflected border": lambda p, d: turned(p, d, border=cv2.BORDER_REFLECT),
    "rescale": rescaled,
    "bars": padded,
    "all together": everything,
}


def accuracy(folder: Path, *, sources: int, bits: int) -> None:
    """Phantoms and their changes: recall by change, precision over all pairs."""
    truth: dict[str, tuple[int, str]] = {}
    for source in range(sources):
        pixels = random_scene(np.random.default_rng([1000, source])).pixels
        draw = np.random.default_rng([1001, source])
        files = {"as it is": pixels} | {name: do(pixels, draw) for name, do in CHANGES.items()}
        for place, (name, changed) in enumerate(files.items()):
            path = folder / f"{source}_{place}.jpg"
            Image.fromarray(changed).save(path, quality=int(draw.integers(70, 96)))
            truth[path.name] = (source, name)
    pictures = picture_folder(folder).pictures
    owners = [truth[picture.name][0] for picture in pictures]
    changes = [truth[picture.name][1] for picture in pictures]
    ours = joined_by_audit(folder)
    peer = within_groups(hash_pairs(folder, bits=bits), len(pictures))
    print(f"{sources} phantoms, {len(pictures)} files, {bits} bits for the hash")
    for name in CHANGES:
        print(f"recall {name}: audit {recall(ours, owners, changes, name)}", end="; ")
        print(f"hash {recall(peer, owners, changes, name)}")
    for name, pairs in (("audit", ours), ("hash", peer)):
        right = sum(owners[a] == owners[b] for a, b in pairs)
        true = sum(a == b for a, b in combinations(owners, 2))
        print(f"{name}: precision over pairs {said(wilson(right, len(pairs)))}")
        print(f"{name}: recall over pairs {said(by_source(pairs, owners))}; {true} true pairs")
        mixed = {owners[n] for pair in pairs if owners[pair[0]] != owners[pair[1]] for n in pair}
        print(f"{name}: phantoms joined with another: {said(wilson(len(mixed), sources))}")


def recall(pairs: Pairs, owners: list[int], changes: list[str], name: str) -> str:
    """Share of files changed in one way that are joined with their source."""
    original = {owners[n]: n for n, change in enumerate(changes) if change == "as it is"}
    asked = [n for n, change in enumerate(changes) if change == name]
    found = [tuple(sorted((n, original[owners[n]]))) in pairs for n in asked]
    return said(wilson(sum(found), len(found)))


def by_source(pairs: Pairs, owners: list[int]) -> Share:
    """Recall over true pairs, with a 95 % interval by resampling sources."""
    members: dict[int, list[int]] = defaultdict(list)
    for number, owner in enumerate(owners):
        members[owner].append(number)
    shares = np.asarray(
        [np.mean([pair in pairs for pair in combinations(group, 2)]) for group in members.values()]
    )
    drawn = np.random.default_rng(0).integers(len(shares), size=(2000, len(shares)))
    low, high = (float(end) for end in np.quantile(shares[drawn].mean(axis=1), (0.025, 0.975)))
    return Share(value=float(shares.mean()), low=low, high=high, n=len(shares))


def joined_by_audit(folder: Path, *, threads: int = 2) -> Pairs:
    """Pairs of files the audit takes for one picture."""
    pictures = picture_folder(folder).pictures
    with FeatureStore(len(pictures)) as store:
        begun, used = time.perf_counter(), time.process_time()
        facts, _ = look_at_all(pictures, store, threads=threads)
        seen = time.process_time()
        copies = find_copies(facts, store, threads=threads)
        wall, cpu = time.perf_counter() - begun, time.process_time() - used
    print(
        f"audit: {len(pictures)} files in {wall:.0f} s, {cpu:.0f} s of processor"
        f" ({seen - used:.0f} looking, {cpu - seen + used:.0f} comparing {copies.compared} pairs),"
        f" {1000 * cpu / len(pictures):.1f} ms a file, peak memory {peak_mib():.0f} MiB"
    )
    return {pair for group in copies.sources for pair in combinations(group, 2)}


def hash_pairs(folder: Path, *, bits: int) -> Pairs:
    """Pairs of files whose perceptual hashes differ in few bits."""
    import imagehash

    begun, used = time.perf_counter(), time.process_time()
    codes = []
    for picture in picture_folder(folder).pictures:
        with Image.open(picture.path) as image:
            codes.append(np.packbits(imagehash.phash(image).hash.ravel()))
    packed = np.asarray(codes).view(np.uint64).ravel()
    found: Pairs = set()
    for first, code in enumerate(packed[:-1]):
        apart = np.bitwise_count(packed[first + 1 :] ^ code)
        found |= {(first, first + 1 + int(n)) for n in np.flatnonzero(apart <= bits)}
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    print(
        f"hash: {len(codes)} files in {wall:.0f} s, {cpu:.0f} s of processor,"
        f" {1000 * cpu / len(codes):.1f} ms a file"
    )
    return found


def within_groups(pairs: Pairs, count: int) -> Pairs:
    """All pairs inside the groups that pairs form."""
    groups = Groups(range(count))
    for first, second in pairs:
        groups.join(first, second)
    return {pair for group in groups.listed() for pair in combinations(group, 2)}


def peak_mib() -> float:
    """Largest resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def said(share: Share) -> str:
    """A share with its interval."""
    if share.value is None or share.low is None or share.high is None:
        return "none"
    return f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f}), n {share.n}"


def cheap_scene(draw: Chance) -> Pixels:
    """A fan of speckle with dark ovals: as busy as a scan, and drawn in milliseconds."""
    height, width = 480, 640
    coarse = cv2.resize(draw.random((12, 16), np.float32), (width, height))
    fine = cv2.resize(draw.random((height // 3, width // 3), np.float32), (width, height))
    grey = 90 * coarse + 110 * fine * coarse
    for _ in range(draw.integers(2, 14)):
        middle = (int(draw.integers(120, 520)), int(draw.integers(80, 420)))
        axes = (int(draw.integers(8, 50)), int(draw.integers(8, 40)))
        cv2.ellipse(grey, middle, axes, float(draw.integers(180)), 0, 360, 12.0, -1)
    fan = np.zeros((height, width), np.uint8)
    reach = int(draw.integers(380, 470))
    cv2.ellipse(fan, (width // 2, -60), (reach + 60, reach + 60), 90, -48, 48, 255, -1)
    shown = np.where(fan > 0, grey.clip(0, 255), 0).astype(np.uint8)
    return np.repeat(shown[:, :, None], 3, axis=2)


def speed(folder: Path, *, images: int, bits: int) -> None:
    """A large folder, a tenth of it changed copies."""
    names, ways = list(CHANGES), list(CHANGES.values())
    copies = images // 10
    for number in range(images - copies):
        pixels = cheap_scene(np.random.default_rng([2000, number]))
        Image.fromarray(pixels).save(folder / f"{number}_0.jpg", quality=88)
        if number < copies:
            draw = np.random.default_rng([2001, number])
            changed = ways[number % len(names)](pixels, draw)
            Image.fromarray(changed).save(folder / f"{number}_1.jpg", quality=88)
    owners = [int(p.path.stem.split("_")[0]) for p in picture_folder(folder).pictures]
    ours = joined_by_audit(folder)
    peer = hash_pairs(folder, bits=bits)
    for name, pairs in (("audit", ours), ("hash", peer)):
        right = sum(owners[a] == owners[b] for a, b in pairs)
        print(f"{name}: precision {said(wilson(right, len(pairs)))}", end="; ")
        print(f"recall {said(wilson(right, copies))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("accuracy", "speed"))
    parser.add_argument("--sources", type=int, default=100, help="phantoms for accuracy")
    parser.add_argument("--images", type=int, default=10_000, help="files for speed")
    parser.add_argument("--bits", type=int, default=10, help="bits two hashes may differ in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.what == "accuracy":
            accuracy(Path(folder), sources=arguments.sources, bits=arguments.bits)
        else:
            speed(Path(folder), images=arguments.images, bits=arguments.bits)


if __name__ == "__main__":
    main()
