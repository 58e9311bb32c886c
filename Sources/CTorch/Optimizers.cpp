// libtorch's fused optimizer steps and the foreach kernels around them.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>

#include "Guard.h"

using namespace ctorch;

/// The kernels trust that every list has the parameters' shapes, and walk memory, not strides:
/// anything else would be read and written past its end.
static std::vector<at::Tensor> matching(ct_tensor *const *tensors,
                                        const std::vector<at::Tensor> &parameters,
                                        const char *what) {
    auto result = list(tensors, static_cast<int32_t>(parameters.size()));
    for (size_t i = 0; i < parameters.size(); ++i) {
        TORCH_CHECK(parameters[i].is_contiguous(), "parameter ", i, " is not contiguous");
        TORCH_CHECK(result[i].sizes() == parameters[i].sizes(), "the ", what, " of parameter ", i,
                    " has shape ", result[i].sizes(), ", the parameter ", parameters[i].sizes());
        TORCH_CHECK(result[i].scalar_type() == parameters[i].scalar_type(), "the ", what,
                    " of parameter ", i, " is ", result[i].scalar_type(), ", the parameter ",
                    parameters[i].scalar_type());
    }
    return result;
}

/// State that the kernels update: it has to be row-major as it is.
static std::vector<at::Tensor> state(ct_tensor *const *tensors,
                                     const std::vector<at::Tensor> &parameters, const char *what) {
    auto result = matching(tensors, parameters, what);
    for (const auto &tensor : result) {
        TORCH_CHECK(tensor.is_contiguous(), "a ", what, " is not contiguous");
    }
    return result;
}

static std::vector<at::Tensor> defined_gradients(ct_tensor *const *tensors,
                                      const std::vector<at::Tensor> &parameters) {
    auto result = matching(tensors, parameters, "gradient");
    for (auto &tensor : result) tensor = tensor.contiguous();
    return result;
}

extern "C" {

ct_status ct_foreach_add_(ct_tensor *const *tensors, ct_tensor *const *others, int32_t count,
                          double alpha) {
    return guarded([&] { at::_foreach_add_(list(tensors, count), list(others, count), alpha); });
}

ct_status ct_foreach_mul_(ct_tensor *const *tensors, int32_t count, const ct_tensor *factor) {
    return guarded([&] { at::_foreach_mul_(list(tensors, count), in(factor)); });
}

ct_status ct_fused_adamw_(ct_tensor *const *parameters, ct_tensor *const *gradients,
                          ct_tensor *const *first, ct_tensor *const *second,
                          ct_tensor *const *steps, int32_t count, double rate, double beta1,
                          double beta2, double decay, double epsilon) {
    return guarded([&] {
        const auto values = list(parameters, count);
        const auto moved = defined_gradients(gradients, values);
        const auto means = state(first, values, "first moment");
        const auto squares = state(second, values, "second moment");
        const auto counters = list(steps, count);
        for (const auto &counter : counters) {
            TORCH_CHECK(counter.dim() == 0 && counter.scalar_type() == at::kFloat,
                        "a step counter is not a float32 scalar");
        }
        // The kernel reads the step after counting it.
        at::_foreach_add_(counters, 1);
        at::_fused_adamw_(values, moved, means, squares, {}, counters, rate, beta1, beta2, decay,
                          epsilon, false, false);
    });
}

ct_status ct_fused_sgd_(ct_tensor *const *parameters, ct_tensor *const *gradients,
                        ct_tensor *const *momenta, int32_t count, double decay, double momentum,
                        double rate, bool first_step) {
    return guarded([&] {
        const auto values = list(parameters, count);
        at::_fused_sgd_(values, defined_gradients(gradients, values),
                        momenta == nullptr ? std::vector<at::Tensor>()
                                           : state(momenta, values, "momentum"),
                        decay, momentum, rate, 0, false, false, first_step);
    });
}

}  // extern "C"
