"""A step of training in PyTorch, of the network that `npm run demo:fashion` trains: MobileNet v1, alpha 0.25, 32x32,
batch 128, SGD with Nesterov's momentum. Prints one line of JSON; `npm run bench:training` runs it where PyTorch is there.

    python3 bench/peers/training_torch.py --threads 1 --steps 20
"""

import argparse
import json
import time

import torch
from torch import nn

BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


def layer(channels, filters, size, stride, groups=1):
    return [
        nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(filters, eps=1e-3),
        nn.ReLU6(inplace=True),
    ]


def network(alpha=0.25, channels=1, classes=10):
    width = max(8, int(32 * alpha))
    layers = layer(channels, width, 3, 1)
    for filters, stride in BLOCKS:
        filters = max(8, int(filters * alpha))
        layers += layer(width, width, 3, stride, width) + layer(width, filters, 1, 1)
        width = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    inputs = torch.randn(options.batch, 1, 32, 32)
    labels = torch.randint(0, 10, (options.batch,))
    times = []
    for step in range(options.steps + 3):
        start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
        if step >= 3:
            times.append(1000 * (time.perf_counter() - start))
    times.sort()
    parameters = sum(p.numel() for p in net.parameters())
    told = {"torch": torch.__version__, "threads": options.threads, "parameters": parameters}
    spread = {"p10": times[len(times) // 10], "p90": times[-1 - len(times) // 10]}
    print(json.dumps({**told, "ms": times[len(times) // 2], **spread}))


main()
