// What a transformer block does between its products, in one pass over memory each: libtorch has no
// such operations with dropout. Masks are drawn anew in the backward pass instead of being kept.
#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "Guard.h"
#include "InParallel.h"
#include "KeyedMask.h"

using namespace ctorch;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

/// Rows to normalize.
struct NormShape {
    int64_t width;
    int64_t padded_width;  // a multiple of four: where the mask of a row begins
    float epsilon;
    Mask mask;
};

/// Sequences that lie one behind the other.
struct AttentionShape {
    const int64_t *offsets;  // where each begins, and where the last ends
    int64_t heads;
    int64_t size;          // numbers of a head
    int64_t padded_width;  // the longest sequence, rounded up to a multiple of four
    float scale;
    bool is_causal;  // a token attends to itself and to those before it
    Mask mask;
};

namespace baseline {
constexpr int block_rows = 2, block_columns = 1;
#include "FusedKernels.h"
}  // namespace baseline

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
namespace avx2 {
constexpr int block_rows = 4, block_columns = 1;
#include "FusedKernels.h"
}  // namespace avx2
#pragma clang attribute pop
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-256-bit"))),             \
    apply_to = function)
namespace avx512 {
constexpr int block_rows = 4, block_columns = 4;
#include "FusedKernels.h"
}  // namespace avx512
#pragma clang attribute pop
#endif

enum class Instructions { baseline, avx2, avx512 };

Instructions instructions() {
#if defined(__x86_64__)
    static const Instructions found =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
            ? Instructions::avx512
        : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Instructions::avx2
                                                                          : Instructions::baseline;
    return found;
#else
    return Instructions::baseline;
#endif
}

#if defined(__x86_64__)
#define CT_DISPATCH(function, ...)                                                                 \
    switch (instructions()) {                                                                      \
    case Instructions::avx512: avx512::function(__VA_ARGS__); break;                               \
    case Instructions::avx2: avx2::function(__VA_ARGS__); break;                                   \
    case Instructions::baseline: baseline::function(__VA_ARGS__); break;                           \
    }
#else
#define CT_DISPATCH(function, ...) baseline::function(__VA_ARGS__)
#endif

