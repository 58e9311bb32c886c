// The C face of libtorch: what the Swift module `Torch` calls, and nothing else.
//
// Every function returns a status and writes its results through out-parameters. No C++ exception
// leaves this library: the guard catches it and keeps its message, without the C++ backtrace, in a
// thread-local string that `ct_last_error` returns until the next failure on that thread.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor ct_tensor;
typedef struct ct_guard ct_guard;

typedef enum ct_status {
    CT_OK = 0,
    CT_ERROR = 1,
    CT_OUT_OF_MEMORY = 2,
} ct_status;

// Scalar types, numbered independently of libtorch.
typedef enum ct_dtype {
    CT_UINT8 = 0,
    CT_INT8 = 1,
    CT_INT16 = 2,
    CT_INT32 = 3,
    CT_INT64 = 4,
    CT_FLOAT16 = 5,
    CT_FLOAT32 = 6,
    CT_FLOAT64 = 7,
    CT_BOOL = 8,
    CT_BFLOAT16 = 9,
} ct_dtype;

typedef enum ct_device_kind { CT_CPU = 0, CT_CUDA = 1, CT_META = 2 } ct_device_kind;
typedef struct ct_device {
    ct_device_kind kind;
    int32_t index;
} ct_device;

const char *ct_last_error(void);
// Throws the numbered C++ exception inside the guard, so that the boundary itself can be tested:
// 0 c10::Error, 1 std::bad_alloc, 2 std::runtime_error, 3 a value that is no exception.
ct_status ct_raise(int32_t kind);

// Device.cpp -------------------------------------------------------------------------------------
const char *ct_version(void);
// The file that libtorch was loaded from, or NULL.
const char *ct_library_path(void);
const char *ct_cpu_capability(void);
bool ct_cpu_has_fast_bfloat16(void);
int32_t ct_thread_count(void);
ct_status ct_set_thread_count(int32_t count);
// Opens libtorch_cuda at run time where it can be found; true when a device answers.
bool ct_cuda_is_available(void);
int32_t ct_cuda_device_count(void);
ct_status ct_cuda_synchronize(int32_t index);
ct_status ct_cuda_peak_memory(int32_t index, int64_t *out);
// Has the host allocator keep what is freed, where the C library can: fresh pages cost time.
void ct_keep_host_memory(void);
// Returns memory the host allocator keeps for reuse to the system, where the C library can.
void ct_trim_host_memory(void);

// Random.cpp -------------------------------------------------------------------------------------
ct_status ct_seed(uint64_t seed);
ct_status ct_fill_normal(ct_tensor *x, double mean, double deviation);
ct_status ct_fill_uniform(ct_tensor *x, double low, double high);
// Elementwise dropout with a mask from a counter-based generator keyed by `key`.
ct_status ct_dropout(const ct_tensor *x, double p, uint64_t key, ct_tensor **out);

// Tensor.cpp -------------------------------------------------------------------------------------
void ct_free(ct_tensor *x);
ct_status ct_from_bytes(const void *bytes, size_t count, ct_dtype dtype, const int64_t *shape,
                        int32_t rank, ct_device device, ct_tensor **out);
ct_status ct_copy_bytes(const ct_tensor *x, void *bytes, size_t count);
ct_status ct_empty(const int64_t *shape, int32_t rank, ct_dtype dtype, ct_device device,
                   ct_tensor **out);
ct_status ct_full(const int64_t *shape, int32_t rank, double value, ct_dtype dtype,
                  ct_device device, ct_tensor **out);
ct_status ct_arange(int64_t start, int64_t end, ct_device device, ct_tensor **out);
int32_t ct_rank(const ct_tensor *x);
int64_t ct_size(const ct_tensor *x, int32_t dimension);
int64_t ct_element_count(const ct_tensor *x);
ct_status ct_get_dtype(const ct_tensor *x, ct_dtype *out);
ct_device ct_get_device(const ct_tensor *x);
bool ct_is_contiguous(const ct_tensor *x);
ct_status ct_item(const ct_tensor *x, double *out);
ct_status ct_to_dtype(const ct_tensor *x, ct_dtype dtype, ct_tensor **out);
ct_status ct_to_device(const ct_tensor *x, ct_device device, ct_tensor **out);
ct_status ct_contiguous(const ct_tensor *x, ct_tensor **out);
ct_status ct_clone(const ct_tensor *x, ct_tensor **out);
ct_status ct_copy_(ct_tensor *x, const ct_tensor *source);
ct_status ct_zero_(ct_tensor *x);
ct_status ct_mul_scalar_(ct_tensor *x, double factor);
ct_status ct_add_(ct_tensor *x, const ct_tensor *y, double alpha);
ct_status ct_reshape(const ct_tensor *x, const int64_t *shape, int32_t rank, ct_tensor **out);
ct_status ct_transpose(const ct_tensor *x, int64_t a, int64_t b, ct_tensor **out);
ct_status ct_permute(const ct_tensor *x, const int64_t *order, int32_t rank, ct_tensor **out);
ct_status ct_unsqueeze(const ct_tensor *x, int64_t dimension, ct_tensor **out);
ct_status ct_squeeze(const ct_tensor *x, int64_t dimension, ct_tensor **out);
ct_status ct_expand(const ct_tensor *x, const int64_t *shape, int32_t rank, ct_tensor **out);
ct_status ct_narrow(const ct_tensor *x, int64_t dimension, int64_t start, int64_t length,
                    ct_tensor **out);
