// What is done with whole matrices of weights: their norms, and products with frozen ones.
#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "Guard.h"
#include "InParallel.h"

using namespace ctorch;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Norms -------------------------------------------------------------------------------------------

/// ‖x‖, already known, with its gradient as one product: x / ‖x‖, and zero where the norm is zero.
struct Norm : torch::autograd::Function<Norm> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x,
                              const at::Tensor &norm) {
        context->save_for_backward({x, norm});
        return norm.view_as(norm);
    }

    static variable_list backward(AutogradContext *context, variable_list grad_outputs) {
        const auto saved = context->get_saved_variables();
        const at::Tensor factor = (grad_outputs[0] / saved[1]).masked_fill(saved[1] == 0, 0);
        return {saved[0] * factor, {}};
    }

    /// The norm of each tensor. libtorch's norm of a whole tensor runs on one thread, so that
    /// several tensors are several threads' work.
    static std::vector<at::Tensor> values(const std::vector<at::Tensor> &tensors) {
        std::vector<at::Tensor> norms(tensors.size());
        in_parallel(static_cast<int64_t>(tensors.size()), 1, [&](int64_t begin, int64_t end) {
            const at::NoGradGuard guard;
            for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
                norms[i] = at::linalg_vector_norm(tensors[i]);
            }
        });
        return norms;
    }
};

// Products with a frozen matrix -------------------------------------------------------------------

/// x Wᵀ + b where W is kept in the order in which oneDNN multiplies it, for both directions.
struct PackedLinear : torch::autograd::Function<PackedLinear> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &x,
                              const at::Tensor &weight, const at::Tensor &transposed,
                              const std::optional<at::Tensor> &bias) {
        context->saved_data["transposed"] = transposed;
        return multiply(x, weight, bias);
    }

    static variable_list backward(AutogradContext *context, variable_list grad_outputs) {
        const at::Tensor transposed = context->saved_data["transposed"].toTensor();
        return {multiply(grad_outputs[0].contiguous(), transposed, std::nullopt), {}, {}, {}};
    }

    static at::Tensor pack(const at::Tensor &weight) {
        static const auto reorder =
            c10::Dispatcher::singleton()
                .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                .typed<at::Tensor(const at::Tensor &, std::optional<c10::SymInt>)>();
        return reorder.call(weight, std::nullopt);
    }

private:
    static at::Tensor multiply(const at::Tensor &x, const at::Tensor &weight,
                               const std::optional<at::Tensor> &bias) {
        using Pointwise = at::Tensor(const at::Tensor &, const at::Tensor &,
                                     const std::optional<at::Tensor> &, std::string_view,
                                     c10::List<std::optional<at::Scalar>>,
                                     std::optional<std::string_view>);
        static const auto linear = c10::Dispatcher::singleton()
                                       .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                                       .typed<Pointwise>();
        return linear.call(x, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
    }
};

}  // namespace

extern "C" {

ct_status ct_norms(ct_tensor *const *tensors, int32_t count, ct_tensor **result) {
    return guarded([&] {
        // Built aside, so that a failed allocation half way leaks nothing.
        std::vector<std::unique_ptr<at::Tensor>> kept;
        const auto inputs = list(tensors, count);
        const auto norms = Norm::values(inputs);
        for (size_t i = 0; i < inputs.size(); ++i) {
            kept.push_back(std::make_unique<at::Tensor>(Norm::apply(inputs[i], norms[i])));
        }
        for (size_t i = 0; i < kept.size(); ++i) {
            result[i] = reinterpret_cast<ct_tensor *>(kept[i].release());
        }
    });
}

ct_status ct_pack_linear(const ct_tensor *weight, ct_tensor **result) {
    return guarded([&] { *result = out(PackedLinear::pack(in(weight).detach().contiguous())); });
}

ct_status ct_packed_linear(const ct_tensor *x, const ct_tensor *weight,
                           const ct_tensor *transposed, const ct_tensor *bias,
                           ct_tensor **result) {
    return guarded([&] {
        *result = out(PackedLinear::apply(
            in(x), in(weight), in(transposed),
            bias == nullptr ? std::nullopt : std::optional<at::Tensor>(in(bias))));
    });
}

}  // extern "C"