/// Whether the loops here can work on `x`.
bool is_served(const at::Tensor &x) {
    return x.device().is_cpu() &&
           (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

/// Memory of one thread, kept from call to call.
float *scratch(int64_t count) {
    static thread_local std::vector<float> memory;
    if (static_cast<int64_t>(memory.size()) < count) memory.resize(static_cast<size_t>(count));
    return memory.data();
}

at::Tensor as_float(const at::Tensor &x) { return x.to(at::kFloat).contiguous(); }

// Residual and normalization ----------------------------------------------------------------------

/// The sum of dropout(x) and the residual, normalized; and the sum itself.
struct ResidualNorm : torch::autograd::Function<ResidualNorm> {
    static variable_list forward(AutogradContext *context, const at::Tensor &x,
                                 const at::Tensor &residual, const at::Tensor &weight,
                                 const at::Tensor &bias, double epsilon, double p, int64_t key) {
        const at::Tensor in = x.contiguous();
        const at::Tensor other = residual.contiguous();
        const at::Tensor scale = as_float(weight);
        const at::Tensor shift = as_float(bias);
        const int64_t width = in.size(-1);
        const int64_t rows = width == 0 ? 0 : in.numel() / width;
        at::Tensor sums = at::empty_like(in);
        at::Tensor result = at::empty_like(in);
        at::Tensor means = at::empty({2, rows}, in.options().dtype(at::kFloat));
        const NormShape shape = make_shape(width, epsilon, p, key);
        const auto run = [&]<typename T>(T *y) {
            float *mean = means.mutable_data_ptr<float>();
            in_parallel(rows, grain(width), [&](int64_t begin, int64_t end) {
                CT_DISPATCH(residual_norm_forward, shape, in.const_data_ptr<T>(),
                            other.const_data_ptr<T>(), scale.const_data_ptr<float>(),
                            shift.const_data_ptr<float>(), sums.mutable_data_ptr<T>(), y, mean,
                            mean + rows, begin, end, scratch(2 * rounded_up(width, 4)));
            });
        };
        if (in.scalar_type() == at::kFloat) {
            run(result.mutable_data_ptr<float>());
        } else {
            run(result.mutable_data_ptr<c10::BFloat16>());
        }
        context->save_for_backward({sums, means, scale});
        context->saved_data["epsilon"] = epsilon;
        context->saved_data["p"] = p;
        context->saved_data["key"] = key;
        context->saved_data["weight"] = static_cast<int64_t>(weight.scalar_type());
        // A result that is not used has no gradient, rather than one of zeros to be added.
        context->set_materialize_grads(false);
        return {result, sums};
    }

    static variable_list backward(AutogradContext *context, variable_list grad_outputs) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &sums = saved[0], &means = saved[1], &scale = saved[2];
        const at::Tensor grad_output =
            grad_outputs[0].defined() ? grad_outputs[0].contiguous() : at::zeros_like(sums);
        const at::Tensor grad_sum = grad_outputs[1].defined() ? grad_outputs[1].contiguous() : at::Tensor();
        const int64_t width = sums.size(-1);
        const int64_t rows = means.size(1);
        const double p = context->saved_data["p"].toDouble();
        const NormShape shape = make_shape(width, context->saved_data["epsilon"].toDouble(), p,
                                           context->saved_data["key"].toInt());
        const bool has_weight = context->needs_input_grad(2) || context->needs_input_grad(3);
        at::Tensor to_residual = at::empty_like(sums);
        at::Tensor to_x = shape.mask.threshold == 0 ? to_residual : at::empty_like(sums);
        // A row of sums for each thread; added up at the end.
        const int64_t threads = has_weight ? at::get_num_threads() : 0;
        at::Tensor parts = at::zeros({threads, 2, width}, means.options());
        const auto run = [&]<typename T>(T *grad_x) {
            const float *mean = means.const_data_ptr<float>();
            float *part = has_weight ? parts.mutable_data_ptr<float>() : nullptr;
            in_parallel(rows, grain(width), [&](int64_t begin, int64_t end) {
                float *own = part ? part + at::get_thread_num() * 2 * width : nullptr;
                CT_DISPATCH(residual_norm_backward, shape, grad_output.const_data_ptr<T>(),
                            grad_sum.defined() ? grad_sum.const_data_ptr<T>() : nullptr,
                            sums.const_data_ptr<T>(), scale.const_data_ptr<float>(), mean,
                            mean + rows, grad_x, to_residual.mutable_data_ptr<T>(), own,
                            own ? own + width : nullptr, begin, end,
                            scratch(3 * rounded_up(width, 4)));
            });
        };
        if (sums.scalar_type() == at::kFloat) {
            run(to_x.mutable_data_ptr<float>());
        } else {
            run(to_x.mutable_data_ptr<c10::BFloat16>());
        }
        at::Tensor weight_slope, bias_slope;
        if (has_weight) {
            const auto type = static_cast<at::ScalarType>(context->saved_data["weight"].toInt());
            const at::Tensor total = parts.sum(0).to(type);
            weight_slope = total.select(0, 0);
            bias_slope = total.select(0, 1);
        }
        return {to_x, to_residual, weight_slope, bias_slope, {}, {}, {}};
    }

private:
    static NormShape make_shape(int64_t width, double epsilon, double p, int64_t key) {
        return NormShape{width, rounded_up(width, 4), static_cast<float>(epsilon),
                         Mask(p, static_cast<uint64_t>(key))};
    }

    static int64_t grain(int64_t width) { return std::max<int64_t>(1, 16384 / (width + 1)); }
};

// Quick GELU ----------------------------------------------------------------------------------------

/// x σ(1.702 x), of which x alone is kept for the backward pass.
struct QuickGELU : torch::autograd::Function<QuickGELU> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x) {
        const at::Tensor in = x.contiguous();
        at::Tensor result = at::empty_like(in);
        const auto run = [&]<typename T>(T *y) {
            in_parallel(in.numel(), grain, [&](int64_t begin, int64_t end) {
                CT_DISPATCH(quick_gelu_forward, in.const_data_ptr<T>(), y, begin, end);
            });
        };
        if (in.scalar_type() == at::kFloat) {
            run(result.mutable_data_ptr<float>());
        } else {
            run(result.mutable_data_ptr<c10::BFloat16>());
        }
        context->save_for_backward({in});
        return result;
    }

    static variable_list backward(AutogradContext *context, variable_list grad_outputs) {
        const at::Tensor in = context->get_saved_variables()[0];
        const at::Tensor grad_output = grad_outputs[0].contiguous();
        at::Tensor result = at::empty_like(in);
        const auto run = [&]<typename T>(T *grad_x) {
            in_parallel(in.numel(), grain, [&](int64_t begin, int64_t end) {
                CT_DISPATCH(quick_gelu_backward, in.const_data_ptr<T>(),
                            grad_output.const_data_ptr<T>(), grad_x, begin, end);
            });
        };
        if (in.scalar_type() == at::kFloat) {
            run(result.mutable_data_ptr<float>());
        } else {
            run(result.mutable_data_ptr<c10::BFloat16>());
        }
        return {result};
    }

