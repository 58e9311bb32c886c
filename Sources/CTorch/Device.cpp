// What this machine has: versions, threads, instruction sets, CUDA where it can be loaded.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>
#include <dlfcn.h>
#include <malloc.h>

#include <mutex>

#include "Guard.h"

using namespace ctorch;

/// One source serves the CPU and the CUDA builds: the CUDA half registers itself when opened.
static void open_cuda_once() {
    static std::once_flag once;
    std::call_once(once, [] {
        if (!at::hasCUDA()) dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
    });
}

extern "C" {

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_library_path(void) {
    Dl_info info;
    const auto *symbol = reinterpret_cast<const void *>(&at::get_num_threads);
    return dladdr(symbol, &info) != 0 ? info.dli_fname : nullptr;
}

const char *ct_cpu_capability(void) {
    static const std::string capability = at::get_cpu_capability();
    return capability.c_str();
}

bool ct_cpu_has_fast_bfloat16(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
#else
    return false;
#endif
}

int32_t ct_thread_count(void) { return at::get_num_threads(); }

ct_status ct_set_thread_count(int32_t count) {
    return guarded([&] {
        TORCH_CHECK(count > 0, "the number of threads is ", count, ", not a positive number");
        at::set_num_threads(count);
    });
}

bool ct_cuda_is_available(void) {
    bool available = false;
    guarded([&] {
        open_cuda_once();
        available = at::hasCUDA() && at::detail::getCUDAHooks().deviceCount() > 0;
    });
    return available;
}

int32_t ct_cuda_device_count(void) {
    if (!ct_cuda_is_available()) return 0;
    int32_t count = 0;
    guarded([&] { count = static_cast<int32_t>(at::detail::getCUDAHooks().deviceCount()); });
    return count;
}

ct_status ct_cuda_synchronize(int32_t index) {
    return guarded([&] {
        TORCH_CHECK(ct_cuda_is_available(), "no CUDA device");
        const c10::impl::VirtualGuardImpl guard(at::kCUDA);
        guard.synchronizeDevice(device_of({CT_CUDA, index}).index());
    });
}

ct_status ct_cuda_peak_memory(int32_t index, int64_t *result) {
    return guarded([&] {
        TORCH_CHECK(ct_cuda_is_available(), "no CUDA device");
        auto *allocator =
            dynamic_cast<c10::DeviceAllocator *>(c10::GetAllocator(c10::DeviceType::CUDA));
        TORCH_CHECK(allocator != nullptr, "the CUDA allocator keeps no statistics");
        *result = allocator->getDeviceStats(device_of({CT_CUDA, index}).index())
                      .allocated_bytes[0]
                      .peak;
    });
}

void ct_keep_host_memory(void) {
#if defined(__GLIBC__)
    // 32 MiB is the most that glibc takes; setting either ends its own adjusting of both.
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

void ct_trim_host_memory(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

}  // extern "C"
