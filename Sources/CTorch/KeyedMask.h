// Dropout masks as a function of a key and an element's number.
#pragma once

#include <cmath>
#include <cstdint>

namespace ctorch {

/// SplitMix64's finalizer: a counter in, 64 well-mixed bits out.
static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// A mask: element i depends on the key and on i alone, so that neither the number of threads nor
/// what was drawn before changes it. Four elements share one 64-bit draw.
struct Mask {
    uint32_t threshold;  // of 65,536; 0 drops nothing
    float kept;          // what elements that stay are multiplied by
    uint64_t origin;

    Mask(double p, uint64_t key)
        : threshold(static_cast<uint32_t>(std::llround(p * 65536.0))),
          kept(static_cast<float>(1.0 / (1.0 - threshold / 65536.0))),
          origin(mix(key + 0x9e3779b97f4a7c15ULL)) {}
};

}  // namespace ctorch
