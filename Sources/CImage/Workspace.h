// What the files of this library share.
#ifndef CIMAGE_WORKSPACE_H
#define CIMAGE_WORKSPACE_H

#include <stdbool.h>

#include "CImage.h"

// Memory that is kept from one image to the next.
typedef struct ci_buffer {
    uint8_t *bytes;
    size_t capacity;
} ci_buffer;

typedef struct ci_jpeg ci_jpeg;

struct ci_workspace {
    char message[256];
    // The image last decoded.
    ci_buffer pixels;
    // A row as it is in the file, or all of them where a PNG is interlaced.
    ci_buffer raw;
    // Resampling: the weights of both axes, and the image between the two passes.
    ci_buffer weights;
    ci_buffer middle;
    // The file last encoded.
    ci_buffer file;
    // libjpeg's state, made when first needed.
    ci_jpeg *jpeg;
};

// Vector loads may read that far past the end of any buffer.
#define CI_SLACK 64

// At least `count` bytes, their content undefined; NULL, with a message, where there is no memory.
uint8_t *ci_reserve(ci_workspace *workspace, ci_buffer *buffer, size_t count);

ci_status ci_fail(ci_workspace *workspace, ci_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// CI_OK where an image of this size may be decoded.
// Whether decoding may take `bytes` of memory for a file of `count` bytes: a small file has no use
// for much, and could ask for gigabytes.
ci_status ci_check_memory(ci_workspace *workspace, uint64_t bytes, size_t count);
ci_status ci_check_size(ci_workspace *workspace, uint64_t width, uint64_t height,
                        uint64_t maximum_pixels);

// Each reads the header into `header` and, unless `out` is NULL, decodes.
ci_status ci_jpeg_read(ci_workspace *workspace, const uint8_t *file, size_t count,
                       uint64_t maximum_pixels, ci_header *header, ci_image *out);
ci_status ci_png_read(ci_workspace *workspace, const uint8_t *file, size_t count,
                      uint64_t maximum_pixels, ci_header *header, ci_image *out);
ci_status ci_netpbm_read(ci_workspace *workspace, const uint8_t *file, size_t count,
                         uint64_t maximum_pixels, ci_header *header, ci_image *out);
void ci_jpeg_destroy(ci_jpeg *jpeg);

#endif
