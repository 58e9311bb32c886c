// The kernels of image models, and the memory layout they like: channels last.
#include <ATen/Parallel.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <array>

#include "Guard.h"

using namespace ctorch;

static std::optional<at::Tensor> optional(const ct_tensor *x) {
    return x == nullptr ? std::nullopt : std::optional<at::Tensor>(in(x));
}

/// What each byte of each channel becomes; float32 steps in the order of ToTensor and Normalize.
using ByteTable = std::array<float, 3 * 256>;

static ByteTable byte_table(const double *mean, const double *deviation) {
    ByteTable table;
    for (size_t value = 0; value < 256; ++value) {
        for (size_t channel = 0; channel < 3; ++channel) {
            table[value * 3 + channel] =
                (static_cast<float>(value) / 255.0f - static_cast<float>(mean[channel])) /
                static_cast<float>(deviation[channel]);
        }
    }
    return table;
}

template <typename Scalar>
static void look_up(const uint8_t *bytes, Scalar *values, int64_t pixels, const ByteTable &table) {
    std::array<Scalar, 3 * 256> rounded;
    for (size_t i = 0; i < table.size(); ++i) rounded[i] = static_cast<Scalar>(table[i]);
    at::parallel_for(0, pixels, 16384, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin * 3; i < end * 3; i += 3) {
            for (int64_t channel = 0; channel < 3; ++channel) {
                values[i + channel] =
                    rounded[static_cast<size_t>(bytes[i + channel]) * 3 + static_cast<size_t>(channel)];
            }
        }
    });
}

/// The same on any device, in whole-tensor steps.
static at::Tensor normalized(const at::Tensor &bytes, const double *mean, const double *deviation) {
    const auto row = [&](const double *values) {
        at::Tensor host = at::empty({3}, at::kFloat);
        for (int64_t i = 0; i < 3; ++i) host.mutable_data_ptr<float>()[i] = static_cast<float>(values[i]);
        return host.to(bytes.device());
    };
    return bytes.to(at::kFloat).div_(255.0).sub_(row(mean)).div_(row(deviation));
}

extern "C" {

ct_status ct_conv2d(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                    int64_t stride, int64_t padding, ct_tensor **result) {
    return guarded([&] {
        *result = out(at::conv2d(in(x), in(weight), optional(bias), {stride, stride},
                                 at::IntArrayRef({padding, padding})));
    });
}

ct_status ct_max_pool2d(const ct_tensor *x, int64_t window, int64_t stride, int64_t padding,
                        ct_tensor **result) {
    return guarded([&] {
        *result = out(at::max_pool2d(in(x), {window, window}, {stride, stride}, {padding, padding}));
    });
}

ct_status ct_adaptive_avg_pool2d(const ct_tensor *x, int64_t height, int64_t width,
                                 ct_tensor **result) {
    return guarded([&] { *result = out(at::adaptive_avg_pool2d(in(x), {height, width})); });
}

ct_status ct_batch_norm(const ct_tensor *x, const ct_tensor *weight, const ct_tensor *bias,
                        ct_tensor *mean, ct_tensor *variance, bool training, double momentum,
                        double epsilon, ct_tensor **result) {
    return guarded([&] {
        const at::Tensor &input = in(x);
        TORCH_CHECK(input.dim() >= 2, "expected [rows, channels, …], got ", input.sizes());
        TORCH_CHECK(!training || input.numel() > input.size(1),
                    "a batch of shape ", input.sizes(), " has no more than one value a channel, "
                    "which has no variance");
        *result = out(at::batch_norm(input, optional(weight), optional(bias), in(mean),
                                     in(variance), training, momentum, epsilon, true));
    });
}

ct_status ct_upsample_bilinear2d(const ct_tensor *x, int64_t height, int64_t width,
                                 bool align_corners, ct_tensor **result) {
    return guarded([&] {
        const int64_t size[] = {height, width};
        *result = out(at::upsample_bilinear2d(in(x), at::IntArrayRef(size), align_corners));
    });
}

ct_status ct_upsample_bicubic2d(const ct_tensor *x, int64_t height, int64_t width,
                                bool align_corners, ct_tensor **result) {
    return guarded([&] {
        const int64_t size[] = {height, width};
        *result = out(at::upsample_bicubic2d(in(x), at::IntArrayRef(size), align_corners));
    });
}

ct_status ct_flatten(const ct_tensor *x, int64_t first, int64_t last, ct_tensor **result) {
    return guarded([&] { *result = out(at::flatten(in(x), first, last)); });
}

ct_status ct_relu_(ct_tensor *x) {
    return guarded([&] { at::relu_(in(x)); });
}

ct_status ct_to_channels_last(const ct_tensor *x, ct_dtype dtype, ct_tensor **result) {
    return guarded([&] {
        *result = out(in(x).to(in(x).options().dtype(scalar_type(dtype)), false, false,
                               at::MemoryFormat::ChannelsLast));
    });
}

bool ct_is_channels_last(const ct_tensor *x) {
    return in(x).is_contiguous(at::MemoryFormat::ChannelsLast);
}

ct_status ct_normalize_images(const ct_tensor *bytes, const double *mean, const double *deviation,
                              ct_dtype dtype, ct_tensor **result) {
    return guarded([&] {
        const at::Tensor &input = in(bytes);
        TORCH_CHECK(input.dim() == 4 && input.size(3) == 3 && input.scalar_type() == at::kByte,
                    "expected bytes [images, height, width, 3], got ", input.scalar_type(), " ",
                    input.sizes());
        const at::ScalarType type = scalar_type(dtype);
        at::Tensor values;
        if (input.device().is_cpu() && (type == at::kFloat || type == at::kBFloat16)) {
            const at::Tensor rows = input.contiguous();
            values = at::empty(rows.sizes(), rows.options().dtype(type));
            const auto table = byte_table(mean, deviation);
            const int64_t pixels = rows.numel() / 3;
            if (type == at::kFloat) {
                look_up(rows.const_data_ptr<uint8_t>(), values.mutable_data_ptr<float>(), pixels,
                        table);
            } else {
                look_up(rows.const_data_ptr<uint8_t>(), values.mutable_data_ptr<c10::BFloat16>(),
                        pixels, table);
            }
        } else {
            values = normalized(input, mean, deviation).to(type);
        }
        // The same memory, read as [images, 3, height, width]: channels last.
        *result = out(values.permute({0, 3, 1, 2}));
    });
}

}  // extern "C"
