// Making tensors, moving their bytes, and changing their shape.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/narrow.h>
#include <ATen/ops/stack.h>

#include <cstring>

#include "Guard.h"

using namespace ctorch;

namespace ctorch {

static thread_local std::string last_error;

void remember(const char *message) {
    try {
        last_error = message;
    } catch (...) {
        // Out of memory while keeping a message: the status alone has to do.
    }
}

at::ScalarType scalar_type(ct_dtype dtype) {
    switch (dtype) {
        case CT_UINT8: return at::kByte;
        case CT_INT8: return at::kChar;
        case CT_INT16: return at::kShort;
        case CT_INT32: return at::kInt;
        case CT_INT64: return at::kLong;
        case CT_FLOAT16: return at::kHalf;
        case CT_FLOAT32: return at::kFloat;
        case CT_FLOAT64: return at::kDouble;
        case CT_BOOL: return at::kBool;
        case CT_BFLOAT16: return at::kBFloat16;
    }
    TORCH_CHECK(false, "unknown scalar type ", static_cast<int>(dtype));
}

at::Device device_of(ct_device device) {
    switch (device.kind) {
        case CT_CPU: return at::Device(at::kCPU);
        case CT_CUDA:
            TORCH_CHECK(device.index >= 0 && device.index <= INT8_MAX,
                        "there is no cuda:", device.index);
            return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device.index));
        case CT_META: return at::Device(at::kMeta);
    }
    TORCH_CHECK(false, "unknown device kind ", static_cast<int>(device.kind));
}

}  // namespace ctorch

static at::TensorOptions options(ct_dtype dtype, ct_device device) {
    return at::TensorOptions().dtype(scalar_type(dtype)).device(device_of(device));
}

extern "C" {

const char *ct_last_error(void) { return last_error.c_str(); }

ct_status ct_raise(int32_t kind) {
    return guarded([&] {
        switch (kind) {
            case 0: TORCH_CHECK(false, "raised on request");
            case 1: throw std::bad_alloc();
            case 2: throw std::runtime_error("raised on request");
            default: throw kind;
        }
    });
}

void ct_free(ct_tensor *x) { delete reinterpret_cast<at::Tensor *>(x); }

ct_status ct_from_bytes(const void *bytes, size_t count, ct_dtype dtype, const int64_t *shape,
                        int32_t rank, ct_device device, ct_tensor **result) {
    return guarded([&] {
        at::Tensor host = at::empty(shape_of(shape, rank), options(dtype, {CT_CPU, 0}));
        TORCH_CHECK(host.nbytes() == count, "expected ", host.nbytes(), " bytes for shape ",
                    host.sizes(), ", got ", count);
        if (count > 0) std::memcpy(host.mutable_data_ptr(), bytes, count);
        *result = out(device.kind == CT_CPU ? host : host.to(device_of(device)));
    });
}

ct_status ct_copy_bytes(const ct_tensor *x, void *bytes, size_t count) {
    return guarded([&] {
        at::Tensor host = in(x).detach().to(at::kCPU).contiguous();
        TORCH_CHECK(host.nbytes() == count, "expected room for ", host.nbytes(), " bytes, got ",
                    count);
        if (count > 0) std::memcpy(bytes, host.const_data_ptr(), count);
    });
}

ct_status ct_empty(const int64_t *shape, int32_t rank, ct_dtype dtype, ct_device device,
                   ct_tensor **result) {
    return guarded([&] { *result = out(at::empty(shape_of(shape, rank), options(dtype, device))); });
}

ct_status ct_full(const int64_t *shape, int32_t rank, double value, ct_dtype dtype,
                  ct_device device, ct_tensor **result) {
    return guarded([&] {
        *result = out(at::full(shape_of(shape, rank), value, options(dtype, device)));
    });
}

ct_status ct_arange(int64_t start, int64_t end, ct_device device, ct_tensor **result) {
    return guarded([&] { *result = out(at::arange(start, end, options(CT_INT64, device))); });
}

int32_t ct_rank(const ct_tensor *x) { return static_cast<int32_t>(in(x).dim()); }
int64_t ct_size(const ct_tensor *x, int32_t dimension) {
    return in(x).sizes()[static_cast<size_t>(dimension)];
}
int64_t ct_element_count(const ct_tensor *x) { return in(x).numel(); }

ct_status ct_get_dtype(const ct_tensor *x, ct_dtype *result) {
    return guarded([&] {
        switch (in(x).scalar_type()) {
            case at::kByte: *result = CT_UINT8; break;
            case at::kChar: *result = CT_INT8; break;
            case at::kShort: *result = CT_INT16; break;
            case at::kInt: *result = CT_INT32; break;
            case at::kLong: *result = CT_INT64; break;
            case at::kHalf: *result = CT_FLOAT16; break;
            case at::kFloat: *result = CT_FLOAT32; break;
            case at::kDouble: *result = CT_FLOAT64; break;
            case at::kBool: *result = CT_BOOL; break;
            case at::kBFloat16: *result = CT_BFLOAT16; break;
            default: TORCH_CHECK(false, "scalar type ", in(x).scalar_type(), " is not supported");
        }
    });
}

ct_device ct_get_device(const ct_tensor *x) {
    const at::Device device = in(x).device();
    if (device.is_cuda()) return {CT_CUDA, device.index()};
    return {device.is_meta() ? CT_META : CT_CPU, 0};
}

bool ct_is_contiguous(const ct_tensor *x) { return in(x).is_contiguous(); }

ct_status ct_item(const ct_tensor *x, double *result) {
    return guarded([&] { *result = in(x).item().toDouble(); });
}

ct_status ct_to_dtype(const ct_tensor *x, ct_dtype dtype, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).to(scalar_type(dtype))); });
}