private:
    static constexpr int64_t grain = 16384;
};

// Attention -----------------------------------------------------------------------------------------

struct Attention : torch::autograd::Function<Attention> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &projected,
                              const at::Tensor &offsets, int64_t heads, bool is_causal, double p,
                              int64_t key) {
        const at::Tensor in = projected.contiguous();
        const AttentionShape shape = make_shape(in, offsets, heads, is_causal, p, key);
        at::Tensor result = at::empty({in.size(0), heads * shape.size}, in.options());
        const auto run = [&]<typename T>(T *out) {
            const int64_t length = longest(offsets);
            in_parallel(items(offsets, heads), 1, [&](int64_t begin, int64_t end) {
                CT_DISPATCH(attention_forward, shape, in.const_data_ptr<T>(), out, begin, end,
                            scratch(needed(length, shape.size)));
            });
        };
        if (in.scalar_type() == at::kFloat) {
            run(result.mutable_data_ptr<float>());
        } else {
            run(result.mutable_data_ptr<c10::BFloat16>());
        }
        context->save_for_backward({in, offsets});
        context->saved_data["heads"] = heads;
        context->saved_data["is_causal"] = is_causal;
        context->saved_data["p"] = p;
        context->saved_data["key"] = key;
        return result;
    }

    static variable_list backward(AutogradContext *context, variable_list grad_outputs) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &in = saved[0], &offsets = saved[1];
        const int64_t heads = context->saved_data["heads"].toInt();
        const AttentionShape shape =
            make_shape(in, offsets, heads, context->saved_data["is_causal"].toBool(),
                       context->saved_data["p"].toDouble(), context->saved_data["key"].toInt());
        const at::Tensor grad_output = grad_outputs[0].contiguous();
        at::Tensor result = at::empty_like(in);
        const auto run = [&]<typename T>(T *out) {
            const int64_t length = longest(offsets);
            in_parallel(items(offsets, heads), 1, [&](int64_t begin, int64_t end) {
                CT_DISPATCH(attention_backward, shape, in.const_data_ptr<T>(),
                            grad_output.const_data_ptr<T>(), out, begin, end,
                            scratch(needed(length, shape.size)));
            });
        };
        if (in.scalar_type() == at::kFloat) {
            run(result.mutable_data_ptr<float>());
        } else {
            run(result.mutable_data_ptr<c10::BFloat16>());
        }
        return {result, {}, {}, {}, {}, {}};
    }

    /// The same by libtorch's own operations, on padded sequences: for devices and types that the
    /// loops do not serve.
    static at::Tensor composed(const at::Tensor &projected, const at::Tensor &offsets,
                               int64_t heads, bool is_causal, double p) {
        const int64_t rows = offsets.numel() - 1;
        const int64_t width = longest(offsets);
        const int64_t size = projected.size(1) / 3 / heads;
        const bool is_even = rows * width == projected.size(0);
        std::vector<int64_t> sources, places;
        std::vector<uint8_t> is_token(static_cast<size_t>(rows * width), 1);
        if (!is_even) lay_out(offsets, width, sources, places, is_token);
        const auto device = projected.device();
        const auto gather = [&](const at::Tensor &x, const std::vector<int64_t> &numbers) {
            return is_even ? x : x.index_select(0, at::tensor(numbers, at::kLong).to(device));
        };
        at::Tensor mask =
            at::tensor(is_token, at::kByte).to(device).to(at::kBool).view({rows, 1, 1, width});
        if (is_causal) mask = mask.expand({rows, 1, width, width}).tril();
        const auto parts = gather(projected, sources)
                               .view({rows, width, 3, heads, size})
                               .permute({2, 0, 3, 1, 4})
                               .unbind(0);
        at::Tensor attended;
        if (p > 0) {
            at::Tensor scores = at::matmul(parts[0], parts[1].transpose(2, 3)) /
                                std::sqrt(static_cast<double>(size));
            scores = scores.masked_fill(mask.logical_not(), -1e9);
            attended = at::matmul(at::dropout(at::softmax(scores, -1), p, true), parts[2]);
        } else {
            attended = at::scaled_dot_product_attention(
                parts[0], parts[1], parts[2],
                is_even && !is_causal ? std::nullopt : std::optional<at::Tensor>(mask));
        }
        return gather(attended.transpose(1, 2).reshape({rows * width, heads * size}), places);
    }

    /// Which token stands in each slot of [rows, width], where tokens stand there, and which slots
    /// hold one.
    static void lay_out(const at::Tensor &offsets, int64_t width, std::vector<int64_t> &sources,
                        std::vector<int64_t> &places, std::vector<uint8_t> &is_token) {
        const int64_t *starts = offsets.const_data_ptr<int64_t>();
        for (int64_t row = 0; row + 1 < offsets.numel(); ++row) {
            for (int64_t column = 0; column < width; ++column) {
                const auto slot = static_cast<size_t>(row * width + column);
                is_token[slot] = column < starts[row + 1] - starts[row];
                // What stands in for padding is masked; any token will do.
                sources.push_back(is_token[slot] ? starts[row] + column : 0);
                if (is_token[slot]) places.push_back(row * width + column);
            }
        }
    }

    static int64_t longest(const at::Tensor &offsets) {
        const int64_t *starts = offsets.const_data_ptr<int64_t>();
        int64_t result = 0;
        for (int64_t row = 0; row + 1 < offsets.numel(); ++row) {
            result = std::max(result, starts[row + 1] - starts[row]);
        }
        return result;
    }

