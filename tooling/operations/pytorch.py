"""Evaluates the table of operations in PyTorch, in float64: outputs, and gradients of sum(output * weights):
of inputs with more than 2000 elements every 101st.

Reads the cases as JSON on standard input (make-fixtures.ts writes them) and prints the fixtures as JSON."""
import json
import math
import sys

import torch
import torch.nn.functional as F

DTYPES = {"f32": torch.float64, "i32": torch.int32, "u32": torch.int64, "bool": torch.bool}


def evaluate(case):
    names = dict(zip("abcd", [torch.tensor([float(v) for v in i["values"]], dtype=torch.float64).to(DTYPES[i["dtype"]]).reshape(i["shape"]) for i in case["inputs"]]))
    leaves = [t.requires_grad_() for t in names.values() if case["differentiable"] and t.dtype == torch.float64]
    y = eval(case["torch"], {"torch": torch, "F": F, **names})
    result = {"shape": list(y.shape), "values": y.detach().double().reshape(-1).tolist(), "gradients": []}
    if leaves:
        # Weights that differ from element to element show a gradient that is put in the wrong place.
        w = torch.cos(torch.arange(y.numel(), dtype=torch.float64) * 1.7 + 0.3).reshape(y.shape)
        gradients = torch.autograd.grad((y * w).sum(), leaves, allow_unused=True)
        result["gradients"] = [(torch.zeros_like(t) if g is None else g).reshape(-1)[:: 101 if t.numel() > 2000 else 1].tolist() for g, t in zip(gradients, leaves)]
    return result


def finite(value):
    """JSON has no NaN and no infinity: they become text that JavaScript's Number() reads."""
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


print(json.dumps(finite([evaluate(case) for case in json.load(sys.stdin)])))
