// The layers' kernels.
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include "Guard.h"

using namespace ctorch;

static std::optional<at::Tensor> optional(const ct_tensor *x) {
    return x == nullptr ? std::nullopt : std::optional<at::Tensor>(in(x));
}

extern "C" {

ct_status ct_linear(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                    ct_tensor **result) {
    return guarded([&] { *result = out(at::linear(in(x), in(weight), optional(bias))); });
}

ct_status ct_embedding(const ct_tensor *weight, const ct_tensor *ids, int64_t padding,
                       ct_tensor **result) {
    return guarded([&] { *result = out(at::embedding(in(weight), in(ids), padding)); });
}

ct_status ct_layer_norm(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                        double epsilon, ct_tensor **result) {
    return guarded([&] {
        *result = out(
            at::layer_norm(in(x), in(weight).sizes(), in(weight), optional(bias), epsilon));
    });
}

ct_status ct_gelu(const ct_tensor *x, bool tanh_approximation, ct_tensor **result) {
    return guarded([&] { *result = out(at::gelu(in(x), tanh_approximation ? "tanh" : "none")); });
}

ct_status ct_softmax(const ct_tensor *x, int64_t dimension, ct_tensor **result) {
    return guarded([&] { *result = out(at::softmax(in(x), dimension)); });
}

ct_status ct_log_softmax(const ct_tensor *x, int64_t dimension, ct_tensor **result) {
    return guarded([&] { *result = out(at::log_softmax(in(x), dimension)); });
}

ct_status ct_attention(const ct_tensor *query, const ct_tensor *key, const ct_tensor *value,
                       const ct_tensor *mask, double dropout, double scale, ct_tensor **result) {
    return guarded([&] {
        *result = out(at::scaled_dot_product_attention(in(query), in(key), in(value),
                                                       optional(mask), dropout, false, scale));
    });
}

ct_status ct_cross_entropy(const ct_tensor *logits, const ct_tensor *labels, int64_t ignored,
                           bool mean, ct_tensor **result) {
    return guarded([&] {
        *result = out(at::cross_entropy_loss(in(logits), in(labels), std::nullopt,
                                             mean ? at::Reduction::Mean : at::Reduction::Sum,
                                             ignored));
    });
}

ct_status ct_mse(const ct_tensor *a, const ct_tensor *b, ct_tensor **result) {
    return guarded([&] { *result = out(at::mse_loss(in(a), in(b))); });
}

}  // extern "C"