ct_status ct_to_device(const ct_tensor *x, ct_device device, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).to(device_of(device))); });
}

ct_status ct_contiguous(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).contiguous()); });
}

ct_status ct_clone(const ct_tensor *x, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).clone()); });
}

ct_status ct_copy_(ct_tensor *x, const ct_tensor *source) {
    return guarded([&] { in(x).copy_(in(source)); });
}

ct_status ct_zero_(ct_tensor *x) {
    return guarded([&] { in(x).zero_(); });
}

ct_status ct_mul_scalar_(ct_tensor *x, double factor) {
    return guarded([&] { in(x).mul_(factor); });
}

ct_status ct_add_(ct_tensor *x, const ct_tensor *y, double alpha) {
    return guarded([&] { in(x).add_(in(y), alpha); });
}

ct_status ct_reshape(const ct_tensor *x, const int64_t *shape, int32_t rank, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).reshape(shape_of(shape, rank))); });
}

ct_status ct_transpose(const ct_tensor *x, int64_t a, int64_t b, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).transpose(a, b)); });
}

ct_status ct_permute(const ct_tensor *x, const int64_t *order, int32_t rank, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).permute(shape_of(order, rank))); });
}

ct_status ct_unsqueeze(const ct_tensor *x, int64_t dimension, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).unsqueeze(dimension)); });
}

ct_status ct_squeeze(const ct_tensor *x, int64_t dimension, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).squeeze(dimension)); });
}

ct_status ct_expand(const ct_tensor *x, const int64_t *shape, int32_t rank, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).expand(shape_of(shape, rank))); });
}

ct_status ct_narrow(const ct_tensor *x, int64_t dimension, int64_t start, int64_t length,
                    ct_tensor **result) {
    return guarded([&] { *result = out(at::narrow(in(x), dimension, start, length)); });
}

ct_status ct_select(const ct_tensor *x, int64_t dimension, int64_t index, ct_tensor **result) {
    return guarded([&] { *result = out(in(x).select(dimension, index)); });
}

ct_status ct_index_select(const ct_tensor *x, int64_t dimension, const ct_tensor *index,
                          ct_tensor **result) {
    return guarded([&] { *result = out(at::index_select(in(x), dimension, in(index))); });
}

ct_status ct_gather(const ct_tensor *x, int64_t dimension, const ct_tensor *index,
                    ct_tensor **result) {
    return guarded([&] { *result = out(at::gather(in(x), dimension, in(index))); });
}

ct_status ct_cat(ct_tensor *const *tensors, int32_t count, int64_t dimension,
                 ct_tensor **result) {
    return guarded([&] { *result = out(at::cat(list(tensors, count), dimension)); });
}

ct_status ct_stack(ct_tensor *const *tensors, int32_t count, int64_t dimension,
                   ct_tensor **result) {
    return guarded([&] { *result = out(at::stack(list(tensors, count), dimension)); });
}

}  // extern "C"
