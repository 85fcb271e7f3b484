"""Runs random programs in PyTorch, in float64: the values of all results, and gradients of a weighted sum of them.

Programs come as JSON on standard input (random-programs.ts draws them); one JSON line for each goes to standard output."""
import json
import math
import sys

import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float64, "i32": torch.int32, "bool": torch.bool}
torch.set_num_threads(1)


def kind(t):
    return "bool" if t.dtype == torch.bool else "f32" if t.dtype.is_floating_point else "i32"


def run(program):
    leaves = [torch.tensor(leaf["values"], dtype=torch.float64).reshape(leaf["shape"]).to(DTYPES[leaf["dtype"]]) for leaf in program["leaves"]]
    names = {f"v{i}": leaf.requires_grad_() if leaf.dtype == torch.float64 else leaf for i, leaf in enumerate(leaves)}
    for step in program["steps"]:
        value = eval(step, {"torch": torch, "F": F}, names)
        names[f"v{len(names)}"] = value.double() if value.dtype == torch.float32 else value
    results = list(names.values())[len(leaves):]
    total = sum([(r * torch.cos(torch.arange(r.numel(), dtype=torch.float64) * 1.7 + 0.3).reshape(r.shape)).sum() for r in results if r.dtype == torch.float64], torch.zeros((), dtype=torch.float64))
    wanted = [leaf for leaf in leaves if leaf.dtype == torch.float64]
    found = torch.autograd.grad(total, wanted, allow_unused=True) if total.requires_grad and wanted else [None] * len(wanted)
    numbers = lambda t: [v if math.isfinite(v) else str(v) for v in t.detach().double().reshape(-1).tolist()]
    return {
        "results": [{"shape": list(r.shape), "dtype": kind(r), "values": numbers(r)} for r in results],
        "gradients": [numbers(torch.zeros_like(leaf) if g is None else g) for leaf, g in zip(wanted, found)],
    }


for line in sys.stdin:
    try:
        print(json.dumps(run(json.loads(line))))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
