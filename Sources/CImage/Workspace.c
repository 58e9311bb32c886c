#include "Workspace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ci_workspace *ci_workspace_create(void) { return calloc(1, sizeof(ci_workspace)); }

void ci_workspace_destroy(ci_workspace *workspace) {
    if (!workspace) return;
    ci_jpeg_destroy(workspace->jpeg);
    free(workspace->pixels.bytes);
    free(workspace->raw.bytes);
    free(workspace->weights.bytes);
    free(workspace->middle.bytes);
    free(workspace->file.bytes);
    free(workspace);
}

const char *ci_message(const ci_workspace *workspace) { return workspace->message; }

ci_status ci_fail(ci_workspace *workspace, ci_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(workspace->message, sizeof workspace->message, format, arguments);
    va_end(arguments);
    return status;
}

uint8_t *ci_reserve(ci_workspace *workspace, ci_buffer *buffer, size_t count) {
    // One huge image must not hold its memory for all the small ones after it.
    const size_t large = (size_t)32 << 20;
    const bool wasteful = buffer->capacity > large && count < buffer->capacity / 4;
    if (!buffer->bytes || buffer->capacity < count || wasteful) {
        free(buffer->bytes);
        *buffer = (ci_buffer){0};
        void *bytes = NULL;
        if (count > SIZE_MAX - CI_SLACK || posix_memalign(&bytes, 64, count + CI_SLACK) != 0) {
            ci_fail(workspace, CI_OUT_OF_MEMORY, "needs %zu bytes of memory, which there are not",
                    count);
            return NULL;
        }
        *buffer = (ci_buffer){.bytes = bytes, .capacity = count};
    }
    memset(buffer->bytes + count, 0, CI_SLACK);
    return buffer->bytes;
}

ci_status ci_check_memory(ci_workspace *workspace, uint64_t bytes, size_t count) {
    // 48 MB for any file, which is 16 million pixels, and 64 times what a file has above one MB.
    const uint64_t base = (uint64_t)48 << 20, free_bytes = (uint64_t)1 << 20;
    const uint64_t beyond = count > free_bytes ? count - free_bytes : 0;
    if (bytes <= base + 64 * beyond) return CI_OK;
    return ci_fail(workspace, CI_TOO_LARGE,
                   "would take %llu MB of memory, too much for a file of %zu bytes; save it with "
                   "fewer pixels, or not interlaced or progressive",
                   (unsigned long long)(bytes >> 20), count);
}

ci_status ci_check_size(ci_workspace *workspace, uint64_t width, uint64_t height,
                        uint64_t maximum_pixels) {
    if (width == 0 || height == 0) {
        return ci_fail(workspace, CI_DAMAGED, "says it is %llu x %llu pixels large",
                       (unsigned long long)width, (unsigned long long)height);
    }
    if (width > CI_MAXIMUM_SIDE || height > CI_MAXIMUM_SIDE) {
        return ci_fail(workspace, CI_TOO_LARGE,
                       "is %llu x %llu pixels large; no side may be above %d",
                       (unsigned long long)width, (unsigned long long)height, CI_MAXIMUM_SIDE);
    }
    if (width * height > maximum_pixels) {
        return ci_fail(workspace, CI_TOO_LARGE,
                       "is %llu x %llu pixels large, above the budget of %llu pixels",
                       (unsigned long long)width, (unsigned long long)height,
                       (unsigned long long)maximum_pixels);
    }
    return CI_OK;
}