ct_status ct_select(const ct_tensor *x, int64_t dimension, int64_t index, ct_tensor **out);
ct_status ct_index_select(const ct_tensor *x, int64_t dimension, const ct_tensor *index,
                          ct_tensor **out);
ct_status ct_gather(const ct_tensor *x, int64_t dimension, const ct_tensor *index,
                    ct_tensor **out);
ct_status ct_cat(ct_tensor *const *tensors, int32_t count, int64_t dimension, ct_tensor **out);
ct_status ct_stack(ct_tensor *const *tensors, int32_t count, int64_t dimension, ct_tensor **out);

// Math.cpp ---------------------------------------------------------------------------------------
ct_status ct_add(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
ct_status ct_sub(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
ct_status ct_mul(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
ct_status ct_div(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
ct_status ct_add_scalar(const ct_tensor *a, double b, ct_tensor **out);
ct_status ct_mul_scalar(const ct_tensor *a, double b, ct_tensor **out);
ct_status ct_pow_scalar(const ct_tensor *a, double b, ct_tensor **out);
ct_status ct_neg(const ct_tensor *x, ct_tensor **out);
ct_status ct_exp(const ct_tensor *x, ct_tensor **out);
ct_status ct_log(const ct_tensor *x, ct_tensor **out);
ct_status ct_sqrt(const ct_tensor *x, ct_tensor **out);
ct_status ct_abs(const ct_tensor *x, ct_tensor **out);
ct_status ct_tanh(const ct_tensor *x, ct_tensor **out);
ct_status ct_relu(const ct_tensor *x, ct_tensor **out);
ct_status ct_sigmoid(const ct_tensor *x, ct_tensor **out);
ct_status ct_clamp(const ct_tensor *x, double low, double high, ct_tensor **out);
ct_status ct_equal(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
ct_status ct_greater_scalar(const ct_tensor *a, double b, ct_tensor **out);
ct_status ct_where(const ct_tensor *condition, const ct_tensor *a, const ct_tensor *b,
                   ct_tensor **out);
ct_status ct_masked_fill(const ct_tensor *x, const ct_tensor *mask, double value,
                         ct_tensor **out);
ct_status ct_matmul(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);
ct_status ct_sum_all(const ct_tensor *x, ct_tensor **out);
ct_status ct_mean_all(const ct_tensor *x, ct_tensor **out);
ct_status ct_sum(const ct_tensor *x, const int64_t *dimensions, int32_t count, bool keep,
                 ct_tensor **out);
ct_status ct_mean(const ct_tensor *x, const int64_t *dimensions, int32_t count, bool keep,
                  ct_tensor **out);
ct_status ct_argmax(const ct_tensor *x, int64_t dimension, ct_tensor **out);
ct_status ct_norm(const ct_tensor *x, ct_tensor **out);
ct_status ct_all_finite(ct_tensor *const *tensors, int32_t count, bool *out);
ct_status ct_is_bitwise_equal(const ct_tensor *a, const ct_tensor *b, bool *out);

// NN.cpp -----------------------------------------------------------------------------------------
ct_status ct_linear(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                    ct_tensor **out);
ct_status ct_embedding(const ct_tensor *weight, const ct_tensor *ids, int64_t padding,
                       ct_tensor **out);
ct_status ct_layer_norm(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                        double epsilon, ct_tensor **out);
ct_status ct_gelu(const ct_tensor *x, bool tanh_approximation, ct_tensor **out);
ct_status ct_softmax(const ct_tensor *x, int64_t dimension, ct_tensor **out);
ct_status ct_log_softmax(const ct_tensor *x, int64_t dimension, ct_tensor **out);
ct_status ct_attention(const ct_tensor *query, const ct_tensor *key, const ct_tensor *value,
                       const ct_tensor *mask, double dropout, double scale, ct_tensor **out);
ct_status ct_cross_entropy(const ct_tensor *logits, const ct_tensor *labels, int64_t ignored,
                           bool mean, ct_tensor **out);
ct_status ct_mse(const ct_tensor *a, const ct_tensor *b, ct_tensor **out);

// Fused.cpp --------------------------------------------------------------------------------------
// Two results: the layer normalization of dropout(x) + residual, and that sum.
ct_status ct_residual_norm(const ct_tensor *x, const ct_tensor *residual, const ct_tensor *weight,
                           const ct_tensor *bias, double epsilon, double p, uint64_t key,
                           ct_tensor **results);
// x * sigmoid(1.702 x).
ct_status ct_quick_gelu(const ct_tensor *x, ct_tensor **out);
// Self-attention over [tokens, 3 * hidden]; `offsets` (64-bit, on the host) says where each sequence
// begins, and where the last ends.
ct_status ct_packed_attention(const ct_tensor *projected, const ct_tensor *offsets, int64_t heads,
                              bool is_causal, double p, uint64_t key, ct_tensor **out);

// Weights.cpp ------------------------------------------------------------------------------------
// The norm of each tensor.
ct_status ct_norms(ct_tensor *const *tensors, int32_t count, ct_tensor **out);
// A frozen matrix in oneDNN's own order, and the product with one; `transposed` is for the gradient.
ct_status ct_pack_linear(const ct_tensor *weight, ct_tensor **out);
ct_status ct_packed_linear(const ct_tensor *x, const ct_tensor *weight,
                           const ct_tensor *transposed, const ct_tensor *bias, ct_tensor **out);

// Vision.cpp -------------------------------------------------------------------------------------
ct_status ct_conv2d(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                    int64_t stride, int64_t padding, ct_tensor **out);
ct_status ct_max_pool2d(const ct_tensor *x, int64_t window, int64_t stride, int64_t padding,
                        ct_tensor **out);
ct_status ct_adaptive_avg_pool2d(const ct_tensor *x, int64_t height, int64_t width,
                                 ct_tensor **out);
// In training `mean` and `variance`, the running ones, are moved in place.
ct_status ct_batch_norm(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                        ct_tensor *mean, ct_tensor *variance, bool training, double momentum,
                        double epsilon, ct_tensor **out);
ct_status ct_upsample_bilinear2d(const ct_tensor *x, int64_t height, int64_t width,
                                 bool align_corners, ct_tensor **out);
ct_status ct_upsample_bicubic2d(const ct_tensor *x, int64_t height, int64_t width,
                                bool align_corners, ct_tensor **out);
ct_status ct_flatten(const ct_tensor *x, int64_t first, int64_t last, ct_tensor **out);
ct_status ct_relu_(ct_tensor *x);
ct_status ct_to_channels_last(const ct_tensor *x, ct_dtype dtype, ct_tensor **out);
bool ct_is_channels_last(const ct_tensor *x);
// Bytes [images, height, width, 3] to (x / 255 - mean) / deviation [images, 3, height, width],
// channels last.
ct_status ct_normalize_images(const ct_tensor *bytes, const double *mean, const double *deviation,
                              ct_dtype dtype, ct_tensor **out);

// Autograd.cpp -----------------------------------------------------------------------------------
bool ct_requires_grad(const ct_tensor *x);
ct_status ct_set_requires_grad(ct_tensor *x, bool value);
ct_status ct_detach(const ct_tensor *x, ct_tensor **out);
// Gradients of the scalar `loss`; `out[i]` is NULL where `loss` does not depend on `inputs[i]`.
ct_status ct_gradients(const ct_tensor *loss, ct_tensor *const *inputs, int32_t count,
                       ct_tensor **out);
bool ct_grad_is_enabled(void);
void ct_set_grad_enabled(bool value);
ct_status ct_inference_enter(ct_guard **out);
void ct_inference_leave(ct_guard *guard);

// Optimizers.cpp: libtorch's fused and foreach kernels ---------------------------------------------
ct_status ct_foreach_add_(ct_tensor *const *tensors, ct_tensor *const *others, int32_t count,
                          double alpha);
ct_status ct_foreach_mul_(ct_tensor *const *tensors, int32_t count, const ct_tensor *factor);
ct_status ct_fused_adamw_(ct_tensor *const *parameters, ct_tensor *const *gradients,
                          ct_tensor *const *first, ct_tensor *const *second,
                          ct_tensor *const *steps, int32_t count, double rate, double beta1,
                          double beta2, double decay, double epsilon);
ct_status ct_fused_sgd_(ct_tensor *const *parameters, ct_tensor *const *gradients,
                        ct_tensor *const *momenta, int32_t count, double decay, double momentum,
                        double rate, bool first_step);

#ifdef __cplusplus
}
#endif
#endif
