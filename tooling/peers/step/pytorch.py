"""PyTorch on the CPU, eager, with STEP_THREADS threads: the same work with the fused operations that it offers."""
import base64, json, os, sys, time

try:
    import torch
except ImportError:
    sys.exit(0)  # no PyTorch here: the table goes without
import torch.nn.functional as F

THREADS = int(os.environ["STEP_THREADS"])
torch.set_num_threads(THREADS)
wanted = os.environ.get("STEP_MEASURES")
wants = lambda measure: wanted is None or measure in wanted.split(",")


def report(measure, value, **more):
    print(json.dumps({"library": "PyTorch", "device": "cpu", "threads": THREADS, "measure": measure, "value": float(f"{value:.4g}"), **more}), flush=True)


def best(work, least=7, budget=4.0, calls=1):
    work(), work()
    start, shortest, turn = time.perf_counter(), float("inf"), 0
    while turn < 200 and (turn < least or time.perf_counter() - start < budget / 2):
        since = time.perf_counter()
        for _ in range(calls):
            work()
        shortest = min(shortest, time.perf_counter() - since)
        turn += 1
        if turn >= 3 and time.perf_counter() - start > budget:
            break
    return shortest * 1000 / calls


torch.manual_seed(3)
with torch.no_grad():
    for n in [512, 1024] if wants("matmul") else []:
        a, b = torch.randn(n, n), torch.randn(n, n)
        report(f"matmul {n}", 2 * n**3 / best(lambda: a @ b, calls=4) / 1e6)
    x, weight, bias = torch.randn(1024, 1024), torch.ones(1024), torch.zeros(1024)
    if wants("softmax"):
        report("softmax", best(lambda: torch.softmax(x, -1), calls=4))
    if wants("layer-norm"):
        report("layer-norm", best(lambda: F.layer_norm(x, (1024,), weight, bias), calls=4))

if wants("attention"):
    q, k, v = (torch.randn(4, 4, 256, 64, requires_grad=True) for _ in range(3))
    out_gradient = torch.randn(4, 4, 256, 64)
    attend = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    with torch.no_grad():
        report("attention forward", best(attend))
    report("attention both", best(lambda: torch.autograd.grad(attend(), (q, k, v), out_gradient)))

if wants("gpt-step"):
    L, C, H, T, B, V = 4, 128, 4, 128, 8, 512
    with open(os.environ["STEP_PARAMETERS"]) as file:
        saved = json.load(file)["parameters"]
    P = {
        p["name"].removeprefix("transformer."): torch.frombuffer(bytearray(base64.b64decode(p["base64"])), dtype=torch.float32).reshape(p["shape"]).clone().requires_grad_()
        for p in saved
    }
    ids = torch.tensor([(((i + 1) * 2654435761 & 0xFFFFFFFF) >> 8) % V for i in range(B * T)])
    targets = (ids * 7 + 3) % V
    ids = ids.reshape(B, T)
    matrices = [p for p in P.values() if p.dim() > 1]
    vectors = [p for p in P.values() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], lr=3e-4, betas=(0.9, 0.95), eps=1e-8, fused=True
    )
    dense = lambda x, name: torch.addmm(P[f"{name}.bias"], x.reshape(-1, x.shape[-1]), P[f"{name}.weight"]).reshape(B, T, -1)
    norm = lambda x, name: F.layer_norm(x, (C,), P[f"{name}.weight"], P[f"{name}.bias"])
    heads = lambda x: x.reshape(B, T, H, C // H).transpose(1, 2)

    def loss_of():
        h = F.embedding(ids, P["wte.weight"]) + P["wpe.weight"]
        for l in range(L):
            q, k, v = map(heads, dense(norm(h, f"h.{l}.ln_1"), f"h.{l}.attn.c_attn").split(C, -1))
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, C)
            h = h + dense(attended, f"h.{l}.attn.c_proj")
            h = h + dense(F.gelu(dense(norm(h, f"h.{l}.ln_2"), f"h.{l}.mlp.c_fc"), approximate="tanh"), f"h.{l}.mlp.c_proj")
        logits = norm(h, "ln_f") @ P["wte.weight"].T
        return F.cross_entropy(logits.reshape(B * T, V), targets)

    losses = []

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(P.values(), 1.0)
        optimizer.step()
        losses.append(loss.item())

    start = time.perf_counter()
    step()
    first = time.perf_counter() - start
    report("gpt-step", best(step, budget=15), first_step_ms=round(first * 1000), tokens=B * T, losses=[round(loss, 5) for loss in losses[:3]])
