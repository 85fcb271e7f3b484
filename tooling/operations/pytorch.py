"""Evaluates the table of operations in PyTorch, in float64: outputs, and gradients of sum(output * weights).

Reads the cases as JSON on standard input (make-fixtures.ts writes them) and prints the fixtures as JSON."""
import json
import sys

import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float64, "i32": torch.int32, "bool": torch.bool}


def evaluate(case):
    names = dict(zip("abcd", [torch.tensor(i["values"], dtype=DTYPES[i["dtype"]]).reshape(i["shape"]) for i in case["inputs"]]))
    leaves = [t.requires_grad_() for t in names.values() if case["differentiable"] and t.dtype == torch.float64]
    y = eval(case["torch"], {"torch": torch, "F": F, **names})
    result = {"shape": list(y.shape), "values": y.detach().double().reshape(-1).tolist(), "gradients": []}
    if leaves:
        # Weights that differ from element to element show a gradient that is put in the wrong place.
        w = torch.cos(torch.arange(y.numel(), dtype=torch.float64) * 1.7 + 0.3).reshape(y.shape)
        gradients = torch.autograd.grad((y * w).sum(), leaves, allow_unused=True)
        result["gradients"] = [(torch.zeros_like(t) if g is None else g).reshape(-1).tolist() for g, t in zip(gradients, leaves)]
    return result


print(json.dumps([evaluate(case) for case in json.load(sys.stdin)]))
