// The entry of libFuzzer, which the toolchain ships as an archive without a header.
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(
    int *argument_count, char ***arguments, int (*test)(const uint8_t *bytes, size_t count));

#endif
