"""Makes Tests/Fixtures/tensor-ops/: PyTorch's outputs and gradients for single tensor operations.

Run from the repository root, with the packages of Oracle/requirements.txt:

    python Oracle/tensor_ops.py

Every case stores its inputs, its output, a fixed random weight of the output's shape, and the
gradient of sum(output * weight) with respect to every float input. Oracle/README.md lists the keys.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures"

CASES: list[dict] = []
TENSORS: dict[str, torch.Tensor] = {}
RANDOM = torch.Generator().manual_seed(20)


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=RANDOM)


def positive(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=RANDOM) * 2 + 0.25


def integers(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


def case(name: str, op: str, function, inputs: list[torch.Tensor], *,
         constants: tuple[int, ...] = (), **attributes) -> None:
    """Records one case. `constants` are the indices of float inputs that take no gradient."""
    described, leaves = [], []
    for index, tensor in enumerate(inputs):
        differentiable = tensor.is_floating_point() and index not in constants
        described.append({
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "gradient": differentiable,
        })
        stored = tensor.to(torch.int64) if tensor.dtype == torch.bool else tensor
        TENSORS[f"{name}/input{index}"] = stored.clone().contiguous()
        leaves.append(tensor.clone().requires_grad_() if differentiable else tensor)
    output = function(*leaves)
    weight = torch.randn(output.shape, generator=RANDOM)
    (output * weight).sum().backward()
    TENSORS[f"{name}/output"] = output.detach().clone().contiguous()
    TENSORS[f"{name}/weight"] = weight
    for index, leaf in enumerate(leaves):
        if described[index]["gradient"]:
            TENSORS[f"{name}/grad{index}"] = leaf.grad.clone().contiguous()
    CASES.append({
        "name": name, "op": op, "inputs": described, "output": list(output.shape),
        "attributes": attributes,
    })


def products() -> None:
    case("matmul_2d", "matmul", torch.matmul, [normal(3, 4), normal(4, 5)])
    case("matmul_batched", "matmul", torch.matmul, [normal(2, 3, 4), normal(2, 4, 5)])
    case("matmul_broadcast", "matmul", torch.matmul, [normal(2, 3, 3, 4), normal(4, 2)])
    case("linear_bias", "linear", F.linear, [normal(2, 3, 4), normal(5, 4), normal(5)])
    case("linear_no_bias", "linear", F.linear, [normal(3, 4), normal(5, 4)])


def layers() -> None:
    ids = integers([[1, 3, 0, 3], [0, 5, 2, 1]])
    case("embedding", "embedding", lambda i, w: F.embedding(i, w), [ids, normal(6, 4)])
    case("embedding_padding", "embedding", lambda i, w: F.embedding(i, w, padding_idx=0),
         [ids, normal(6, 4)], padding_idx=0)
    for name, eps in [("layer_norm_eps12", 1e-12), ("layer_norm_eps5", 1e-5)]:
        case(name, "layer_norm", lambda x, w, b, e=eps: F.layer_norm(x, (6,), w, b, e),
             [normal(2, 3, 6) * 0.02, normal(6), normal(6)], normalized_shape=[6], eps=eps)
    case("gelu_exact", "gelu", F.gelu, [normal(3, 7) * 2], approximate="none")
    case("gelu_tanh", "gelu", lambda x: F.gelu(x, approximate="tanh"), [normal(3, 7) * 2],
         approximate="tanh")
    case("tanh", "tanh", torch.tanh, [normal(3, 5)])
    case("relu", "relu", torch.relu, [normal(3, 5)])
    case("softmax_last", "softmax", lambda x: x.softmax(-1), [normal(2, 3, 5)], dim=-1)
    case("softmax_dim1", "softmax", lambda x: x.softmax(1), [normal(2, 3, 5)], dim=1)
    case("log_softmax_last", "log_softmax", lambda x: x.log_softmax(-1), [normal(3, 5)], dim=-1)
    case("log_softmax_dim0", "log_softmax", lambda x: x.log_softmax(0), [normal(3, 5)], dim=0)


def losses() -> None:
    attributes = {"reduction": "mean", "ignore_index": -100, "label_smoothing": 0.0}
    case("cross_entropy", "cross_entropy", F.cross_entropy,
         [normal(4, 6), integers([0, 5, 2, 2])], **attributes)
    case("cross_entropy_ignore", "cross_entropy", F.cross_entropy,
         [normal(6, 7), integers([-100, 6, 0, -100, 3, -100])], **attributes)
    case("mse_loss", "mse_loss", F.mse_loss, [normal(3, 4), normal(3, 4)], reduction="mean")


def attention() -> None:
    def attend(q, k, v, mask=None):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=0.0)

    def states():
        return [normal(2, 2, 4, 3) for _ in range(3)]

    keys = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)[:, None, None, :]
    additive = torch.zeros(2, 1, 1, 4).masked_fill(~keys, float("-inf"))
    case("attention", "scaled_dot_product_attention", attend, states(), dropout=0.0)
    case("attention_bool_mask", "scaled_dot_product_attention", attend,
         states() + [keys.expand(2, 1, 4, 4).contiguous()], dropout=0.0)
    case("attention_bool_mask_broadcast", "scaled_dot_product_attention", attend,
         states() + [keys], dropout=0.0)
    case("attention_float_mask", "scaled_dot_product_attention", attend,
         states() + [normal(2, 1, 4, 4)], constants=(3,), dropout=0.0)
    case("attention_float_mask_infinite", "scaled_dot_product_attention", attend,
         states() + [additive.expand(2, 1, 4, 4).contiguous()], constants=(3,), dropout=0.0)


def selection() -> None:
    case("index_select_dim0", "index_select", lambda x, i: x.index_select(0, i),
         [normal(4, 3), integers([3, 0, 3])], dim=0)
    case("index_select_dim1", "index_select", lambda x, i: x.index_select(1, i),
         [normal(2, 4, 3), integers([1, 1, 0, 3])], dim=1)
    case("gather_dim1", "gather", lambda x, i: x.gather(1, i),
         [normal(3, 5), integers([[0, 4], [2, 2], [1, 0]])], dim=1)
    case("gather_dim0", "gather", lambda x, i: x.gather(0, i),
         [normal(3, 4), integers([[0, 2, 1, 1], [2, 2, 0, 1]])], dim=0)
    case("narrow_dim1", "narrow", lambda x: x.narrow(1, 1, 3), [normal(2, 5, 3)],
         dim=1, start=1, length=3)
    case("narrow_dim0", "narrow", lambda x: x.narrow(0, 2, 1), [normal(4, 3)],
         dim=0, start=2, length=1)
    case("select_dim1", "select", lambda x: x.select(1, 0), [normal(2, 5, 3)], dim=1, index=0)


def shapes() -> None:
    case("transpose", "transpose", lambda x: x.transpose(1, 2), [normal(2, 3, 4)], dim0=1, dim1=2)
    case("permute", "permute", lambda x: x.permute(2, 0, 3, 1), [normal(2, 3, 2, 4)],
         dims=[2, 0, 3, 1])
    case("reshape", "reshape", lambda x: x.reshape(4, 6), [normal(2, 3, 4)], shape=[4, 6])
    case("reshape_inferred", "reshape", lambda x: x.reshape(2, -1), [normal(2, 3, 4)],
         shape=[2, -1])
    case("cat_dim0", "cat", lambda *x: torch.cat(x, 0), [normal(2, 3), normal(1, 3)], dim=0)
    case("cat_dim1", "cat", lambda *x: torch.cat(x, 1), [normal(2, 3), normal(2, 1), normal(2, 2)],
         dim=1)
    case("stack_dim0", "stack", lambda *x: torch.stack(x, 0), [normal(2, 3), normal(2, 3)], dim=0)
    case("stack_dim1", "stack", lambda *x: torch.stack(x, 1), [normal(2, 3), normal(2, 3)], dim=1)


def reductions() -> None:
    case("sum_all", "sum", lambda x: x.sum(), [normal(3, 4)], dims=None, keepdim=False)
    case("sum_dim", "sum", lambda x: x.sum(1), [normal(2, 3, 4)], dims=[1], keepdim=False)
    case("sum_dims_keep", "sum", lambda x: x.sum((0, 2), keepdim=True), [normal(2, 3, 4)],
         dims=[0, 2], keepdim=True)
    case("mean_all", "mean", lambda x: x.mean(), [normal(3, 4)], dims=None, keepdim=False)
    case("mean_dim", "mean", lambda x: x.mean(-1), [normal(2, 3, 4)], dims=[-1], keepdim=False)
    case("mean_dims_keep", "mean", lambda x: x.mean((1, 2), keepdim=True), [normal(2, 3, 4)],
         dims=[1, 2], keepdim=True)
    case("norm", "norm", torch.linalg.vector_norm, [normal(4, 5)], ord=2)
    case("norm_zero", "norm", torch.linalg.vector_norm, [torch.zeros(2, 3)], ord=2)


def elementwise() -> None:
    case("exp", "exp", torch.exp, [normal(3, 4)])
    case("log", "log", torch.log, [positive(3, 4)])
    case("sqrt", "sqrt", torch.sqrt, [positive(3, 4)])
    case("abs", "abs", torch.abs, [normal(3, 4)])
    case("neg", "neg", torch.neg, [normal(3, 4)])
    case("clamp", "clamp", lambda x: x.clamp(-0.5, 0.75), [normal(3, 6)], min=-0.5, max=0.75)
    case("clamp_min", "clamp", lambda x: x.clamp(min=0.1), [normal(3, 6)], min=0.1, max=None)
    mask = torch.tensor([[1, 0, 0], [0, 1, 1]], dtype=torch.bool)
    case("where", "where", torch.where, [mask, normal(2, 3), normal(2, 3)])
    case("masked_fill", "masked_fill", lambda x, m: x.masked_fill(m, -2.5), [normal(2, 3), mask],
         value=-2.5)
    for op in ["add", "sub", "mul", "div"]:
        case(f"{op}_same", op, getattr(torch, op), [normal(2, 3), positive(2, 3)])
        case(f"{op}_broadcast", op, getattr(torch, op), [normal(2, 1, 4), positive(3, 1)])
        case(f"{op}_scalar", f"{op}_scalar", lambda x, f=getattr(torch, op): f(x, 1.75),
             [normal(2, 3)], scalar=1.75)
    case("scalar_sub", "scalar_sub", lambda x: 1.75 - x, [normal(2, 3)], scalar=1.75)
    case("scalar_div", "scalar_div", lambda x: 1.75 / x, [positive(2, 3)], scalar=1.75)
    case("pow_2", "pow", lambda x: x.pow(2), [normal(2, 3)], exponent=2.0)
    case("pow_half", "pow", lambda x: x.pow(0.5), [positive(2, 3)], exponent=0.5)
    case("cast_bfloat16", "cast_round_trip", lambda x: x.to(torch.bfloat16).to(torch.float32),
         [normal(3, 5)], through="bfloat16")
    case("cast_float16", "cast_round_trip", lambda x: x.to(torch.float16).to(torch.float32),
         [normal(3, 5)], through="float16")


def vision() -> None:
    def convolve(x, w, b=None, **arguments):
        return F.conv2d(x, w, b, **arguments)

    case("conv2d_padded", "conv2d", lambda *x: convolve(*x, padding=1),
         [normal(2, 3, 5, 4), normal(4, 3, 3, 3), normal(4)], stride=1, padding=1)
    case("conv2d_strided", "conv2d", lambda *x: convolve(*x, stride=2),
         [normal(2, 3, 6, 7), normal(4, 3, 3, 3)], stride=2, padding=0)
    case("conv2d_patches", "conv2d", lambda *x: convolve(*x, stride=4),
         [normal(2, 3, 8, 9), normal(5, 3, 4, 4), normal(5)], stride=4, padding=0)
    case("max_pool2d", "max_pool2d", lambda x: F.max_pool2d(x, 2, 2), [normal(2, 3, 6, 5)],
         window=2, stride=2, padding=0)
    case("max_pool2d_overlapping", "max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1),
         [normal(2, 3, 7, 6)], window=3, stride=2, padding=1)
    case("adaptive_avg_pool2d_up", "adaptive_avg_pool2d",
         lambda x: F.adaptive_avg_pool2d(x, (7, 7)), [normal(2, 3, 2, 2)], size=[7, 7])
    case("adaptive_avg_pool2d_down", "adaptive_avg_pool2d",
         lambda x: F.adaptive_avg_pool2d(x, (2, 3)), [normal(2, 3, 5, 4)], size=[2, 3])
    for name, training in [("batch_norm_running", False), ("batch_norm_training", True)]:
        case(name, "batch_norm",
             lambda x, w, b, m, v, t=training: F.batch_norm(x, m, v, w, b, t, 0.1, 1e-5),
             [normal(3, 4, 3, 2), normal(4), normal(4), normal(4), positive(4)],
             constants=(3, 4), training=training, momentum=0.1, eps=1e-5)
    for name, size in [("up", (5, 7)), ("down", (2, 3))]:
        for mode in ["bilinear", "bicubic"]:
            case(f"upsample_{mode}_{name}", "upsample",
                 lambda x, s=size, m=mode: F.interpolate(x, s, mode=m, align_corners=False),
                 [normal(2, 3, 4, 4)], size=list(size), method=mode)
        case(f"upsample_bilinear_aligned_{name}", "upsample",
             lambda x, s=size: F.interpolate(x, s, mode="bilinear", align_corners=True),
             [normal(2, 3, 4, 4)], size=list(size), method="bilinearAligned")
    case("flatten", "flatten", lambda x: x.flatten(1), [normal(2, 3, 2, 2)], first=1, last=-1)
    case("flatten_middle", "flatten", lambda x: x.flatten(1, 2), [normal(2, 3, 2, 2)],
         first=1, last=2)


def main() -> None:
    torch.set_num_threads(1)
    for group in [products, layers, losses, attention, selection, shapes, reductions, elementwise,
                  vision]:
        group()
    folder = FIXTURES / "tensor-ops"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(TENSORS, folder / "tensors.safetensors")
    lines = ",\n".join("  " + json.dumps(entry) for entry in CASES)
    (folder / "cases.json").write_text(f"[\n{lines}\n]\n")
    print(f"{len(CASES)} cases, {len(TENSORS)} tensors in {folder.name}/")


if __name__ == "__main__":
    main()
