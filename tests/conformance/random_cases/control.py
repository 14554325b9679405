"""If, Loop and Scan whose course is known when a model is read."""
import numpy as np
from onnx import TensorProto, helper


def port(name, shape=None, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def branch(d, name):
    """Some function of the outer x1 and x2."""
    chosen = [helper.make_node(d.of("Add", "Mul", "Sub"), ["x1", "x2"], [name + "_a"])]
    if d.flip():
        chosen.append(helper.make_node(d.of("Relu", "Tanh", "Neg"), [name + "_a"], [name + "_b"]))
    return helper.make_graph(chosen, name, [], [port(chosen[-1].output[0])])


def if_node(d):
    shape = d.shape(1, 3)
    attributes = {"then_branch": branch(d, "yes"), "else_branch": branch(d, "no")}
    return d.case("If", [np.asarray(d.flip()), d.reals(shape), d.reals(d.broadcast(shape))], d.opset(11), attributes=attributes, fixed=(0,),
                  maybe=(2,), outer=(1, 2))


def loop(d):
    """s = s (op) x3, collected in half of the cases."""
    shape, collected = d.shape(1, 2, 8), d.flip()
    nodes = [helper.make_node("Identity", ["go_in"], ["go"]), helper.make_node(d.of("Add", "Sub"), ["s_in", "x3"], ["s"])]
    ports = [port("go", [], TensorProto.BOOL), port("s", shape)]
    if collected:
        nodes.append(helper.make_node(d.of("Relu", "Sigmoid"), ["s"], ["seen"]))
        ports.append(port("seen", shape))
    body = helper.make_graph(nodes, "body", [port("i", [], TensorProto.INT64), port("go_in", [], TensorProto.BOOL), port("s_in", shape)], ports)
    inputs = [np.asarray(d.int(1, 4), np.int64), np.asarray(True), d.reals(shape), d.reals(shape)]
    return d.case("Loop", inputs, d.opset(11), 1 + collected, {"body": body}, fixed=(0, 1), maybe=(3,), outer=(3,))


def scan(d):
    """s = s (op) each slice of x1, collected; in either direction, along any axis."""
    shape, steps, axis = d.shape(1, 2, 6), d.int(1, 4), d.int(0, 1)
    nodes = [helper.make_node(d.of("Add", "Mul"), ["s_in", "part"], ["s"]), helper.make_node(d.of("Identity", "Tanh"), ["s"], ["seen"])]
    body = helper.make_graph(nodes, "body", [port("s_in", shape), port("part", shape)], [port("s", shape), port("seen", shape)])
    sequence = list(shape)
    sequence.insert(axis, steps)
    attributes = {"body": body, "num_scan_inputs": 1, "scan_input_axes": [axis],
                  **d.some({"scan_input_directions": [d.int(0, 1)], "scan_output_directions": [d.int(0, 1)]})}
    return d.case("Scan", [d.reals(shape), d.reals(sequence, -1.5, 1.5)], d.opset(11), 2, attributes, maybe=(0,))


MAKERS = {"If": if_node, "Loop": loop, "Scan": scan}
