// Elementwise arithmetic, products and reductions.
#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/div.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/where.h>

#include <cstring>

#include "Guard.h"

using namespace ctorch;

#define CT_UNARY(NAME)                                             \
    ct_status ct_##NAME(const ct_tensor *x, ct_tensor **result) { \
        return guarded([&] { *result = out(at::NAME(in(x))); });  \
    }

#define CT_BINARY(NAME)                                                                 \
    ct_status ct_##NAME(const ct_tensor *a, const ct_tensor *b, ct_tensor **result) { \
        return guarded([&] { *result = out(at::NAME(in(a), in(b))); });               \
    }

extern "C" {

CT_UNARY(neg)
CT_UNARY(exp)
CT_UNARY(log)
CT_UNARY(sqrt)
CT_UNARY(abs)
CT_UNARY(tanh)
CT_UNARY(relu)
CT_UNARY(sigmoid)
CT_BINARY(add)
CT_BINARY(sub)
CT_BINARY(mul)
CT_BINARY(div)
CT_BINARY(matmul)

ct_status ct_add_scalar(const ct_tensor *a, double b, ct_tensor **result) {
    return guarded([&] { *result = out(at::add(in(a), b)); });
}

ct_status ct_mul_scalar(const ct_tensor *a, double b, ct_tensor **result) {
    return guarded([&] { *result = out(at::mul(in(a), b)); });
}

ct_status ct_pow_scalar(const ct_tensor *a, double b, ct_tensor **result) {
    return guarded([&] { *result = out(at::pow(in(a), b)); });
}

ct_status ct_clamp(const ct_tensor *x, double low, double high, ct_tensor **result) {
    return guarded([&] { *result = out(at::clamp(in(x), low, high)); });
}

ct_status ct_equal(const ct_tensor *a, const ct_tensor *b, ct_tensor **result) {
    return guarded([&] { *result = out(at::eq(in(a), in(b))); });
}

ct_status ct_greater_scalar(const ct_tensor *a, double b, ct_tensor **result) {
    return guarded([&] { *result = out(at::gt(in(a), b)); });
}

ct_status ct_where(const ct_tensor *condition, const ct_tensor *a, const ct_tensor *b,
                   ct_tensor **result) {
    return guarded([&] { *result = out(at::where(in(condition), in(a), in(b))); });
}

ct_status ct_masked_fill(const ct_tensor *x, const ct_tensor *mask, double value,
                         ct_tensor **result) {
    return guarded([&] { *result = out(at::masked_fill(in(x), in(mask), value)); });
}

ct_status ct_sum_all(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] { *result = out(at::sum(in(x))); });
}

ct_status ct_mean_all(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] { *result = out(at::mean(in(x))); });
}

ct_status ct_sum(const ct_tensor *x, const int64_t *dimensions, int32_t count, bool keep,
                 ct_tensor **result) {
    return guarded([&] { *result = out(at::sum(in(x), shape_of(dimensions, count), keep)); });
}

ct_status ct_mean(const ct_tensor *x, const int64_t *dimensions, int32_t count, bool keep,
                  ct_tensor **result) {
    return guarded([&] { *result = out(at::mean(in(x), shape_of(dimensions, count), keep)); });
}

ct_status ct_argmax(const ct_tensor *x, int64_t dimension, ct_tensor **result) {
    return guarded([&] { *result = out(at::argmax(in(x), dimension)); });
}

ct_status ct_norm(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] { *result = out(at::linalg_vector_norm(in(x))); });
}

ct_status ct_all_finite(ct_tensor *const *tensors, int32_t count, bool *result) {
    return guarded([&] {
        *result = true;
        for (int32_t i = 0; i < count && *result; ++i) {
            *result = at::isfinite(in(tensors[i])).all().item().toBool();
        }
    });
}

ct_status ct_is_bitwise_equal(const ct_tensor *a, const ct_tensor *b, bool *result) {
    return guarded([&] {
        *result = false;
        if (in(a).scalar_type() != in(b).scalar_type() || in(a).sizes() != in(b).sizes()) return;
        const at::Tensor x = in(a).detach().to(at::kCPU).contiguous();
        const at::Tensor y = in(b).detach().to(at::kCPU).contiguous();
        *result = x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
    });
}

}  // extern "C"
