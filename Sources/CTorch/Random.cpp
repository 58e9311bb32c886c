// Randomness: libtorch's generators, and a keyed dropout that does not depend on their state.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>

#include <cmath>

#include "Guard.h"

using namespace ctorch;

/// SplitMix64's finalizer: a counter in, 64 well-mixed bits out.
static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// Writes 0 or 1/(1-p) to `mask`; element i depends on the key and on i alone, so that neither the
/// number of threads nor what was drawn before changes it.
static void fill_mask(float *mask, int64_t count, double p, uint64_t key) {
    const auto threshold = static_cast<uint32_t>(std::llround(p * 65536.0));
    const float kept = static_cast<float>(1.0 / (1.0 - threshold / 65536.0));
    const uint64_t origin = mix(key + 0x9e3779b97f4a7c15ULL);
    // Four elements from each 64-bit draw.
    at::parallel_for(0, (count + 3) / 4, 16384, [&](int64_t begin, int64_t end) {
        for (int64_t group = begin; group < end; ++group) {
            const uint64_t bits =
                mix(origin + static_cast<uint64_t>(group) * 0x9e3779b97f4a7c15ULL);
            const int64_t first = group * 4;
            const int64_t last = std::min(first + 4, count);
            for (int64_t i = first; i < last; ++i) {
                const auto draw = static_cast<uint32_t>(bits >> (16 * (i - first))) & 0xffffu;
                mask[i] = draw < threshold ? 0.0f : kept;
            }
        }
    });
}

/// The host generator of this thread, once it is seeded: between a seed and the draws that follow,
/// another thread must not draw. Until then, and on other devices, it is libtorch's own.
static thread_local std::optional<at::Generator> host_generator;

static std::optional<at::Generator> generator_for(const at::Tensor &x) {
    return x.device().is_cpu() ? host_generator : std::nullopt;
}

extern "C" {

ct_status ct_seed(uint64_t seed) {
    return guarded([&] {
        at::manual_seed(seed);
        // The generator reads the lower half alone.
        host_generator = at::detail::createCPUGenerator(seed ^ (seed >> 32));
    });
}

ct_status ct_fill_normal(ct_tensor *x, double mean, double deviation) {
    return guarded([&] { in(x).normal_(mean, deviation, generator_for(in(x))); });
}

ct_status ct_fill_uniform(ct_tensor *x, double low, double high) {
    return guarded([&] { in(x).uniform_(low, high, generator_for(in(x))); });
}

ct_status ct_dropout(const ct_tensor *x, double p, uint64_t key, ct_tensor **result) {
    return guarded([&] {
        TORCH_CHECK(p >= 0 && p < 1, "dropout probability ", p, " is not in [0, 1)");
        const at::Tensor &input = in(x);
        if (!input.device().is_cpu()) {
            *result = out(at::dropout(input, p, true));
            return;
        }
        at::Tensor mask = at::empty(input.sizes(), input.options().dtype(at::kFloat));
        fill_mask(mask.mutable_data_ptr<float>(), mask.numel(), p, key);
        *result = out(at::mul(input, mask.to(input.scalar_type())));
    });
}

}  // extern "C"
