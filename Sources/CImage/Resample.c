// Pillow's resize, bit for bit: two passes over 8-bit pixels, the horizontal one first, with weights
// of 22 fractional bits and a filter that widens with the reduction. (From version 13 on, Pillow takes
// the vertical pass first where it makes an image much lower than narrow, which changes some bytes
// by 1. The data of NeuBA and RECIPE were made before; so are these.)
//
// libtorch has an antialiased resize too. It is not used because images are made ready on loader
// threads, which must not call libtorch (its modes and its thread team belong to a thread), and
// because it is only nearly equal: its 8-bit kernel is off by one here and there.
#include <math.h>
#include <string.h>

#include "Workspace.h"

// Pillow's weights are rounded to the last bit of a double: no fused multiply-add.
#pragma STDC FP_CONTRACT OFF

enum {
    PRECISION = 32 - 8 - 2,
    // Bytes of source that one step of the horizontal pass weighs: 8 pixels.
    STEP = 24,
    // Bytes of a row that one step of the vertical pass makes.
    BLOCK = 32,
};

// MARK: Weights

// One axis: each place of the result is a weighted sum over `length` source places from `first` on.
typedef struct axis {
    int32_t count;
    int32_t *first;
    int32_t *length;
    // For each place of the result `stride` weights: one for each source place or, along a row, one
    // for each of its bytes; zeros after the last.
    int32_t *weights;
    size_t stride;
} axis;

static double bilinear(double x) {
    if (x < 0) x = -x;
    return x < 1 ? 1 - x : 0;
}