private:
    static AttentionShape make_shape(const at::Tensor &projected, const at::Tensor &offsets,
                                     int64_t heads, bool is_causal, double p, int64_t key) {
        const int64_t size = projected.size(1) / 3 / heads;
        return AttentionShape{offsets.const_data_ptr<int64_t>(),
                              heads,
                              size,
                              rounded_up(longest(offsets), 4),
                              1.0f / std::sqrt(static_cast<float>(size)),
                              is_causal,
                              Mask(p, static_cast<uint64_t>(key))};
    }

    static int64_t items(const at::Tensor &offsets, int64_t heads) {
        return (offsets.numel() - 1) * heads;
    }

    /// Numbers of scratch memory that a backward pass over one head needs; a forward pass needs less.
    static int64_t needed(int64_t length, int64_t size) {
        const int64_t columns = rounded_up(length, 16);
        const int64_t block = columns * rounded_up(size, 16);
        return 6 * block + 3 * length * columns + columns;
    }
};

/// Sequences must cover the tokens, in order and without a gap: the loops read by these numbers.
void check_offsets(const at::Tensor &projected, const at::Tensor &offsets, int64_t heads) {
    TORCH_CHECK(projected.dim() == 2, "expected [tokens, 3 · hidden], found ", projected.sizes());
    TORCH_CHECK(heads > 0 && projected.size(1) % (3 * heads) == 0, projected.size(1),
                " numbers a token are not three times ", heads, " heads");
    TORCH_CHECK(offsets.device().is_cpu() && offsets.scalar_type() == at::kLong &&
                    offsets.dim() == 1 && offsets.is_contiguous() && offsets.numel() > 0,
                "offsets are 64-bit integers on the host");
    const int64_t *starts = offsets.const_data_ptr<int64_t>();
    const int64_t last = offsets.numel() - 1;
    TORCH_CHECK(starts[0] == 0 && starts[last] == projected.size(0),
                "offsets reach from ", starts[0], " to ", starts[last], ", the tokens from 0 to ",
                projected.size(0));
    for (int64_t row = 0; row < last; ++row) {
        TORCH_CHECK(starts[row] <= starts[row + 1], "offsets fall at ", row);
    }
}

}  // namespace

