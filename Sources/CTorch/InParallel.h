// Loops over libtorch's own threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>
#include <ATen/ops/empty.h>

namespace ctorch {

/// Calls `body(begin, end)` on ranges that make up 0 ..< `count`, on several threads where that is
/// more than `grain`.
///
/// `at::parallel_for` is a template: in a library that is not compiled with OpenMP (whose runtime
/// would be another one than libtorch's) it runs on one thread. An iterator's loop is compiled into
/// libtorch; this one walks bytes that nobody reads, for their numbers.
template <typename Body> void in_parallel(int64_t count, int64_t grain, const Body &body) {
    if (count <= 0) return;
    if (count <= grain || at::get_num_threads() == 1) {
        body(int64_t{0}, count);
        return;
    }
    at::Tensor numbers = at::empty({count}, at::kByte);
    const auto *first = reinterpret_cast<const char *>(numbers.const_data_ptr<uint8_t>());
    auto iterator = at::TensorIteratorConfig()
                        .set_check_mem_overlap(false)
                        .add_output(numbers)
                        .add_const_input(numbers)
                        .build();
    iterator.for_each(
        [&](char **data, const int64_t *, int64_t length) {
            const int64_t begin = data[0] - first;
            body(begin, begin + length);
        },
        grain);
}

}  // namespace ctorch
