"""What one picture asks of the machine, and what the machine can give.

    python -m benchmarks.roofline

Counts the multiplications and additions of the shipped network from its graph, and measures how
fast ONNX Runtime multiplies matrices and convolves on one core, the only work that the network is
made of. Needs the ``train`` extra for ``onnx``.
"""

import argparse
import math
from typing import Any

import numpy as np
import onnx
import onnxruntime
from benchmarks.measuring import Spread, add_json_option, keep, load_now, spread, timed
from onnx import TensorProto, helper, numpy_helper

from deeppcos.vision.preprocess import INPUT_SIDE_PX
from deeppcos.vision.release import SHIPPED, load_release, read_manifest

PROBE_SIDE = 768
PROBE_CHANNELS = 128


def operations_by_kind(model: onnx.ModelProto) -> dict[str, float]:
    """Multiplications and additions for one picture, by kind of layer.

    A convolution with one input channel a group is depthwise, with a 1 x 1 window pointwise.
    """
    shapes = _shapes(model)
    found: dict[str, float] = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            kernel = shapes[node.input[1]]
            kind, each = _kind_of(kernel), math.prod(kernel[1:])
            count = 2.0 * each * math.prod(shapes[node.output[0]][1:])
        elif node.op_type == "Gemm":
            kind, count = "matrix", 2.0 * math.prod(shapes[node.input[1]])
        else:
            continue
        found[kind] = found.get(kind, 0.0) + count
    return found


def _kind_of(kernel: tuple[int, ...]) -> str:
    """Name of a convolution by its kernel, ``(out, in a group, height, width)``."""
    if kernel[1] == 1:
        return "depthwise"
    return "pointwise" if kernel[2:] == (1, 1) else "dense"


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shape of what layers read and make while one picture passes, as the runtime made them.

    Weights are asked for as well: some are kept in half floats and widened when loaded.
    """
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    layers = [n for n in model.graph.node if n.op_type in ("Conv", "Gemm")]
    names = list(dict.fromkeys(name for n in layers for name in (n.input[1], n.output[0])))
    there = {output.name for output in model.graph.output}
    watched.graph.output.extend(
        helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names if n not in there
    )
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    picture = np.zeros((1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    answers = session.run(names, {session.get_inputs()[0].name: picture})
    return {name: tuple(a.shape) for name, a in zip(names, answers, strict=True)}


def _session(node: Any, *, x: tuple[int, ...], w: tuple[int, ...], y: int) -> Any:
    """One layer in the runtime, on one thread."""
    weight = np.random.default_rng(0).standard_normal(w).astype(np.float32)
    graph = helper.make_graph(
        [node],
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * y)],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def machine_rates(*, rounds: int) -> dict[str, Spread]:
    """Thousand million operations a processor second of one core, per kind of layer."""
    side, channels = PROBE_SIDE, PROBE_CHANNELS
    probes = {
        "matrix": (helper.make_node("MatMul", ["x", "w"], ["y"]), (side, side), (side, side)),
        "dense": (
            helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4),
            (1, channels, 64, 64),
            (channels, channels, 3, 3),
        ),
        "pointwise": (
            helper.make_node("Conv", ["x", "w"], ["y"]),
            (1, channels, 64, 64),
            (channels, channels, 1, 1),
        ),
        "depthwise": (
            helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4, group=channels),
            (1, channels, 64, 64),
            (channels, 1, 3, 3),
        ),
    }
    rates: dict[str, Spread] = {}
    for kind, (node, x, w) in probes.items():
        session = _session(node, x=x, w=w, y=len(x))
        given = {"x": np.random.default_rng(1).standard_normal(x).astype(np.float32)}
        work = 2.0 * math.prod(w[1:]) * (side * side if kind == "matrix" else channels * 64 * 64)
        again = max(1, round(2e8 / work))
        times = [_taken(session, given, again=again) for _ in range(rounds + 1)][1:]
        rates[kind] = spread([work * again / seconds / 1e9 for seconds in times])
    return rates


def _taken(session: Any, given: Any, *, again: int) -> float:
    """Processor seconds of so many runs of one layer."""
    return timed(lambda: [session.run(None, given) for _ in range(again)])[1]


def network_rate(operations: float, *, rounds: int) -> tuple[Spread, Spread]:
    """Processor seconds of one picture on one thread, and the rate that makes."""
    network = load_release(threads=1).network
    picture = np.random.default_rng(2).random((1, 1, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    times = [timed(lambda: network(picture))[1] for _ in range(rounds + 2)][2:]
    return spread(times), spread([operations / seconds / 1e9 for seconds in times])


def main() -> None:
    """Count and measure."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=15)
    add_json_option(options)
    asked = options.parse_args()
    load_before = load_now()
    model = onnx.load(str(SHIPPED / read_manifest(SHIPPED).weights_file))
    kinds = operations_by_kind(model)
    rates = machine_rates(rounds=asked.rounds)
    seconds, rate = network_rate(sum(kinds.values()), rounds=asked.rounds)
    least = sum(count / rates[kind].median / 1e9 for kind, count in kinds.items())
    print(f"load average {load_before:.1f}; one core; median (least to largest)")
    for kind, count in kinds.items():
        print(f"{kind:10s} {count / 1e9:7.3f} G a picture; {rates[kind].said()} G/s")
    print(f"matrix product: {rates['matrix'].said()} G/s")
    print(f"network: {seconds.said(factor=1000)} ms a picture, {rate.said()} G/s")
    print(f"at the machine's own rates its layers would take {1000 * least:.1f} ms")
    figures = {
        "operations": kinds,
        "rates": rates,
        "network_s": seconds,
        "network_rate": rate,
        "least_s": least,
    }
    keep(figures, asked.json, load_before=load_before)


if __name__ == "__main__":
    main()