extern "C" {

ct_status ct_residual_norm(const ct_tensor *x, const ct_tensor *residual, const ct_tensor *weight,
                           const ct_tensor *bias, double epsilon, double p, uint64_t key,
                           ct_tensor **results) {
    return guarded([&] {
        TORCH_CHECK(p >= 0 && p < 1, "dropout probability ", p, " is not in [0, 1)");
        const at::Tensor &input = in(x), &other = in(residual), &scale = in(weight);
        TORCH_CHECK(input.sizes() == other.sizes(), "the residual has shape ", other.sizes(),
                    ", the input ", input.sizes());
        TORCH_CHECK(input.dim() > 0 && scale.dim() == 1 && scale.size(0) == input.size(-1) &&
                        in(bias).sizes() == scale.sizes(),
                    "weight and bias have shapes ", scale.sizes(), " and ", in(bias).sizes(),
                    ", the input ", input.sizes());
        variable_list both;
        if (is_served(input) && other.scalar_type() == input.scalar_type()) {
            both = ResidualNorm::apply(input, other, scale, in(bias), epsilon, p,
                                       static_cast<int64_t>(key));
        } else {
            const auto dtype = input.scalar_type();
            const at::Tensor added = at::dropout(input, p, p > 0) + other;
            both = {at::layer_norm(added, scale.sizes(), scale.to(dtype), in(bias).to(dtype),
                                   epsilon),
                    added};
        }
        // Built aside, so that a failed allocation half way leaks nothing.
        auto sum = std::make_unique<at::Tensor>(both[1]);
        results[0] = out(both[0]);
        results[1] = reinterpret_cast<ct_tensor *>(sum.release());
    });
}

ct_status ct_quick_gelu(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] {
        const at::Tensor &input = in(x);
        *result = out(is_served(input) ? QuickGELU::apply(input)
                                       : input * at::sigmoid(input * 1.702));
    });
}

ct_status ct_packed_attention(const ct_tensor *projected, const ct_tensor *offsets, int64_t heads,
                              bool is_causal, double p, uint64_t key, ct_tensor **result) {
    return guarded([&] {
        TORCH_CHECK(p >= 0 && p < 1, "dropout probability ", p, " is not in [0, 1)");
        const at::Tensor &input = in(projected);
        check_offsets(input, in(offsets), heads);
        *result = out(is_served(input)
                          ? Attention::apply(input, in(offsets), heads, is_causal, p,
                                             static_cast<int64_t>(key))
                          : Attention::composed(input, in(offsets), heads, is_causal, p));
    });
}

}  // extern "C"
