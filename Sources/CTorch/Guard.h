// How every function of this library crosses from C++ to C.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "include/CTorch.h"

namespace ctorch {

void remember(const char *message);

/// Runs `body`; an exception becomes a status, its message the thread's last error.
template <typename Body> ct_status guarded(Body &&body) noexcept {
    try {
        body();
        return CT_OK;
    } catch (const c10::OutOfMemoryError &error) {
        remember(error.what_without_backtrace());
        return CT_OUT_OF_MEMORY;
    } catch (const c10::Error &error) {
        const char *message = error.what_without_backtrace();
        remember(message);
        // The CPU allocator reports exhaustion as an ordinary error.
        return std::string(message).find("can't allocate memory") != std::string::npos
                   ? CT_OUT_OF_MEMORY
                   : CT_ERROR;
    } catch (const std::bad_alloc &) {
        remember("the C++ allocator is out of memory");
        return CT_OUT_OF_MEMORY;
    } catch (const std::exception &error) {
        remember(error.what());
        return CT_ERROR;
    } catch (...) {
        remember("an exception of unknown type");
        return CT_ERROR;
    }
}

inline const at::Tensor &in(const ct_tensor *x) { return *reinterpret_cast<const at::Tensor *>(x); }
inline at::Tensor &in(ct_tensor *x) { return *reinterpret_cast<at::Tensor *>(x); }
inline ct_tensor *out(at::Tensor x) {
    return reinterpret_cast<ct_tensor *>(new at::Tensor(std::move(x)));
}

inline std::vector<at::Tensor> list(ct_tensor *const *tensors, int32_t count) {
    std::vector<at::Tensor> result;
    result.reserve(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; ++i) result.push_back(in(tensors[i]));
    return result;
}

inline at::IntArrayRef shape_of(const int64_t *shape, int32_t rank) {
    return at::IntArrayRef(shape, static_cast<size_t>(rank));
}

at::ScalarType scalar_type(ct_dtype dtype);
at::Device device_of(ct_device device);

}  // namespace ctorch