static double bicubic(double x) {
    const double a = -0.5;
    if (x < 0) x = -x;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

// What an axis is made from: `whole` places of result over the source places `from` ... `to`, of
// which `count` from `offset` on are wanted.
typedef struct span {
    int32_t source;
    double from;
    double scale;
    double support;
    double reduction;
    int32_t offset;
    int32_t count;
    ci_filter filter;
} span;

static span make_span(int32_t source, float from, float to, int32_t whole, int32_t offset,
                      int32_t count, ci_filter filter) {
    span made = {.source = source, .from = from, .offset = offset, .count = count,
                 .filter = filter};
    made.scale = (double)(to - from) / whole;
    made.reduction = made.scale < 1 ? 1 : made.scale;
    made.support = (filter == CI_BICUBIC ? 2.0 : 1.0) * made.reduction;
    return made;
}

static size_t maximum_length(const span *over) { return (size_t)ceil(over->support) * 2 + 1; }

static size_t rounded_up(size_t count, size_t unit) { return (count + unit - 1) / unit * unit; }

// The weights of one place of the result, each repeated for as many `channels` as lie interleaved.
static void fill_place(const span *over, int32_t index, double *scratch, int channels,
                       axis *out) {
    const double center = over->from + (over->offset + index + 0.5) * over->scale;
    const double unit = 1.0 / over->reduction;
    int32_t first = (int32_t)(center - over->support + 0.5);
    if (first < 0) first = 0;
    int32_t end = (int32_t)(center + over->support + 0.5);
    if (end > over->source) end = over->source;
    const int32_t length = end - first;
    double sum = 0;
    for (int32_t x = 0; x < length; x++) {
        const double distance = (x + first - center + 0.5) * unit;
        scratch[x] = over->filter == CI_BICUBIC ? bicubic(distance) : bilinear(distance);
        sum += scratch[x];
    }
    int32_t *weights = out->weights + (size_t)index * out->stride;
    memset(weights, 0, out->stride * sizeof *weights);
    for (int32_t x = 0; x < length; x++) {
        const double weight = (sum != 0 ? scratch[x] / sum : scratch[x]) * (1 << PRECISION);
        const int32_t rounded = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
        for (int channel = 0; channel < channels; channel++) *weights++ = rounded;
    }
    out->first[index] = first;
    out->length[index] = length;
}

static size_t axis_bytes(const span *over, size_t stride) {
    return rounded_up((size_t)over->count * (2 + stride) * sizeof(int32_t), 64);
}

// Fills the axis into `memory`, of `axis_bytes`, with `scratch` for one place's weights.
static axis make_axis(const span *over, size_t stride, int channels, uint8_t *memory,
                      double *scratch) {
    int32_t *words = (int32_t *)memory;
    axis made = {.count = over->count, .stride = stride};
    made.weights = words;
    made.first = words + (size_t)over->count * stride;
    made.length = made.first + over->count;
    for (int32_t index = 0; index < over->count; index++) {
        fill_place(over, index, scratch, channels, &made);
    }
    return made;
}

// MARK: Passes
//
// Both are written over small vectors, which clang turns into whatever the processor has. They are
// compiled twice where that pays: x86-64 is only sure to have 4 lanes, and no product of 32 bits.

typedef uint8_t bytes4 __attribute__((vector_size(4)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef int32_t words4 __attribute__((vector_size(16)));
typedef int32_t words8 __attribute__((vector_size(32)));

#define INLINE static inline __attribute__((always_inline))
#define LOAD(type, from) ({ type loaded; memcpy(&loaded, (from), sizeof loaded); loaded; })
#define WIDEN(from) __builtin_convertvector(LOAD(bytes8, from), words8)
#define LANES(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
// Sums of weighted bytes, rounded and scaled to bytes.
#define CLAMP(words, bytes, sums)                                                                \
    __builtin_convertvector(                                                                     \
        __builtin_elementwise_min(                                                               \
            __builtin_elementwise_max(((sums) + (1 << (PRECISION - 1))) >> PRECISION,            \
                                      (words){0}),                                               \
            (words){0} + 255),                                                                   \
        bytes)

// A row of the source to a row of the middle image. It reads up to STEP bytes past a place's last
// pixel, and writes a byte past the row's end.
INLINE void horizontal(const uint8_t *row, const axis *across, uint8_t *out) {
    for (int32_t x = 0; x < across->count; x++, out += 3) {
        const uint8_t *bytes = row + (size_t)across->first[x] * 3;
        const int32_t *weights = across->weights + (size_t)x * across->stride;
        const int32_t *end = weights + (size_t)across->length[x] * 3;
        words8 a = {0}, b = {0}, c = {0};
        for (; weights < end; weights += STEP, bytes += STEP) {
            a += WIDEN(bytes) * LOAD(words8, weights);
            b += WIDEN(bytes + 8) * LOAD(words8, weights + 8);
            c += WIDEN(bytes + 16) * LOAD(words8, weights + 16);
        }
        // 24 lanes, of which every third is of one channel: halve them, then add the four pixels.
        const words4 p = LANES(a, a, 0, 1, 2, 3) + LANES(b, b, 4, 5, 6, 7);
        const words4 q = LANES(a, a, 4, 5, 6, 7) + LANES(c, c, 0, 1, 2, 3);
        const words4 r = LANES(b, b, 0, 1, 2, 3) + LANES(c, c, 4, 5, 6, 7);
        const words4 sums = p + LANES(p, q, 3, 4, 5, 6) + LANES(q, r, 2, 3, 4, 5) +
                            LANES(r, r, 1, 2, 3, 3);
        const bytes4 pixel = CLAMP(words4, bytes4, sums);
        memcpy(out, &pixel, sizeof pixel);
    }
}

// One row of the result from the rows of the middle image, `stride` apart; `count` is a multiple of
// BLOCK.
INLINE void vertical(const uint8_t *rows, size_t stride, const int32_t *weights, int32_t length,
                     uint8_t *out, size_t count) {
    for (size_t x = 0; x < count; x += BLOCK) {
        words8 a = {0}, b = {0}, c = {0}, d = {0};
        const uint8_t *bytes = rows + x;
        for (int32_t y = 0; y < length; y++, bytes += stride) {
            a += WIDEN(bytes) * weights[y];
            b += WIDEN(bytes + 8) * weights[y];
            c += WIDEN(bytes + 16) * weights[y];
            d += WIDEN(bytes + 24) * weights[y];
        }
        const bytes8 made[4] = {CLAMP(words8, bytes8, a), CLAMP(words8, bytes8, b),
                                CLAMP(words8, bytes8, c), CLAMP(words8, bytes8, d)};
        memcpy(out + x, made, sizeof made);
    }
}

static void horizontal_plain(const uint8_t *row, const axis *across, uint8_t *out) {
    horizontal(row, across, out);
}

static void vertical_plain(const uint8_t *rows, size_t stride, const int32_t *weights,
                           int32_t length, uint8_t *out, size_t count) {
    vertical(rows, stride, weights, length, out, count);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void horizontal_avx2(const uint8_t *row,
                                                            const axis *across, uint8_t *out) {
    horizontal(row, across, out);
}

__attribute__((target("avx2"))) static void vertical_avx2(const uint8_t *rows, size_t stride,
                                                          const int32_t *weights,
                                                          int32_t length, uint8_t *out,
                                                          size_t count) {
    vertical(rows, stride, weights, length, out, count);
}
#endif

typedef struct passes {
    void (*horizontal)(const uint8_t *, const axis *, uint8_t *);
    void (*vertical)(const uint8_t *, size_t, const int32_t *, int32_t, uint8_t *, size_t);
} passes;

static passes best_passes(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return (passes){horizontal_avx2, vertical_avx2};
#endif
    return (passes){horizontal_plain, vertical_plain};
}

// MARK: Resampling

// The whole result may be larger than any image, where only its middle is wanted.
static const int32_t largest_whole = 1 << 30;

static bool is_within(int32_t offset, int32_t count, int32_t whole) {
    return whole >= 1 && whole <= largest_whole && offset >= 0 && count >= 1 &&
           count <= CI_MAXIMUM_SIDE && offset <= whole && count <= whole - offset;
}

static bool is_sound(const ci_image *image, const ci_resampling *how) {
    const float *box = how->box;
    return is_within(how->left, how->columns, how->width) &&
           is_within(how->top, how->rows, how->height) && box[0] >= 0 && box[1] >= 0 &&
           box[0] < box[2] && box[1] < box[3] && box[2] <= (float)image->width &&
           box[3] <= (float)image->height &&
           (how->filter == CI_BILINEAR || how->filter == CI_BICUBIC);
}

// The rows of the middle image: those of the source that the vertical pass reads.
typedef struct band {
    int32_t first;
    int32_t count;
    size_t stride;
    uint8_t *bytes;
} band;

// The horizontal pass; without `across` the wanted columns are copied.
static ci_status make_middle(ci_workspace *workspace, const ci_image *image, const axis *across,
                             const ci_resampling *how, const passes *run, band *out) {
    const size_t row_bytes = (size_t)image->width * 3;
    const uint8_t *end = image->pixels + row_bytes * (size_t)image->height;
    // Room for a padded copy of a row behind the rows themselves.
    const size_t rows_bytes = out->stride * (size_t)out->count;
    // Of an image of a thousand times its width much more would be made than it has.
    if (rows_bytes > ((size_t)16 << 20) + 4 * row_bytes * (size_t)image->height) {
        return ci_fail(workspace, CI_TOO_LARGE,
                       "is %d x %d pixels large, too narrow to be made a square of", image->width,
                       image->height);
    }
    uint8_t *memory =
        ci_reserve(workspace, &workspace->middle, rows_bytes + row_bytes + STEP);
    if (!memory) return CI_OUT_OF_MEMORY;
    uint8_t *padded = memory + rows_bytes;
    memset(padded + row_bytes, 0, STEP);
    out->bytes = memory;
    for (int32_t y = 0; y < out->count; y++) {
        const uint8_t *row = image->pixels + (size_t)(out->first + y) * row_bytes;
        uint8_t *target = memory + (size_t)y * out->stride;
        if (!across) {
            memcpy(target, row + (size_t)how->left * 3, (size_t)how->columns * 3);
            continue;
        }
        if ((size_t)(end - row) < row_bytes + STEP) {
            memcpy(padded, row, row_bytes);
            row = padded;
        }
        run->horizontal(row, across, target);
    }
    return CI_OK;
}

// The vertical pass; without `down` the rows are the result.
static ci_status finish(ci_workspace *workspace, const band *middle, const axis *down,
                        const ci_resampling *how, const passes *run, uint8_t *out) {
    const size_t width = (size_t)how->columns * 3;
    uint8_t *made = ci_reserve(workspace, &workspace->raw, middle->stride);
    if (!made) return CI_OUT_OF_MEMORY;
    for (int32_t y = 0; y < how->rows; y++) {
        const uint8_t *row = middle->bytes + (size_t)y * middle->stride;
        if (down) {
            row = middle->bytes + (size_t)(down->first[y] - middle->first) * middle->stride;
            run->vertical(row, middle->stride, down->weights + (size_t)y * down->stride,
                          down->length[y], made, middle->stride);
            row = made;
        }
        memcpy(out + (size_t)y * width, row, width);
    }
    return CI_OK;
}

ci_status ci_resample(ci_workspace *workspace, const ci_image *image, const ci_resampling *how,
                      uint8_t *out) {
    const ci_status status = ci_check_size(workspace, (uint64_t)image->width,
                                           (uint64_t)image->height, UINT64_MAX);
    if (status != CI_OK) return status;
    if (!is_sound(image, how)) {
        return ci_fail(workspace, CI_INVALID,
                       "cannot be resized so: the sizes or the box contradict each other");
    }
    const float *box = how->box;
    const bool resizes_rows =
        how->width != image->width || box[0] != 0 || box[2] != (float)how->width;
    const bool resizes_columns =
        how->height != image->height || box[1] != 0 || box[3] != (float)how->height;
    const span over_x = make_span(image->width, box[0], box[2], how->width, how->left,
                                  how->columns, how->filter);
    const span over_y = make_span(image->height, box[1], box[3], how->height, how->top, how->rows,
                                  how->filter);
    const size_t x_stride = rounded_up(maximum_length(&over_x) * 3, STEP);
    const size_t y_stride = maximum_length(&over_y);
    const size_t x_bytes = axis_bytes(&over_x, x_stride);
    const size_t y_bytes = axis_bytes(&over_y, y_stride);
    const size_t scratch = (x_stride > y_stride ? x_stride : y_stride) * sizeof(double);
    uint8_t *memory = ci_reserve(workspace, &workspace->weights, x_bytes + y_bytes + scratch);
    if (!memory) return CI_OUT_OF_MEMORY;
    double *place = (double *)(memory + x_bytes + y_bytes);

    axis across, down;
    band middle = {.first = how->top, .count = how->rows};
    middle.stride = rounded_up((size_t)how->columns * 3 + 1, BLOCK);
    if (resizes_rows) across = make_axis(&over_x, x_stride, 3, memory, place);
    if (resizes_columns) {
        down = make_axis(&over_y, y_stride, 1, memory + x_bytes, place);
        const int32_t last = down.count - 1;
        middle.first = down.first[0];
        middle.count = down.first[last] + down.length[last] - middle.first;
    }
    const passes run = best_passes();
    const ci_status made =
        make_middle(workspace, image, resizes_rows ? &across : NULL, how, &run, &middle);
    if (made != CI_OK) return made;
    return finish(workspace, &middle, resizes_columns ? &down : NULL, how, &run, out);
}
