// Gradients and the modes that switch their recording.
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <unordered_set>

#include "Guard.h"

using namespace ctorch;

/// Gives each gradient row-major memory of its own. libtorch may return one tensor for two inputs,
/// views of one memory, or a number spread over a shape; an update in place would then be wrong.
static void own(std::vector<at::Tensor> &gradients) {
    std::unordered_set<const void *> seen;
    for (auto &gradient : gradients) {
        if (!gradient.defined()) continue;
        const bool is_first = seen.insert(gradient.storage().unsafeGetStorageImpl()).second;
        if (!is_first || !gradient.is_contiguous()) {
            gradient = gradient.clone(at::MemoryFormat::Contiguous);
        }
    }
}

extern "C" {

bool ct_requires_grad(const ct_tensor *x) { return in(x).requires_grad(); }

ct_status ct_set_requires_grad(ct_tensor *x, bool value) {
    return guarded([&] { in(x).set_requires_grad(value); });
}

ct_status ct_detach(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).detach()); });
}

ct_status ct_gradients(const ct_tensor *loss, ct_tensor *const *inputs, int32_t count,
                       ct_tensor **result) {
    return guarded([&] {
        auto gradients = torch::autograd::grad({in(loss)}, list(inputs, count), {}, std::nullopt,
                                               false, true);
        own(gradients);
        // Built aside, so that a failed allocation half way leaks nothing.
        std::vector<std::unique_ptr<at::Tensor>> kept;
        for (const auto &gradient : gradients) {
            kept.push_back(gradient.defined() ? std::make_unique<at::Tensor>(gradient) : nullptr);
        }
        for (size_t i = 0; i < kept.size(); ++i) {
            result[i] = reinterpret_cast<ct_tensor *>(kept[i].release());
        }
    });
}

bool ct_grad_is_enabled(void) { return c10::GradMode::is_enabled(); }
void ct_set_grad_enabled(bool value) { c10::GradMode::set_enabled(value); }

ct_status ct_inference_enter(ct_guard **result) {
    return guarded(
        [&] { *result = reinterpret_cast<ct_guard *>(new c10::InferenceMode(true)); });
}

void ct_inference_leave(ct_guard *guard) { delete reinterpret_cast<c10::InferenceMode *>(guard); }

}  // extern "C"
