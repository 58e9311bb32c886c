// Image files to RGB bytes, RGB bytes to other sizes, RGB bytes to PNG: what the Swift module
// `DataPipeline` calls, and nothing else.
//
// Pixels are interleaved RGB of 8 bits, rows from the top, without padding. Every function returns a
// status; where it is not CI_OK, `ci_message` has the reason in words that go on from a file's name
// ("is cut short …"). libjpeg and libpng leave by longjmp on bad files: they are caught here, and
// none gets out. A workspace keeps buffers from one call to the next and belongs to one thread at a
// time; two workspaces share nothing.
#ifndef CIMAGE_H
#define CIMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ci_status {
    CI_OK = 0,
    // None of the formats that can be read.
    CI_NOT_AN_IMAGE = 1,
    // One of them, but the content is broken or ends early.
    CI_DAMAGED = 2,
    // One of them in a form that cannot be read, or a format known by its first bytes only.
    CI_UNSUPPORTED = 3,
    // More pixels than the budget, or a side above CI_MAXIMUM_SIDE.
    CI_TOO_LARGE = 4,
    CI_OUT_OF_MEMORY = 5,
    // Arguments that contradict each other.
    CI_INVALID = 6,
} ci_status;

typedef enum ci_format { CI_JPEG = 1, CI_PNG = 2, CI_NETPBM = 3 } ci_format;
typedef enum ci_filter { CI_BILINEAR = 1, CI_BICUBIC = 2 } ci_filter;

// The longest side that is read or made: what JPEG can say.
#define CI_MAXIMUM_SIDE 65535

typedef struct ci_workspace ci_workspace;

typedef struct ci_header {
    ci_format format;
    int32_t width;
    int32_t height;
} ci_header;

typedef struct ci_image {
    const uint8_t *pixels;
    int32_t width;
    int32_t height;
} ci_image;

typedef struct ci_resampling {
    // The size of the whole result.
    int32_t width;
    int32_t height;
    // The part of the result that is wanted.
    int32_t left;
    int32_t top;
    int32_t columns;
    int32_t rows;
    // The part of the source that becomes the whole result: left, top, right, bottom.
    float box[4];
    ci_filter filter;
} ci_resampling;

// NULL where there is no memory.
ci_workspace *ci_workspace_create(void);
void ci_workspace_destroy(ci_workspace *workspace);
// The reason of the last failure.
const char *ci_message(const ci_workspace *workspace);

// Decode.c ---------------------------------------------------------------------------------------
// What a file's header says; no pixel is decoded and no memory for pixels taken.
ci_status ci_probe(ci_workspace *workspace, const uint8_t *file, size_t count, ci_header *out);
// As Pillow's `Image.open(file).convert("RGB")`: transparency is dropped, EXIF does not rotate, 16-bit
// gray saturates at 255. The size is held against `maximum_pixels` before memory is taken. `out` is
// the workspace's and good until it is used again.
ci_status ci_decode(ci_workspace *workspace, const uint8_t *file, size_t count,
                    uint64_t maximum_pixels, ci_image *out);

// Resample.c -------------------------------------------------------------------------------------
// As Pillow's `resize`, bit for bit, then a crop: `out` takes rows × columns × 3 bytes. `image` may
// be what the same workspace has decoded.
ci_status ci_resample(ci_workspace *workspace, const ci_image *image, const ci_resampling *how,
                      uint8_t *out);

// PNG.c ------------------------------------------------------------------------------------------
// A PNG file of 8-bit RGB; `file` is the workspace's and good until it is used again.
ci_status ci_encode_png(ci_workspace *workspace, const ci_image *image, const uint8_t **file,
                        size_t *count);

#ifdef __cplusplus
}
#endif

#endif
