// Randomness: libtorch's generators, and a keyed dropout that does not depend on their state.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>

#include "Guard.h"
#include "InParallel.h"
#include "KeyedMask.h"

using namespace ctorch;

/// Writes 0 or 1/(1-p) to `factors`, for elements 0, 1, ….
static void fill_factors(float *factors, int64_t count, const Mask &mask) {
    in_parallel((count + 3) / 4, 16384, [&](int64_t begin, int64_t end) {
        for (int64_t group = begin; group < end; ++group) {
            const uint64_t bits =
                mix(mask.origin + static_cast<uint64_t>(group) * 0x9e3779b97f4a7c15ULL);
            const int64_t first = group * 4;
            const int64_t last = std::min(first + 4, count);
            for (int64_t i = first; i < last; ++i) {
                const auto draw = static_cast<uint32_t>(bits >> (16 * (i - first))) & 0xffffu;
                factors[i] = draw < mask.threshold ? 0.0f : mask.kept;
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
        fill_factors(mask.mutable_data_ptr<float>(), mask.numel(), Mask(p, key));
        *result = out(at::mul(input, mask.to(input.scalar_type())));
    });
}

}  // extern "C"
